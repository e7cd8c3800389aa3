// How primitives report errors: the value {:kind :message :data :trace} left in the context. It
// lies here, not beside context.h, because it needs dicts and strings.
#include "engine/base/str.h"
#include "engine/gc/context.h"
#include "engine/value/collections.h"

namespace sx {

Value Context::fail(std::string_view kind, std::string_view message, Value data) {
  Root held(heap, data);
  Root text(heap, make_string(*this, message));
  // :trace is filled in by whoever raises it, with the backtrace of that moment.
  const Field fields[] = {{"kind", keyword(kind)},
                          {"message", text.get()},
                          {"data", held.get()},
                          {"trace", Value::nil()}};
  error = make_dict(*this, fields);
  return Value::unset();
}

Value Context::fail_type(std::string_view who, std::string_view expected, Value got) {
  return fail("type-error", str(who, ": Expected ", expected, ", got ", type_name(got)), got);
}

}  // namespace sx
