// The reader. One loop over tokens and a stack of open forms; the elements read so far lie in one
// list of roots, each open form owning those above its base. Nothing here recurses.
#include "engine/reader/reader.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/base/scan.h"
#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/reader/chars.h"
#include "engine/reader/printer.h"
#include "engine/value/collections.h"
#include "engine/value/number.h"
#include "engine/value/root_list.h"

namespace sx {
namespace {

// Where something is: line and column. A reader of data keeps the byte offset instead (its high
// and low half): it is turned into a line and a column only for an error.
struct Position {
  std::uint32_t line, column;
};

enum class FormKind : std::uint8_t { List, Vector, Dict, Set, Record, Prefix, Discard };

struct OpenForm {
  FormKind kind;
  Position at;                    // of the opening bracket or prefix
  std::size_t base;               // its elements are values[base…]
  Value prefix = Value::nil();    // symbol of a quote form, name of a record
  std::size_t dot_at = SIZE_MAX;  // a list with a dot: where the element behind it goes
  bool dotted() const { return dot_at != SIZE_MAX; }
};

const char* form_name(FormKind kind) {
  switch (kind) {
    case FormKind::List:
      return "list";
    case FormKind::Vector:
      return "vector";
    case FormKind::Dict:
      return "dict";
    case FormKind::Set:
      return "set";
    case FormKind::Record:
      return "record";
    case FormKind::Prefix:
      return "quote form";
    case FormKind::Discard:
      return "datum comment";
  }
  return "form";
}
char closing(FormKind kind) {
  return kind == FormKind::List ? ')' : kind == FormKind::Vector ? ']' : '}';
}
const char* opening(FormKind kind) {
  switch (kind) {
    case FormKind::List:
      return "(";
    case FormKind::Vector:
      return "[";
    case FormKind::Set:
      return "#{";
    default:
      return "{";
  }
}

std::string hex(std::uint32_t c) {
  std::string out = int_to_string(Value::small_int(c), 16);
  for (char& digit : out)
    if (digit >= 'a') digit = static_cast<char>(digit - 'a' + 'A');
  return std::string(out.size() < 4 ? 4 - out.size() : 0, '0') + out;
}

// A character as error messages show it.
std::string show_char(std::uint32_t c) {
  if (c == '\n') return "the end of the line";
  if (c <= ' ' || is_invisible(c)) return "U+" + hex(c);
  std::string out = "`";
  utf8_append(out, c);
  return out + "`";
}

std::string shorten(std::string_view text) {
  constexpr std::size_t kShown = 60;
  if (text.size() <= kShown) return std::string(text);
  std::size_t end = kShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "…";
}

// The value of hexadecimal digits, or -1: none, too many, or something else among them.
std::int64_t hex_value(std::string_view digits) {
  if (digits.empty() || digits.size() > 8) return -1;
  std::int64_t n = 0;
  for (const char c : digits) {
    const int lower = c | 0x20;
    if (c >= '0' && c <= '9') {
      n = n * 16 + (c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      n = n * 16 + (lower - 'a' + 10);
    } else {
      return -1;
    }
  }
  return n;
}

}  // namespace

struct ReaderImpl {
  explicit ReaderImpl(Reader& owner)
      : reader(owner), cx(owner.cx_), text(owner.text_), values(owner.cx_.heap) {}

  // --- Text ------------------------------------------------------------------------------------

  bool at_end() const { return reader.at_ >= text.size(); }
  unsigned char peek(std::size_t ahead = 0) const {
    return reader.at_ + ahead < text.size() ? static_cast<unsigned char>(text[reader.at_ + ahead])
                                            : 0;
  }
  // Over one code point.
  std::uint32_t advance() { return utf8_decode(text, reader.at_); }
  std::uint32_t peek_char() const {
    std::size_t at = reader.at_;
    return utf8_decode(text, at);
  }
  void skip(std::uint32_t n) { reader.at_ += n; }
  Position here() {
    if (!reader.options_.positions)
      return {static_cast<std::uint32_t>(std::uint64_t{reader.at_} >> 32),
              static_cast<std::uint32_t>(reader.at_)};
    reader.locate();
    return {reader.line_, reader.column_};
  }
  // As messages show it.
  Position shown(Position p) {
    if (reader.options_.positions) return p;
    const std::size_t offset = static_cast<std::size_t>(std::uint64_t{p.line} << 32 | p.column);
    if (offset < reader.located_) {  // back to the beginning
      reader.line_ = reader.column_ = 1;
      reader.located_ = reader.begin_;
    }
    const std::size_t at = std::exchange(reader.at_, offset);
    reader.locate();
    reader.at_ = at;
    return {reader.line_, reader.column_};
  }

  // --- Errors ----------------------------------------------------------------------------------

  Error error_at(Position p, std::string_view message) {
    p = shown(p);
    return Error{str(reader.options_.file, ":", p.line, ":", p.column, ": ", message)};
  }
  Error end_inside(Position from, std::string_view what, std::string_view expected) {
    reader.incomplete_ = true;
    from = shown(from);
    return error_at(here(), str("Found the end of the text inside the ", what, " that starts at ",
                                from.line, ":", from.column, ", expected ", expected));
  }

  // --- Spaces and comments -----------------------------------------------------------------------

  Result<void> skip_space() {
    while (!at_end()) {
      const unsigned char c = peek();
      if (is_reader_space(c)) {
        skip(1);
      } else if (c == ';') {
        reader.at_ = std::min(text.find('\n', reader.at_), text.size());
      } else if (c == '#' && peek(1) == '|') {
        SX_CHECK(skip_block_comment());
      } else {
        return {};
      }
    }
    return {};
  }

  Result<void> skip_block_comment() {
    const Position from = here();
    std::uint32_t depth = 0;
    while (!at_end()) {
      if (peek() == '#' && peek(1) == '|') {
        skip(2);
        ++depth;
      } else if (peek() == '|' && peek(1) == '#') {
        skip(2);
        if (--depth == 0) return {};
      } else {
        advance();
      }
    }
    return end_inside(from, "block comment", "`|#`");
  }

  // --- Strings, bytes, characters
  // ------------------------------------------------------------------

  // \xHH; or \u{HHHH}, behind the backslash and the letter.
  Result<std::uint32_t> read_hex_escape(Position at, char letter, std::uint32_t most) {
    const std::string form = letter == 'x' ? "`\\xHH;`" : "`\\u{HHHH}`";
    if (letter == 'u') {
      if (peek() != '{') return error_at(at, str("Incomplete escape: expected ", form));
      skip(1);
    }
    const char end = letter == 'x' ? ';' : '}';
    const std::size_t from = reader.at_;
    while (!at_end() && hex_value(text.substr(reader.at_, 1)) >= 0) skip(1);
    const std::string_view digits = text.substr(from, reader.at_ - from);
    if (at_end()) return end_inside(at, "escape", str("hexadecimal digits and `", end, "`"));
    const std::int64_t n = hex_value(digits);
    if (n < 0 || peek() != static_cast<unsigned char>(end))
      return error_at(at, str("Bad escape: expected ", form,
                              " with 1 to 8 hexadecimal digits, found ", show_char(peek_char())));
    skip(1);
    if (n > most || (most > 0xFF && !utf8_is_scalar(static_cast<std::uint32_t>(n))))
      return error_at(at, most == 0xFF
                              ? str("Escape \\x", digits, "; is not a byte: expected at most FF")
                              : str("Escape of U+", digits,
                                    ": not a character (expected 0 to D7FF or E000 to 10FFFF)"));
    return static_cast<std::uint32_t>(n);
  }

  // The contents of a string, byte string or |symbol|, behind the opening quote: a part of the
  // text when it has no escapes, else of `unescaped`, until the next call.
  Result<std::string_view> read_quoted(Position from, char quote, std::string_view what) {
    const bool bytes = what == "byte string";
    unescaped.clear();
    for (std::size_t start = reader.at_;; start = reader.at_) {
      const std::size_t end =
          bytes ? scan(text, start,
                       [quote](std::uint64_t w) {
                         return bytes_equal(w, quote) | bytes_equal(w, '\\') | (w & kTopBits);
                       })
                : scan_quoted(text, start, quote);
      reader.at_ = end;
      const std::string_view plain = text.substr(start, end - start);
      const unsigned char c = peek();
      if (!at_end() && c == static_cast<unsigned char>(quote)) {
        skip(1);
        if (unescaped.empty()) return plain;
        unescaped.append(plain);
        return std::string_view(unescaped);
      }
      const Position at = here();
      if (bytes && c >= 0x80)
        return error_at(at, str("Found ", show_char(peek_char()),
                                " in a byte string, expected ASCII or `\\xHH;`"));
      skip(1);
      if (at_end()) {
        reader.at_ = text.size();
        break;
      }
      unescaped.append(plain);
      const std::uint32_t letter = advance();
      switch (letter) {
        case 'n':
          unescaped.push_back('\n');
          break;
        case 't':
          unescaped.push_back('\t');
          break;
        case 'r':
          unescaped.push_back('\r');
          break;
        case '0':
          unescaped.push_back('\0');
          break;
        case '"':
        case '|':
        case '\\':
          unescaped.push_back(static_cast<char>(letter));
          break;
        case 'x':
        case 'u': {
          if (bytes && letter == 'u')
            return error_at(at, "Escape \\u in a byte string: expected `\\xHH;`");
          SX_TRY(const std::uint32_t n,
                 read_hex_escape(at, static_cast<char>(letter), bytes ? 0xFF : 0x10FFFF));
          if (bytes) {
            unescaped.push_back(static_cast<char>(n));
          } else {
            utf8_append(unescaped, n);
          }
          break;
        }
        default:
          return error_at(at, str("Unknown escape: found ", show_char(letter),
                                  " behind a backslash, expected one of \\n \\t \\r \\0 \\\" \\\\ "
                                  "\\xHH; \\u{HHHH} (write \\\\ for a backslash)"));
      }
    }
    return end_inside(from, what, str("`", quote, "`"));
  }

  std::string_view read_token() {
    const std::size_t from = reader.at_;
    while (!at_end()) {
      const unsigned char c = peek();
      if (c < 0x80 ? is_delimiter(c) || is_invisible(c) : is_invisible(peek_char())) break;
      advance();
    }
    return text.substr(from, reader.at_ - from);
  }

  Result<Value> read_character(Position from) {
    skip(2);
    if (at_end()) return end_inside(from, "character", "a character or its name behind `#\\`");
    const std::size_t start = reader.at_;
    const std::uint32_t first = advance();
    if (first == 'u' && peek() == '{') {
      SX_TRY(const std::uint32_t c, read_hex_escape(from, 'u', 0x10FFFF));
      return Value::character(c);
    }
    const bool alone = first < 0x80 ? is_delimiter(first) : false;
    if (!alone) read_token();
    const std::string_view name = text.substr(start, reader.at_ - start);
    if (name.size() == static_cast<std::size_t>(utf8_size(first))) return Value::character(first);
    for (const CharName& known : kCharNames)
      if (known.name == name) return Value::character(known.c);
    return error_at(from, str("Unknown character name #\\", shorten(name),
                              ": expected one character, \\u{HHHH}, or one of space newline tab "
                              "return null escape backspace delete alarm page"));
  }

  // --- Atoms
  // ---------------------------------------------------------------------------------------

  Result<Value> read_keyword(Position from) {
    skip(1);
    if (peek() == '|') {
      skip(1);
      SX_TRY(const std::string_view name, read_quoted(from, '|', "keyword"));
      return cx.keyword(name);
    }
    const std::string_view name = read_token();
    if (name.empty()) return error_at(from, "Found `:` alone, expected a keyword such as :name");
    return cx.keyword(name);
  }

  Result<Value> atom(Position from) {
    const std::string_view token = read_token();
    if (token.empty()) {
      const std::uint32_t c = peek_char();
      return error_at(from, str("Found ", show_char(c),
                                ", an invisible character: remove it (inside a string write it as "
                                "\\u{",
                                hex(c), "})"));
    }
    if (looks_like_number(token)) {
      const Value n = parse_number(cx, token);
      if (n.is_unset())
        return error_at(from, str("Bad number ", shorten(token),
                                  ": expected an integer like 42 or 0x2A, or a float like 1.5 or "
                                  "1e9 (a symbol cannot start with a digit)"));
      return n;
    }
    if (token == "nil") return Value::nil();
    if (token == "true") return Value::tru();
    if (token == "false") return Value::fals();
    return cx.symbol(token);
  }

  Result<Value> read_hash(Position from) {
    if (peek(1) == '\\') return read_character(from);
    if (text.substr(reader.at_, 4) == "#u8\"") {
      skip(4);
      SX_TRY(const std::string_view data, read_quoted(from, '"', "byte string"));
      return make_bytes(cx, {reinterpret_cast<const std::uint8_t*>(data.data()), data.size()});
    }
    if (peek(1) == '<') {
      std::size_t end = text.find_first_of(">\n", reader.at_);
      if (end == std::string_view::npos) end = text.size();
      return error_at(from, str("Found ", shorten(text.substr(reader.at_, end + 1 - reader.at_)),
                                ", the printed form of a value that has no literal: it cannot be "
                                "read back"));
    }
    skip(1);
    const std::string_view token = read_token();
    if (token == "t" || token == "f" || token == "true" || token == "false")
      return error_at(from, str("Found #", token, ", expected true or false"));
    return error_at(from, str("Found #", shorten(token),
                              ", expected one of #{…} #name{…} #\\char #u8\"…\" #; #|…|# behind "
                              "`#`"));
  }

  // --- Forms
  // ---------------------------------------------------------------------------------------

  Value pair(Value head, Value rest, Position at) {
    if (!reader.options_.positions) return cx.heap.cons(head, rest);
    Root car(cx.heap, head), cdr(cx.heap, rest);
    auto* made = static_cast<Pair*>(cx.heap.alloc(Kind::Pair, 4));
    made->car = car;
    made->cdr = cdr;
    (&made->cdr)[1] = make_position(at.line, at.column);
    return Value::object(made);
  }

  Result<void> open(FormKind kind, Position at, Value prefix = Value::nil()) {
    if (forms.size() >= reader.options_.depth_max)
      return error_at(
          at, str("Nested too deeply: more than ", reader.options_.depth_max, " open forms"));
    forms.push_back({kind, at, values.size(), prefix});
    return {};
  }

  // An element of the innermost open form is complete. Prefixes end with it.
  void deliver(Value v, Position at) {
    while (!forms.empty()) {
      const OpenForm& form = forms.back();
      if (form.kind == FormKind::Discard) {
        forms.pop_back();
        return;
      }
      if (form.kind != FormKind::Prefix) break;
      const Value symbol = form.prefix;
      v = pair(v, Value::empty_list(), at);
      at = form.at;
      v = pair(symbol, v, at);
      forms.pop_back();
    }
    values.push(v);
    if (reader.options_.positions) positions.push_back(at);
  }

  Position element_position(std::size_t i) const {
    return reader.options_.positions ? positions[i] : Position{0, 0};
  }

  Result<Value> close_list(const OpenForm& form) {
    std::size_t end = values.size();
    Value list = Value::empty_list();
    if (form.dotted()) list = values[--end];
    while (end > form.base) {
      --end;
      // The first pair stands for the whole form, the others for their element.
      list = pair(values[end], list, end == form.base ? form.at : element_position(end));
    }
    return list;
  }

  Result<Value> close_dict(const OpenForm& form) {
    const std::size_t count = values.size() - form.base;
    if (count % 2) {
      const Position at = element_position(values.size() - 1);
      return error_at(reader.options_.positions ? at : form.at,
                      str("Dict literal with the key ", print(cx, values.back(), {false, 60}),
                          " without a value: expected an even number of forms in {…}"));
    }
    const Value dict =
        dict_from_entries(cx, values.data() + form.base, static_cast<std::uint32_t>(count / 2));
    if (dict_count(dict) == count / 2) return dict;
    Root seen(cx.heap, empty_dict(cx));
    std::size_t i = form.base;
    for (; dict_get(cx, seen, values[i]).is_unset(); i += 2)
      seen = dict_put(cx, seen, values[i], Value::nil());
    return error_at(reader.options_.positions ? element_position(i) : form.at,
                    str("Dict literal with the key ", print(cx, values[i], {false, 60}),
                        " twice: expected different keys"));
  }

  Result<Value> close_set(const OpenForm& form) {
    Root set(cx.heap, empty_set(cx));
    for (std::size_t i = form.base; i < values.size(); ++i) {
      if (set_contains(cx, set, values[i]))
        return error_at(reader.options_.positions ? element_position(i) : form.at,
                        str("Set literal with the member ", print(cx, values[i], {false, 60}),
                            " twice: expected different members"));
      set = set_add(cx, set, values[i]);
    }
    return set.get();
  }

  // #name{:field value …}: an instance of the type with this name and these fields in this order.
  Result<Value> close_record(const OpenForm& form) {
    std::vector<Value> fields;
    for (std::size_t i = form.base; i < values.size(); i += 2) {
      const Value key = values[i];
      const Position at = reader.options_.positions ? element_position(i) : form.at;
      if (!key.is_keyword())
        return error_at(at, str("Found ", print(cx, key, {false, 60}),
                                " in a record, expected a "
                                "field such as :name"));
      if (std::find(fields.begin(), fields.end(), key) != fields.end())
        return error_at(at, str("Record with the field ", print(cx, key, {false, 60}),
                                " twice: expected different fields"));
      if (i + 1 == values.size())
        return error_at(at, str("Record with the field ", print(cx, key, {false, 60}),
                                " without a value: expected :field value … in #name{…}"));
      fields.push_back(key);
    }
    const Value type = record_type(cx, form.prefix, fields);
    if (type.is_unset()) return error_at(form.at, "Too many different record types");
    const auto count = static_cast<std::uint32_t>(fields.size());
    auto* record = static_cast<Record*>(cx.heap.alloc_slots(Kind::Record, 2 + count));
    record->type = type;  // static: it has not moved
    for (std::uint32_t i = 0; i < count; ++i) {
      record->fields()[i] = values[form.base + 2 * i + 1];
      cx.heap.write_barrier(record, record->fields()[i]);
    }
    return Value::object(record);
  }

  Result<void> close(char bracket, Position at) {
    if (forms.empty()) return error_at(at, str("Found `", bracket, "` without an open bracket"));
    const OpenForm form = forms.back();
    if (form.kind == FormKind::Prefix || form.kind == FormKind::Discard) {
      const Position opened = shown(form.at);
      return error_at(at, str("Found `", bracket, "`, expected a form behind the ",
                              form.kind == FormKind::Prefix ? "quote" : "`#;`", " at ", opened.line,
                              ":", opened.column));
    }
    if (closing(form.kind) != bracket) {
      const Position opened = shown(form.at);
      return error_at(
          at, str("Found `", bracket, "`, expected `", closing(form.kind), "` to close the `",
                  opening(form.kind), "` at ", opened.line, ":", opened.column));
    }
    if (form.dotted() && values.size() == form.dot_at)
      return error_at(at, "Found `)` behind a dot, expected the rest of the list");
    Result<Value> made = Value::nil();
    switch (form.kind) {
      case FormKind::Vector:
        made = make_vector_rooted(cx, values.data() + form.base,
                                  static_cast<std::uint32_t>(values.size() - form.base));
        break;
      case FormKind::Dict:
        made = close_dict(form);
        break;
      case FormKind::Set:
        made = close_set(form);
        break;
      case FormKind::Record:
        made = close_record(form);
        break;
      default:
        made = close_list(form);
    }
    if (!made.ok()) return made.error();
    forms.pop_back();
    values.truncate(form.base);
    if (reader.options_.positions) positions.resize(form.base);
    deliver(*made, form.at);
    return {};
  }

  Result<void> dot(Position at) {
    if (forms.empty() || forms.back().kind != FormKind::List)
      return error_at(at, "Found a dot, expected it only inside (…), before the last element");
    OpenForm& form = forms.back();
    if (form.dotted() || values.size() == form.base)
      return error_at(at, form.dotted()
                              ? "Found a second dot in a list"
                              : "Found a dot at the head of a list, expected an element first");
    form.dot_at = values.size();
    return {};
  }

  // At a `#`: where the name of a record ends, 0 if this is none.
  std::size_t record_name_end() const {
    std::size_t at = reader.at_ + 1;
    while (at < text.size()) {
      const std::size_t from = at;
      const std::uint32_t c = utf8_decode(text, at);
      if (!is_delimiter(c) && !is_invisible(c)) continue;
      const std::string_view name = text.substr(reader.at_ + 1, from - reader.at_ - 1);
      return c == '{' && is_record_token(name) ? from : 0;
    }
    return 0;
  }

  // One token. Sets `done` when there is nothing more.
  Result<void> step(bool& done) {
    SX_CHECK(skip_space());
    const Position at = here();
    if (at_end()) {
      done = true;
      if (forms.empty()) return {};
      const OpenForm& form = forms.back();
      if (form.kind == FormKind::Prefix || form.kind == FormKind::Discard)
        return end_inside(form.at, form_name(form.kind), "a form");
      return end_inside(form.at, form_name(form.kind), str("`", closing(form.kind), "`"));
    }
    const unsigned char c = peek();
    const auto closes = c == ')' || c == ']' || c == '}';
    const bool comment = c == '#' && peek(1) == ';';
    if (!closes && !comment && !forms.empty() && forms.back().dotted() &&
        values.size() > forms.back().dot_at)
      return error_at(at, "Found a second element behind the dot, expected `)`");
    switch (c) {
      case '(':
        skip(1);
        return open(FormKind::List, at);
      case '[':
        skip(1);
        return open(FormKind::Vector, at);
      case '{':
        skip(1);
        return open(FormKind::Dict, at);
      case ')':
      case ']':
      case '}':
        skip(1);
        return close(static_cast<char>(c), at);
      case '\'':
        skip(1);
        return open(FormKind::Prefix, at, cx.symbol("quote"));
      case '`':
        skip(1);
        return open(FormKind::Prefix, at, cx.symbol("quasiquote"));
      case ',': {
        const bool splicing = peek(1) == '@';
        skip(splicing ? 2 : 1);
        return open(FormKind::Prefix, at, cx.symbol(splicing ? "unquote-splicing" : "unquote"));
      }
      case '#':
        if (peek(1) == '{') {
          skip(2);
          return open(FormKind::Set, at);
        }
        if (const std::size_t end = record_name_end(); end != 0) {
          const Value name = cx.symbol(text.substr(reader.at_ + 1, end - reader.at_ - 1));
          skip(static_cast<std::uint32_t>(end + 1 - reader.at_));
          return open(FormKind::Record, at, name);
        }
        if (comment) {
          skip(2);
          return open(FormKind::Discard, at);
        }
        break;
      case '.':
        if (reader.at_ + 1 == text.size() || is_delimiter(peek(1))) {
          skip(1);
          return dot(at);
        }
        break;
      default:
        break;
    }
    SX_TRY(const Value v, read_atom(c, at));
    deliver(v, at);
    return {};
  }

  Result<Value> read_atom(unsigned char c, Position at) {
    switch (c) {
      case '"': {
        skip(1);
        SX_TRY(const std::string_view s, read_quoted(at, '"', "string"));
        return make_string(cx, s);
      }
      case '|': {
        skip(1);
        SX_TRY(const std::string_view name, read_quoted(at, '|', "symbol"));
        return cx.symbol(name);
      }
      case ':':
        return read_keyword(at);
      case '#':
        return read_hash(at);
      default:
        return atom(at);
    }
  }

  Result<Value> run() {
    SX_CHECK(skip_space());
    reader.start_ = reader.at_;
    bool done = false;
    while (!done && (values.empty() || !forms.empty())) SX_CHECK(step(done));
    return values.empty() ? Value::eof() : values[0];
  }

  Reader& reader;
  Context& cx;
  std::string_view text;
  std::string unescaped;
  RootList values;
  std::vector<Position> positions;  // of values, when wanted
  std::vector<OpenForm> forms;
};

Reader::Reader(Context& cx, std::string_view text, ReadOptions options)
    : cx_(cx), text_(text), options_(std::move(options)) {
  if (text_.substr(0, 3) == "\xEF\xBB\xBF") at_ = 3;  // a byte order mark
  if (text_.substr(at_, 2) == "#!") at_ = std::min(text_.find('\n', at_), text_.size());
  begin_ = located_ = at_;
}

void Reader::locate() {
  const std::string_view passed = text_.substr(located_, at_ - located_);
  located_ = at_;
  std::size_t line_start = 0;
  for (std::size_t at; (at = scan(passed, line_start, [](std::uint64_t w) {
                          return bytes_equal(w, '\n');
                        })) < passed.size();) {
    ++line_;
    column_ = 1;
    line_start = at + 1;
  }
  column_ += static_cast<std::uint32_t>(utf8_count(passed.substr(line_start)));
}

std::uint32_t Reader::line() {
  locate();
  return line_;
}
std::uint32_t Reader::column() {
  locate();
  return column_;
}

Result<Value> Reader::next() {
  incomplete_ = false;
  if (!checked_) {
    const std::size_t valid = utf8_valid_prefix(text_);
    if (valid < text_.size()) {
      std::uint32_t line = 1, column = 1;
      for (std::size_t at = 0; at < valid; ++column)
        if (utf8_decode(text_, at) == '\n') {
          ++line;
          column = 0;
        }
      return Error{str(options_.file, ":", line, ":", column,
                       ": Found invalid UTF-8 at byte offset ", valid,
                       ", expected UTF-8 text (save the file as UTF-8)")};
    }
    checked_ = true;
  }
  return ReaderImpl(*this).run();
}

Result<Value> read_data(Context& cx, std::string_view text) {
  ReadOptions options;
  options.file = "data";
  options.positions = false;
  Reader reader(cx, text, options);
  SX_TRY(const Value first, reader.next());
  if (first == Value::eof())
    return Error{str("data:", reader.line(), ":", reader.column(),
                     ": Found the end of the text, expected a value")};
  Root value(cx.heap, first);
  SX_TRY(const Value second, reader.next());
  if (!(second == Value::eof())) {
    reader.at_ = reader.start_;
    reader.located_ = reader.begin_;
    reader.line_ = reader.column_ = 1;
    return Error{str("data:", reader.line(), ":", reader.column(),
                     ": Found a second value, expected the end of the text")};
  }
  return value.get();
}

}  // namespace sx
