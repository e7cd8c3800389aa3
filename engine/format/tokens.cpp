#include "engine/format/tokens.h"

#include "engine/base/utf8.h"
#include "engine/reader/chars.h"

namespace sx::format {

namespace {

std::uint32_t count(std::string_view text) { return static_cast<std::uint32_t>(utf8_count(text)); }

// Cuts the text as the reader does (reader.cpp); what it refuses never gets here.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<Token> run() {
    while (skip_space()) {
      const std::size_t from = at_;
      Token token;
      token.breaks = breaks_;
      token.spaces = spaces_;
      token.column = column_;
      token.line = breaks_ > 0 ? ++line_ : line_;
      token.kind = next_kind();
      token.text = text_.substr(from, at_ - from);
      if (token.kind == TokenKind::LineComment)
        while (is_reader_space(static_cast<unsigned char>(token.text.back())))
          token.text.remove_suffix(1);
      const std::size_t last = token.text.rfind('\n');
      token.width = count(token.text.substr(0, token.text.find('\n')));
      if (last != std::string_view::npos) {
        token.tail = count(token.text.substr(last + 1));
        ++line_;
      }
      column_ = token.tail == kNone ? column_ + token.width : token.tail;
      tokens_.push_back(token);
    }
    return std::move(tokens_);
  }

 private:
  unsigned char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? static_cast<unsigned char>(text_[at_ + ahead]) : 0;
  }

  // False at the end of the text.
  bool skip_space() {
    breaks_ = spaces_ = 0;
    for (; at_ < text_.size() && is_reader_space(peek()); ++at_) {
      if (peek() == '\n') {
        ++breaks_;
        column_ = spaces_ = 0;
      } else {
        ++column_;
        ++spaces_;
      }
    }
    return at_ < text_.size();
  }

  void skip_token() {
    while (at_ < text_.size() && !is_delimiter(peek())) ++at_;
  }

  // Behind the closing quote of a string or |symbol|; at_ is behind the opening one.
  void skip_quoted(char quote) {
    while (at_ < text_.size() && text_[at_] != quote) at_ += text_[at_] == '\\' ? 2 : 1;
    at_ = at_ < text_.size() ? at_ + 1 : text_.size();
  }

  void skip_block_comment() {
    std::uint32_t depth = 0;
    do {
      if (peek() == '#' && peek(1) == '|') {
        at_ += 2;
        ++depth;
      } else if (peek() == '|' && peek(1) == '#') {
        at_ += 2;
        --depth;
      } else {
        ++at_;
      }
    } while (depth > 0 && at_ < text_.size());
  }

  void skip_character() {
    at_ += 2;
    if (peek() == 'u' && peek(1) == '{') {
      const std::size_t end = text_.find('}', at_);
      at_ = end == std::string_view::npos ? text_.size() : end + 1;
      return;
    }
    const bool alone = is_delimiter(peek());
    if (at_ < text_.size()) at_ += static_cast<std::size_t>(utf8_length(peek()));
    if (!alone) skip_token();
  }

  TokenKind next_kind() {
    switch (peek()) {
      case '(':
      case '[':
      case '{':
        ++at_;
        return TokenKind::Open;
      case ')':
      case ']':
      case '}':
        ++at_;
        return TokenKind::Close;
      case '\'':
      case '`':
        ++at_;
        return TokenKind::Prefix;
      case ',':
        at_ += peek(1) == '@' ? 2 : 1;
        return TokenKind::Prefix;
      case ';':
        while (at_ < text_.size() && peek() != '\n') ++at_;
        return TokenKind::LineComment;
      case '"':
      case '|':
        skip_quoted(text_[at_++]);
        return TokenKind::Atom;
      case ':':
        if (peek(1) == '|') {
          at_ += 2;
          skip_quoted('|');
          return TokenKind::Atom;
        }
        break;
      case '#':
        return hash();
      default:
        break;
    }
    skip_token();
    return TokenKind::Atom;
  }

  TokenKind hash() {
    switch (peek(1)) {
      case '{':
        at_ += 2;
        return TokenKind::Open;
      case ';':
        at_ += 2;
        return TokenKind::Prefix;
      case '|':
        skip_block_comment();
        return TokenKind::BlockComment;
      case '\\':
        skip_character();
        return TokenKind::Atom;
      default:
        break;
    }
    skip_token();
    if (peek() == '{') {  // #name{…}
      ++at_;
      return TokenKind::Open;
    }
    if (peek() == '"') {  // #u8"…"
      ++at_;
      skip_quoted('"');
    }
    return TokenKind::Atom;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::uint32_t breaks_ = 0, spaces_ = 0, column_ = 0, line_ = 0;
  std::vector<Token> tokens_;
};

// Says of each token where it stands among the elements of its form.
void link(std::vector<Token>& tokens) {
  struct Open {
    std::uint32_t at;
    std::uint32_t last = kNone;  // element so far
    std::uint32_t elements = 0;  // without discarded ones
  };
  std::vector<Open> open{{kNone}};
  std::uint32_t prefix = kNone;  // the first token of an element that is not complete yet
  for (std::uint32_t i = 0; i < tokens.size(); ++i) {
    Token& token = tokens[i];
    if (token.kind == TokenKind::Close && open.size() > 1) {
      tokens[open.back().at].partner = i;
      token.partner = open.back().at;
      token.index = open.back().elements;
      token.parent = open.back().at;
      open.pop_back();
      prefix = kNone;
      continue;
    }
    Open& form = open.back();
    token.parent = form.at;
    token.index = form.elements;
    if (token.is_comment()) continue;
    if (prefix == kNone) {
      token.starts_element = true;
      token.discarded = token.text == "#;";
      token.previous = form.last;
      if (form.last != kNone) tokens[form.last].next = i;
      form.last = i;
      if (!token.discarded) ++form.elements;
    }
    token.element = prefix == kNone ? i : prefix;
    if (token.kind == TokenKind::Prefix) {
      prefix = token.element;
    } else {
      prefix = kNone;
    }
    if (token.kind == TokenKind::Open) open.push_back({i});
  }
}

}  // namespace

std::vector<Token> tokenize(std::string_view text) {
  std::vector<Token> tokens = Lexer(text).run();
  link(tokens);
  return tokens;
}

}  // namespace sx::format
