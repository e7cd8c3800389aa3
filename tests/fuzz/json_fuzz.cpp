// libFuzzer target: any bytes through json/read. What reads is written, read again and equal, in
// lines and without; what does not read is refused with its place.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/utf8.h"
#include "engine/prim/primitives.h"
#include "engine/reader/printer.h"
#include "engine/value/collections.h"
#include "engine/value/root_list.h"
#include "tests/fuzz/require.h"

namespace {

using namespace sx;

// Calls the primitive with these arguments, held as roots meanwhile.
Value call(Context& cx, const char* name, Value first, Value options) {
  const int index = find_primitive(name);
  require(index >= 0, "there is no such primitive", name);
  RootList args(cx.heap);
  args.push(first);
  args.push(options);
  // Primitives read their arguments where the collector keeps them up to date.
  return primitives()[index].fn(cx, const_cast<Value*>(args.data()), 2);
}

Value option(Context& cx, std::string_view name, Value value) {
  const Field fields[] = {{name, value}};
  return make_dict(cx, fields);
}

void check(Context& cx, std::string_view text, bool keywords) {
  Root options(cx.heap, option(cx, "keywords", Value::boolean(keywords)));
  Root source(cx.heap, make_string(cx, text));
  Root value(cx.heap, call(cx, "json/read", source, options));
  if (value.get().is_unset()) {
    const Value message = dict_get(cx, cx.error, cx.keyword("message"));
    require(is_string(message), "a refusal without a message", text);
    return;
  }
  for (const int indent : {0, 3}) {
    Root layout(cx.heap, option(cx, "indent", Value::small_int(indent)));
    Root written(cx.heap, call(cx, "json/write", value, layout));
    require(!written.get().is_unset(), "what was read cannot be written", text);
    const std::string first(as_string(written)->view());
    Root again(cx.heap, call(cx, "json/read", written, options));
    require(!again.get().is_unset(), "what was written does not read", first);
    require(equal(cx, again, value), "what was written reads as another value", first);
    const Value second = call(cx, "json/write", again, layout);
    require(as_string(second)->view() == first, "written twice it differs", first);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // One context serves many inputs: names and shapes are never freed.
  static std::unique_ptr<Context> cx;
  static unsigned runs = 0;
  if (runs++ % 4096 == 0) {
    HeapConfig config;
    config.nursery_bytes = std::size_t{64} << 10;
    cx = std::make_unique<Context>(config, runs);
  }
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!utf8_valid(text)) return 0;  // strings are UTF-8 already when they get here
  // Short inputs sometimes run with a heap that moves everything at every allocation.
  cx->heap.set_stress(size < 64 && size % 4 == 0);
  check(*cx, text, size % 2 != 0);
  return 0;
}
