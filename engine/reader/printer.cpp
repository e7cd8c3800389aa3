// The printer. Open compounds wait on an explicit stack; a value is either written whole or opened.
#include "engine/reader/printer.h"

#include <unordered_set>
#include <vector>

#include "engine/base/scan.h"
#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/bytecode/unit.h"
#include "engine/reader/chars.h"
#include "engine/value/collections.h"

namespace sx {
namespace {

bool plain_token(std::string_view name) {
  for (std::size_t at = 0; at < name.size();) {
    const std::uint32_t c = utf8_decode(name, at);
    if (is_delimiter(c) || is_invisible(c)) return false;
  }
  return !name.empty();
}

// What a compound still has to write.
struct Open {
  enum class Form : std::uint8_t { List, Vector, Dict, Set, Array, Table, Fields, Rest };
  Form form;
  bool first = true;
  Value value;                     // the compound; for a list what is left of it
  const char* close;               // what ends it
  std::uint32_t at = 0;            // index or cursor position
  bool mutable_ = false;           // to be taken off the path when done
  Value pending = Value::unset();  // the value that follows the key just written
};

class Printer {
 public:
  Printer(const Context& cx, const PrintOptions& options) : cx_(cx), options_(options) {}

  std::string run(Value v) {
    if (options_.display && is_string(v)) {
      out_ = as_string(v)->view();
    } else if (options_.display && v.is_char()) {
      utf8_append(out_, v.id());
    } else {
      begin(v);
      while (!open_.empty() && !full()) step();
    }
    if (full()) {
      std::size_t end = options_.bytes_max;
      while (end > 0 && (static_cast<unsigned char>(out_[end]) & 0xC0) == 0x80) --end;
      out_.resize(end);
      out_.append("…");
    }
    return std::move(out_);
  }

 private:
  bool full() const { return out_.size() > options_.bytes_max; }

  void hex_escape(std::string_view open, std::uint32_t c, char close) {
    static const char kDigits[] = "0123456789ABCDEF";
    char digits[8];
    int n = 0;
    do digits[n++] = kDigits[c & 15];
    while (c >>= 4);
    out_.append(open);
    while (n) out_.push_back(digits[--n]);
    out_.push_back(close);
  }

  // The end of the run from `at` on that is written as it stands.
  static std::size_t plain_run(std::string_view text, std::size_t at, char quote) {
    for (;;) {
      at = scan_plain(text, at, quote);
      for (;;) {
        if (at >= text.size()) return text.size();
        const auto first = static_cast<unsigned char>(text[at]);
        if (first < 0x80) break;
        std::size_t next = at;
        if (is_invisible(utf8_decode(text, next))) return at;
        at = next;
      }
      const auto c = static_cast<unsigned char>(text[at]);
      if (c < 0x20 || c == 0x7F || c == '\\' || c == static_cast<unsigned char>(quote)) return at;
    }
  }

  // Text between quotes of one kind; plain runs are copied at once.
  void quoted(std::string_view text, char quote) {
    out_.push_back(quote);
    // A few bytes more than fit are enough to see that they do not; what is cut off a character
    // goes with them.
    if (text.size() > options_.bytes_max) text = text.substr(0, options_.bytes_max + 4);
    for (std::size_t at = 0; !full();) {
      const std::size_t end = plain_run(text, at, quote);
      out_.append(text, at, end - at);
      if (end == text.size()) break;
      at = end;
      const std::uint32_t c = utf8_decode(text, at);
      switch (c) {
        case '\n':
          out_.append("\\n");
          break;
        case '\t':
          out_.append("\\t");
          break;
        case '\r':
          out_.append("\\r");
          break;
        case '\0':
          out_.append("\\0");
          break;
        case '\\':
          out_.append("\\\\");
          break;
        default:
          if (c == static_cast<unsigned char>(quote)) {
            out_.push_back('\\');
            out_.push_back(quote);
          } else if (c < 0x80) {
            hex_escape("\\x", c, ';');
          } else {
            hex_escape("\\u{", c, '}');
          }
      }
    }
    out_.push_back(quote);
  }

  void bytes(const Bytes* b) {
    out_.append("#u8\"");
    for (std::uint32_t i = 0; i < b->byte_len && !full(); ++i) {
      const std::uint8_t c = b->data()[i];
      if (c == '"' || c == '\\') {
        out_.push_back('\\');
        out_.push_back(static_cast<char>(c));
      } else if (c >= 0x20 && c < 0x7F) {
        out_.push_back(static_cast<char>(c));
      } else {
        hex_escape("\\x", c, ';');
      }
    }
    out_.push_back('"');
  }

  void symbol(std::string_view name) {
    const bool plain = plain_token(name) && !looks_like_number(name) && name[0] != '#' &&
                       name[0] != ':' && name != "." && name != "nil" && name != "true" &&
                       name != "false";
    if (plain) {
      out_.append(name);
    } else {
      quoted(name, '|');
    }
  }
  void keyword(std::string_view name) {
    out_.push_back(':');
    if (plain_token(name)) {
      out_.append(name);
    } else {
      quoted(name, '|');
    }
  }

  void character(std::uint32_t c) {
    out_.append("#\\");
    for (const CharName& known : kCharNames)
      if (known.c == c) {
        out_.append(known.name);
        return;
      }
    if (is_invisible(c) || c < 0x20) {
      hex_escape("u{", c, '}');
    } else {
      utf8_append(out_, c);
    }
  }

  // ' ` , ,@ for a list (quote x) and its kin; null otherwise.
  const char* abbreviation(Value list) const {
    if (!car(list).is_symbol() || !is_pair(cdr(list)) || !cdr(cdr(list)).is_empty_list())
      return nullptr;
    const std::string_view name = cx_.symbols.name(car(list).id());
    if (name == "quote") return "'";
    if (name == "quasiquote") return "`";
    if (name == "unquote-splicing") return ",@";
    if (name != "unquote") return nullptr;
    const Value operand = car(cdr(list));
    // ,@x would read as a splice.
    if (operand.is_symbol() && cx_.symbols.name(operand.id()).substr(0, 1) == "@") return nullptr;
    return ",";
  }

  void open(Open::Form form, Value v, std::string_view text, const char* close) {
    out_.append(text);
    Open o;
    o.form = form;
    o.value = v;
    o.close = close;
    open_.push_back(o);
  }

  // A mutable compound: shown once on each path.
  void open_mutable(Open::Form form, Value v, std::string_view text) {
    if (!path_.insert(v.as_object()).second) {
      out_.append("#<cycle>");
      return;
    }
    open(form, v, text, ">");
    open_.back().first = false;
    open_.back().mutable_ = true;
  }

  void begin(Value v) {
    while (is_pair(v)) {
      const char* prefix = abbreviation(v);
      if (!prefix) {
        open(Open::Form::List, v, "(", ")");
        return;
      }
      out_.append(prefix);
      v = car(cdr(v));
      if (full()) return;
    }
    if (v.is_int()) {
      out_.append(int_to_string(v));
    } else if (v.is_double()) {
      out_.append(double_to_string(v.as_double()));
    } else if (v.is_symbol()) {
      symbol(cx_.symbols.name(v.id()));
    } else if (v.is_keyword()) {
      keyword(cx_.symbols.name(v.id()));
    } else if (v.is_char()) {
      character(v.id());
    } else if (v.is_object()) {
      begin_object(v, v.as_object());
    } else {
      out_.append(v.is_nil()           ? "nil"
                  : v == Value::tru()  ? "true"
                  : v == Value::fals() ? "false"
                  : v.is_empty_list()  ? "()"
                  : v == Value::eof()  ? "#<eof>"
                                       : "#<unset>");
    }
  }

  void begin_object(Value v, Object* object) {
    switch (object->kind) {
      case Kind::String:
        quoted(as_string(v)->view(), '"');
        return;
      case Kind::Bytes:
        bytes(as_bytes(v));
        return;
      case Kind::BigInt: {
        const std::uint32_t limbs = static_cast<BigInt*>(object)->limb_count;
        // Only the beginning would be shown: not worth the work.
        if (limbs > 1000 && limbs > options_.bytes_max) {
          out_.append(str("#<integer of ", std::uint64_t{limbs} * 32, " bits>"));
        } else {
          out_.append(int_to_string(v));
        }
        return;
      }
      case Kind::Vector:
        open(Open::Form::Vector, v, "[", "]");
        return;
      case Kind::ShapeDict:
      case Kind::HashDict:
        open(Open::Form::Dict, v, "{", "}");
        return;
      case Kind::Set:
        open(Open::Form::Set, set_dict(v), "#{", "}");
        return;
      case Kind::Cell:
        open_mutable(Open::Form::Rest, v, "#<cell");
        return;
      case Kind::Array:
        open_mutable(Open::Form::Array, v, "#<array");
        return;
      case Kind::Table:
        open_mutable(Open::Form::Table, v, "#<table");
        return;
      case Kind::TypedArray:
        typed_array(static_cast<TypedArray*>(object), v);
        return;
      case Kind::Record: {
        const auto* type = static_cast<RecordType*>(static_cast<Record*>(object)->type.as_object());
        const std::string_view name = name_of(type->name);
        const bool readable = is_record_token(name);
        open(Open::Form::Fields, v, str(readable ? "#" : "#<", name, readable ? "{" : ""),
             readable ? "}" : ">");
        open_.back().first = readable;
        return;
      }
      case Kind::RecordType:
        out_.append(str("#<record-type ", name_of(static_cast<RecordType*>(object)->name), ">"));
        return;
      case Kind::Closure: {
        const Function* function = static_cast<Closure*>(object)->function();
        if (function && !function->name.empty()) {
          out_.append(str("#<function ", function->name, ">"));
        } else {
          out_.append("#<function>");
        }
        return;
      }
      case Kind::Raw:
        open(Open::Form::Rest, v, "#<markup", ">");
        open_.back().first = false;
        return;
      default:
        out_.append(str("#<", type_name(v), ">"));
    }
  }

  void typed_array(const TypedArray* array, Value v) {
    out_.append(str("#<", type_name(v)));
    for (std::uint32_t i = 0; i < array->count && !full(); ++i) {
      out_.push_back(' ');
      out_.append(typed_text(array, i));
    }
    out_.push_back('>');
  }

  std::string_view name_of(Value v) const {
    if (is_string(v)) return as_string(v)->view();
    return v.is_symbol() || v.is_keyword() ? cx_.symbols.name(v.id()) : "record";
  }

  // Writes the separator and starts a part. Must be the last thing done with an Open: starting a
  // part may push another.
  void part(Open& o, Value v) {
    if (!o.first) out_.push_back(' ');
    o.first = false;
    begin(v);
  }

  void close(const Open& o) {
    out_.append(o.close);
    if (o.mutable_) path_.erase(o.value.as_object());
    open_.pop_back();
  }

  void step() {
    Open& o = open_.back();
    Object* object = o.value.is_object() ? o.value.as_object() : nullptr;
    switch (o.form) {
      case Open::Form::List: {
        const Value rest = o.value;
        if (is_pair(rest)) {
          o.value = cdr(rest);
          return part(o, car(rest));
        }
        if (rest.is_empty_list()) return close(o);
        out_.append(" .");
        o.value = Value::empty_list();
        return part(o, rest);
      }
      case Open::Form::Vector:
        if (o.at >= vector_count(o.value)) return close(o);
        return part(o, vector_get(o.value, o.at++));
      case Open::Form::Array:
        if (o.at >= array_count(o.value)) return close(o);
        return part(o, array_get(o.value, o.at++));
      case Open::Form::Dict:
      case Open::Form::Set: {
        Value key = o.pending;
        o.pending = Value::unset();
        if (key.is_unset()) {
          DictCursor cursor(cx_, o.value, o.at);
          Value value;
          if (!cursor.next(key, value)) return close(o);
          o.at = cursor.position();
          if (o.form == Open::Form::Dict) o.pending = value;
        }
        return part(o, key);
      }
      case Open::Form::Table: {
        Value key = o.pending;
        o.pending = Value::unset();
        if (key.is_unset()) {
          TableCursor cursor(o.value, o.at);
          Value value;
          if (!cursor.next(key, value)) return close(o);
          o.at = cursor.position();
          o.pending = value;
        }
        return part(o, key);
      }
      case Open::Form::Fields: {
        const auto* record = static_cast<Record*>(object);
        const Value fields = static_cast<RecordType*>(record->type.as_object())->fields;
        if (o.at >= 2 * (object->words - 2)) return close(o);
        const std::uint32_t i = o.at++;
        return part(o, i % 2 ? record->fields()[i / 2] : vector_get(fields, i / 2));
      }
      case Open::Form::Rest:
        if (o.at++) return close(o);
        return part(o, object->slots(0)[0]);
    }
  }

  const Context& cx_;
  const PrintOptions& options_;
  std::string out_;
  std::vector<Open> open_;
  std::unordered_set<const Object*> path_;  // mutable compounds that are open
};

}  // namespace

bool is_record_token(std::string_view name) {
  // #! begins the line of a script that names its interpreter.
  return plain_token(name) && name[0] != '\\' && name[0] != '<' && name[0] != '!' && name != "u8";
}

std::string print(const Context& cx, Value v, const PrintOptions& options) {
  return Printer(cx, options).run(v);
}

}  // namespace sx
