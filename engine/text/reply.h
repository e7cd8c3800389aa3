// Writes a reply of the text module: see text.h for the format.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

// State of the module: one per engine. Natively an engine is a thread; text.wasm has none.
#ifdef __wasm__
#define SX_PER_ENGINE static
#else
#define SX_PER_ENGINE thread_local
#endif

namespace sx::text {

class Reply {
 public:
  void clear() { bytes_.clear(); }
  std::string_view bytes() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }

  void op(char code) { bytes_.push_back(code); }
  void op(char code, std::uint32_t n) {
    op(code);
    number(n);
  }
  void number(std::uint32_t n) {
    char b[4];
    std::memcpy(b, &n, 4);  // both targets are little-endian
    bytes_.append(b, 4);
  }
  void boolean(bool b) { op(b ? 't' : 'f'); }
  void slice(std::size_t from, std::size_t to) {
    op('s', static_cast<std::uint32_t>(from));
    number(static_cast<std::uint32_t>(to));
  }
  void text(char code, std::string_view s) {
    op(code, static_cast<std::uint32_t>(s.size()));
    bytes_.append(s);
  }
  void string(std::string_view s) { text('x', s); }
  // The first time a keyword is written out, later by its number: `known` counts those so far.
  void keyword(std::string_view s) { text('k', s); }
  void work(std::uint64_t n) {
    op('w', n > 0xFFFFFFFFu ? 0xFFFFFFFFu : static_cast<std::uint32_t>(n));
  }
  // The data of the error has been written before.
  void error(std::string_view kind, std::string_view message) {
    text('e', kind);
    number(static_cast<std::uint32_t>(message.size()));
    bytes_.append(message);
  }
  // Writes a number over one written before.
  void patch(std::size_t at, std::uint32_t n) { std::memcpy(bytes_.data() + at, &n, 4); }

 private:
  std::string bytes_;
};

}  // namespace sx::text
