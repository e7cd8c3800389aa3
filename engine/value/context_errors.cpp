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

Value Context::fail(const char* kind, const char* message, Value data) {
  return fail(std::string_view(kind), std::string_view(message), data);
}

Value Context::fail(const char* kind, const std::string& message, Value data) {
  return fail(std::string_view(kind), std::string_view(message), data);
}

Value Context::fail_type(const char* who, const char* expected, Value got) {
  // A record is told by its type, whose name the program gave.
  std::string_view found = type_name(got);
  if (is_kind(got, Kind::Record)) {
    const Value type = static_cast<Record*>(got.as_object())->type;
    found = record_name(*this, static_cast<RecordType*>(type.as_object()));
  }
  return fail("type-error", str(who, ": Expected ", expected, ", got ", found), got);
}

}  // namespace sx
