// Source text as the formatter sees it: every token with the spaces and line breaks before it, and
// where it stands among the elements of its form. Speaks of text that the reader has accepted.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace sx::format {

enum class TokenKind : std::uint8_t {
  Open,
  Close,
  Prefix,  // ' ` , ,@ #;
  Atom,
  LineComment,
  BlockComment,
};

inline constexpr std::uint32_t kNone = UINT32_MAX;

struct Token {
  TokenKind kind = TokenKind::Atom;
  bool starts_element = false;     // the first token of an element: its prefix, bracket or atom
  bool discarded = false;          // an element behind #;
  std::string_view text;           // a line comment without the spaces at its end
  std::uint32_t breaks = 0;        // line breaks before it
  std::uint32_t spaces = 0;        // columns before it, on the same line
  std::uint32_t column = 0;        // in the source, from 0, in characters
  std::uint32_t line = 0;          // in the source; grows with a token of several lines as well
  std::uint32_t row = 0;           // the same, without the line breaks that are not kept
  std::uint32_t width = 0;         // in characters, up to its first line break
  std::uint32_t tail = kNone;      // of a token of several lines: the characters of its last one
  std::uint32_t parent = kNone;    // the bracket of the form it stands in
  std::uint32_t partner = kNone;   // of an opening bracket: its closing one, and back
  std::uint32_t element = kNone;   // the token that starts the element it belongs to
  std::uint32_t next = kNone;      // of a token that starts an element: the next element
  std::uint32_t previous = kNone;  // … and the one before
  std::uint32_t index = 0;  // which element of its form; of other tokens: how many are before it

  bool is_comment() const {
    return kind == TokenKind::LineComment || kind == TokenKind::BlockComment;
  }
  bool is_atom() const { return kind == TokenKind::Atom; }
  bool is_keyword() const { return is_atom() && text[0] == ':'; }
};

std::vector<Token> tokenize(std::string_view text);

}  // namespace sx::format
