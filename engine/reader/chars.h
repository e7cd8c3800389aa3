// What the reader and the printer agree on: which characters end a token, which are space, and the
// names of characters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sx {

constexpr bool is_reader_space(std::uint32_t c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}
// Ends a symbol, number or keyword.
constexpr bool is_delimiter(std::uint32_t c) {
  switch (c) {
    case '(':
    case ')':
    case '[':
    case ']':
    case '{':
    case '}':
    case '"':
    case ';':
    case '\'':
    case '`':
    case ',':
    case '|':
      return true;
    default:
      return is_reader_space(c);
  }
}
// May a record type with this name be written #name{…}? Otherwise its instances print as #<name …>.
bool is_record_token(std::string_view name);  // printer.cpp

// Controls, and the spaces and marks of Unicode that look like nothing or like an ASCII space: not
// allowed bare in source text, where nobody could see them.
constexpr bool is_invisible(std::uint32_t c) {
  return (c < 0x20 && !is_reader_space(c)) || (c >= 0x7F && c <= 0xA0) || c == 0xAD ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200F) || (c >= 0x2028 && c <= 0x202F) ||
         (c >= 0x205F && c <= 0x206F) || c == 0x3000 || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB);
}

// A token that begins like a number has to be one.
constexpr bool looks_like_number(std::string_view token) {
  const auto digit = [&](std::size_t i) {
    return i < token.size() && token[i] >= '0' && token[i] <= '9';
  };
  if (token == "+inf.0" || token == "-inf.0" || token == "+nan.0") return true;
  const std::size_t sign = !token.empty() && (token[0] == '+' || token[0] == '-') ? 1 : 0;
  return digit(sign) || (sign < token.size() && token[sign] == '.' && digit(sign + 1));
}

struct CharName {
  std::string_view name;
  std::uint32_t c;
};
// The first name of a character is the one it is printed with.
inline constexpr CharName kCharNames[] = {
    {"space", ' '},   {"newline", '\n'},  {"tab", '\t'},    {"return", '\r'},
    {"null", 0},      {"nul", 0},         {"escape", 0x1B}, {"backspace", 8},
    {"delete", 0x7F}, {"linefeed", '\n'}, {"alarm", 7},     {"page", '\f'},
};

}  // namespace sx
