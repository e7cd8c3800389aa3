// Reading and writing text: nanoseconds per byte for strings of 6 KB (a post as it is stored) in
// SX text and in JSON, ASCII with line ends, European text, and CJK.
#include <chrono>
#include <cstdio>
#include <string>

#include "engine/prim/declare.h"
#include "engine/prim/primitives.h"
#include "engine/reader/printer.h"
#include "engine/reader/reader.h"
#include "engine/value/collections.h"

namespace {

using sx::Context;
using sx::Root;
using sx::Value;

std::string repeated(std::string_view part, std::size_t bytes) {
  std::string out;
  while (out.size() < bytes) out.append(part);
  return out;
}

// Best of five rounds, ns per byte.
template <class Work>
double measure(std::size_t bytes, Work work) {
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    constexpr int kTimes = 400;
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < kTimes; ++i) work();
    const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
    const double each = spent.count() / kTimes / static_cast<double>(bytes);
    if (each < best) best = each;
  }
  return best;
}

void row(Context& cx, const char* name, const std::string& text) {
  Root value(cx.heap, sx::make_string(cx, text));
  const std::string printed = sx::print(cx, value);
  Root quoted(cx.heap, sx::make_string(cx, printed));
  Value json_args[2] = {value, Value::nil()};
  Root json(cx.heap, sx::prim_json_write(cx, json_args, 1));
  std::size_t sink = 0;
  const double write = measure(text.size(), [&] { sink += sx::print(cx, value).size(); });
  const double read =
      measure(text.size(), [&] { sink += sx::read_data(cx, printed).value().bits; });
  const double make = measure(text.size(), [&] { sink += sx::make_string(cx, text).bits; });
  const double read_string = measure(text.size(), [&] {
    Value args[1] = {quoted};
    sink += sx::prim_read_string(cx, args, 1).bits;
  });
  const double json_write = measure(text.size(), [&] {
    Value args[1] = {value};
    sink += sx::prim_json_write(cx, args, 1).bits;
  });
  const double json_read = measure(text.size(), [&] {
    Value args[1] = {json};
    sink += sx::prim_json_read(cx, args, 1).bits;
  });
  std::printf("%-22s %7.2f %7.2f %11.2f %10.2f %9.2f %11.2f   (%zu)\n", name, write, read,
              read_string, json_write, json_read, make, sink & 1);
}

}  // namespace

int main() {
  Context cx(sx::HeapConfig{}, 1);
  constexpr std::size_t kBytes = 6000;
  std::printf(
      "ns per byte            print    read read-string json/write json/read make_string\n");
  row(cx, "ASCII, one run", repeated("the quick brown fox jumps over the lazy dog. ", kBytes));
  row(cx, "ASCII, lines of 70",
      repeated("the quick brown fox jumps over the lazy dog, and once more, over it.\n", kBytes));
  row(cx, "ASCII, many quotes", repeated("<a href=\"/x/\">link</a>\n", kBytes));
  row(cx, "European",
      repeated("Die Bäume über dem Fluß öffnen sich früh, schön für Zürich. ", kBytes));
  row(cx, "CJK", repeated("漢字とかな混じりの文章を書く。", kBytes));
  return 0;
}
