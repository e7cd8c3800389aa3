// The reader: text → forms. Iterative (nesting is bounded by memory and `depth_max`, never by the
// C++ stack). Pairs it makes carry their source position in a third slot (value/object.h, Pair).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/gc/context.h"

namespace sx {

// A position packed into a small int: line in bits 16…43 (1-based), column in bits 0–15 (1-based,
// code points, saturating). The file is known to whoever reads.
constexpr Value make_position(std::uint32_t line, std::uint32_t column) {
  return Value::small_int(static_cast<std::int64_t>(line) << 16 |
                          (column > 65535 ? 65535 : column));
}
constexpr std::uint32_t position_line(Value v) {
  return static_cast<std::uint32_t>(v.as_int() >> 16);
}
constexpr std::uint32_t position_column(Value v) {
  return static_cast<std::uint32_t>(v.as_int() & 0xFFFF);
}

struct ReadOptions {
  std::string file = "<input>";
  bool positions = true;  // false for data (smaller pairs)
  std::uint32_t depth_max = 2'000'000;
};

// Reads one form after another. Errors: "file:line:column: what was found, what was expected".
class Reader {
 public:
  Reader(Context& cx, std::string_view text, ReadOptions options);
  // The next form, or Value::eof() at the end of the text.
  Result<Value> next();
  // True if the error was caused by the text ending inside a form (the REPL asks for more).
  bool incomplete() const { return incomplete_; }
  // Where it stands.
  std::uint32_t line();
  std::uint32_t column();

 private:
  friend struct ReaderImpl;
  friend Result<Value> read_data(Context& cx, std::string_view text);
  Context& cx_;
  std::string_view text_;
  ReadOptions options_;
  std::size_t at_ = 0;
  std::size_t begin_ = 0;  // behind a byte order mark and a first line #!
  std::size_t start_ = 0;  // of the form read last
  // Line and column are those of the offset located_; locate() moves it to at_ on demand.
  void locate();
  std::size_t located_ = 0;
  std::uint32_t line_ = 1, column_ = 1;
  bool incomplete_ = false;
  bool checked_ = false;  // the text is valid UTF-8
};

// Reads exactly one value of data (no positions); trailing text is an error.
Result<Value> read_data(Context& cx, std::string_view text);

}  // namespace sx
