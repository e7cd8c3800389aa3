// libFuzzer: any bytes through the reader. Whatever reads must print, read again and be equal.
#include <memory>
#include <string_view>

#include "engine/reader/printer.h"
#include "engine/reader/reader.h"
#include "engine/value/collections.h"
#include "tests/fuzz/require.h"

using namespace sx;

namespace {

void read_all(Context& cx, std::string_view text) {
  ReadOptions options;
  options.depth_max = 100'000;
  Reader reader(cx, text, options);
  while (true) {
    const Result<Value> form = reader.next();
    if (!form.ok()) {
      require(form.error().message.compare(0, 8, "<input>:") == 0, "an error without a position",
              form.error().message);
      return;
    }
    if (*form == Value::eof()) return;
    Root value(cx.heap, *form);
    const std::string printed = print(cx, value);
    const Result<Value> again = read_data(cx, printed);
    require(again.ok(), "printed text does not read", printed);
    require(equal(cx, *again, value), "printed text reads as another value", printed);
    require(hash_value(cx, *again) == hash_value(cx, value), "equal values hash apart", printed);
    require(print(cx, *again) == printed, "the second printing differs", printed);
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
  // Short inputs sometimes run with a heap that moves everything at every allocation.
  cx->heap.set_stress(size < 64 && size % 4 == 0);
  read_all(*cx, {reinterpret_cast<const char*>(data), size});
  return 0;
}
