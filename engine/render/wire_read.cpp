// Wire text → markup (wire.h). One loop and a stack of open forms: nothing recurses, and nothing is
// interned, so what a peer sends leaves nothing behind but its value.
#include <algorithm>
#include <iterator>

#include "engine/base/scan.h"
#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/bytecode/templates.h"
#include "engine/reader/chars.h"
#include "engine/render/html_writer.h"
#include "engine/render/wire.h"
#include "engine/value/collections.h"
#include "engine/value/root_list.h"

namespace sx {
namespace {

constexpr std::size_t kTokenMax = 1 << 16;

enum class Form : std::uint8_t { Vector, Dict, Instance, Element };

struct Open {
  Form form;
  std::size_t base;          // its values are those above this
  const TemplateInfo* info;  // Instance
  std::size_t at;
};

class WireReader {
 public:
  WireReader(Context& cx, std::string_view text, WireReading& reading)
      : cx_(cx), text_(text), reading_(reading), values_(cx.heap) {}

  // --- tokens ---
  // The error at `at`; a Result<…> of any type is made of it.
  Error wrong(std::size_t at, std::string_view found, std::string_view expected) const {
    std::size_t line = 1, start = 0;
    for (std::size_t i = 0; i < at; ++i)
      if (text_[i] == '\n') {
        ++line;
        start = i + 1;
      }
    return Error{str("wire text, ", line, ":", utf8_count(text_.substr(start, at - start)) + 1,
                     ": found ", found, ", expected ", expected)};
  }
  // What stands at the reader, shortened.
  Error wrong(std::string_view expected) const {
    if (at_ == text_.size()) return wrong(at_, "the end of the text", expected);
    std::size_t end = at_ + 1;
    while (end < text_.size() && end - at_ < 24 &&
           !is_delimiter(static_cast<unsigned char>(text_[end])))
      ++end;
    while (end < text_.size() && (text_[end] & 0xC0) == 0x80) ++end;
    return wrong(at_, str("'", text_.substr(at_, end - at_), "'"), expected);
  }
  void skip_space() {
    while (at_ < text_.size() && is_reader_space(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  char peek() {
    skip_space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (peek() != c || at_ == text_.size()) return false;
    ++at_;
    return true;
  }
  Result<void> expect(char c) {
    if (take(c)) return {};
    return wrong(str("'", c, "'"));
  }
  // A symbol or number: up to the next delimiter.
  std::string_view token() {
    skip_space();
    std::size_t end = at_;
    while (end < text_.size() && end - at_ < kTokenMax &&
           !is_delimiter(static_cast<unsigned char>(text_[end])))
      ++end;
    const std::string_view found = text_.substr(at_, end - at_);
    at_ = end;
    return found;
  }
  bool take_word(std::string_view word) {
    skip_space();
    const std::size_t from = at_;
    if (token() == word) return true;
    at_ = from;
    return false;
  }
  Result<std::uint32_t> count(std::uint32_t below, std::string_view expected) {
    skip_space();
    const std::size_t from = at_;
    const std::string_view digits = token();
    std::uint64_t n = 0;
    bool good = !digits.empty() && digits.size() <= 9;
    for (char c : digits) {
      good = good && c >= '0' && c <= '9';
      n = n * 10 + static_cast<std::uint64_t>(c - '0');
    }
    at_ = from;
    if (!good || n >= below) return wrong(expected);
    at_ += digits.size();
    return static_cast<std::uint32_t>(n);
  }
  Result<std::string> string(std::string_view expected) {
    if (peek() != '"') return wrong(expected);
    const std::size_t from = at_++;
    std::string out;
    while (true) {
      const std::size_t stop = scan_quoted(text_, at_, '"');
      out.append(text_.substr(at_, stop - at_));
      at_ = stop;
      if (at_ == text_.size()) return wrong(from, "a string without an end", "'\"'");
      if (text_[at_++] == '"') return out;
      SX_CHECK(escape(out));
    }
  }
  Result<void> escape(std::string& out) {
    const std::size_t from = at_ - 1;
    const char c = at_ < text_.size() ? text_[at_++] : '\0';
    constexpr std::string_view kNames = "ntr0\"\\", kMeanings("\n\t\r\0\"\\", 6);
    if (const std::size_t which = kNames.find(c); which != std::string_view::npos && c != '\0') {
      out.push_back(kMeanings[which]);
      return {};
    }
    std::uint32_t code = 0;
    const bool braces = c == 'u' && at_ < text_.size() && text_[at_] == '{';
    if (c == 'x' || braces) {
      at_ += braces ? 1 : 0;
      std::size_t digits = 0;
      for (; at_ < text_.size() && digits < 7; ++at_, ++digits) {
        const char low = static_cast<char>(text_[at_] | 0x20);
        if (low >= 'a' && low <= 'f') {
          code = code * 16 + static_cast<std::uint32_t>(low - 'a' + 10);
        } else if (text_[at_] >= '0' && text_[at_] <= '9') {
          code = code * 16 + static_cast<std::uint32_t>(text_[at_] - '0');
        } else {
          break;
        }
      }
      if (digits > 0 && at_ < text_.size() && text_[at_++] == (braces ? '}' : ';') &&
          utf8_is_scalar(code)) {
        utf8_append(out, code);
        return {};
      }
    }
    return wrong(from, "an escape", "one of \\n \\t \\r \\0 \\\" \\\\ \\xHH; \\u{HH} in a string");
  }

  // --- the document ---
  Result<Value> document() {
    if (text_.size() > reading_.limits.bytes_max)
      return Error{str("wire text: found ", text_.size(), " bytes, expected at most ",
                       reading_.limits.bytes_max)};
    if (const std::size_t good = utf8_valid_prefix(text_); good != text_.size())
      return wrong(good, "bytes that are not UTF-8", "text");
    cx_.charge(text_.size());
    SX_CHECK(expect('('));
    if (!take_word("sx") || !take_word("1"))
      return wrong("'sx 1', the name and version of the format");
    SX_CHECK(expect('['));
    std::vector<std::string> unknown;  // told when the list is complete
    while (peek() == '"' || peek() == '(') {
      if (templates_.size() >= reading_.limits.templates_max)
        return wrong(str("at most ", reading_.limits.templates_max, " templates"));
      if (peek() == '(') {
        SX_TRY(const TemplateInfo* defined, definition());
        templates_.push_back(defined);
        continue;
      }
      SX_TRY(std::string hash, string("a hash"));
      const TemplateInfo* known = TemplateTable::of(cx_).find(hash);
      if (known == nullptr) unknown.push_back(std::move(hash));
      templates_.push_back(known);
    }
    if (!take(']')) return wrong("a template's hash or definition, or ']'");
    reading_.unknown = std::move(unknown);
    if (!reading_.unknown.empty())
      return Error{str("wire text: the template ", reading_.unknown[0].substr(0, 64),
                       reading_.unknown.size() > 1
                           ? str(" and ", reading_.unknown.size() - 1, " more")
                           : std::string(),
                       " not known here: ask the sender for the definition (wire/template)")};
    SX_TRY(const Value result, value());
    Root held(cx_.heap, result);
    SX_CHECK(expect(')'));
    skip_space();
    if (at_ != text_.size()) return wrong("the end of the text");
    return held.get();
  }

  Result<const TemplateInfo*> definition() {
    if (!reading_.trusted)
      return wrong("only known templates: definitions are accepted with {:trusted true}");
    SX_CHECK(expect('('));
    if (!take_word("template")) return wrong("template");
    skip_space();
    const std::size_t from = at_;
    SX_TRY(const std::string hash, string("the hash of the template"));
    TemplateImage image;
    SX_TRY(const std::uint32_t holes, count(65536, "the number of holes, below 65536"));
    image.holes = static_cast<std::uint16_t>(holes);
    while (!take(')')) {
      if (image.parts.size() >= 65536) return wrong("at most 65536 parts");
      TemplatePart part{TemplateOp::Static, 0, {}};
      if (!take('(')) {
        SX_TRY(part.text, string("a part: a string or (kind hole …)"));
        image.parts.push_back(std::move(part));
        continue;
      }
      skip_space();
      const std::size_t kind_at = at_;
      const std::string_view kind = token();
      const auto* const found =
          std::find(std::begin(kTemplateOpNames) + 1, std::end(kTemplateOpNames), kind);
      if (found == std::end(kTemplateOpNames)) {
        at_ = kind_at;
        return wrong("a kind of hole: text, attribute, url …");
      }
      part.op = static_cast<TemplateOp>(found - std::begin(kTemplateOpNames));
      SX_TRY(const std::uint32_t hole, count(holes, str("the number of a hole, below ", holes)));
      part.hole = static_cast<std::uint16_t>(hole);
      if (part.op != TemplateOp::Text && part.op != TemplateOp::RawText) {
        SX_TRY(part.text, string("the name of an attribute"));
      }
      SX_CHECK(expect(')'));
      image.parts.push_back(std::move(part));
    }
    std::uint64_t computed[2];
    hash_template(image, computed);
    TemplateInfo named;
    std::copy(computed, computed + 2, named.hash);
    if (template_hash_text(named) != hash)
      return wrong(from, str("the hash ", hash.substr(0, 64)),
                   str(template_hash_text(named), ", that of the definition"));
    return TemplateTable::of(cx_).define(std::move(image));
  }

  // --- values ---
  Result<Value> value() {
    do {
      if (++read_ > reading_.limits.values_max)
        return wrong(str("at most ", reading_.limits.values_max, " values"));
      if ((read_ & 1023) == 0 && cx_.heap.over_limit())
        return Error{"wire text: it does not fit in the heap limit"};
      if (!open_.empty() && closes()) {
        SX_CHECK(close());
        continue;
      }
      const char c = peek();
      if (c == '[' || c == '{' || c == '(') {
        if (open_.size() >= reading_.limits.depth_max)
          return wrong(str("at most ", reading_.limits.depth_max, " levels"));
        SX_CHECK(open(c));
        continue;
      }
      SX_TRY(const Value v, scalar());
      values_.push(v);
    } while (!open_.empty());
    return values_.pop();
  }

  bool closes() {
    const Form form = open_.back().form;
    return take(form == Form::Vector ? ']' : form == Form::Dict ? '}' : ')');
  }

  Result<void> open(char c) {
    Open form{c == '[' ? Form::Vector : Form::Dict, values_.size(), nullptr, at_};
    ++at_;
    if (c == '(') {
      if (take_word("raw")) return raw(form.at);
      if (take_word("el")) {
        if (!reading_.trusted)
          return wrong(form.at, "(el …)",
                       "only known templates: computed elements are accepted with {:trusted true}");
        form.form = Form::Element;
      } else {
        SX_TRY(const std::uint32_t number,
               count(static_cast<std::uint32_t>(templates_.size()),
                     str("raw, el or the number of a template, below ", templates_.size())));
        form.form = Form::Instance;
        form.info = templates_[number];
      }
    }
    open_.push_back(form);
    return {};
  }

  Result<void> raw(std::size_t from) {
    if (!reading_.trusted)
      return wrong(from, "(raw …)", "escaped text: raw markup is accepted with {:trusted true}");
    SX_TRY(const std::string html, string("the text of raw markup"));
    SX_CHECK(expect(')'));
    values_.push(make_string(cx_, html));
    Object* object = cx_.heap.alloc(Kind::Raw, 2);
    static_cast<RawMarkup*>(object)->text = values_.back();
    cx_.heap.write_barrier(object, values_.back());
    values_.back() = Value::object(object);
    return {};
  }

  Result<Value> scalar() {
    if (peek() == '"') {
      SX_TRY(const std::string text, string("a string"));
      return make_string(cx_, text);
    }
    const std::size_t from = at_;
    const std::string_view word = token();
    if (word == "nil") return Value::nil();
    if (word == "true") return Value::tru();
    if (word == "false") return Value::fals();
    if (looks_like_number(word)) {
      const Value number = parse_number(cx_, word);
      if (!number.is_unset()) return number;
    }
    at_ = from;
    return wrong("a value: \"text\", a number, nil, true, false, […], {…} or (…)");
  }

  Result<void> close() {
    const Open form = open_.back();
    open_.pop_back();
    const auto count = static_cast<std::uint32_t>(values_.size() - form.base);
    const Value* const slots = values_.data() + form.base;
    Value made;
    switch (form.form) {
      case Form::Vector:
        made = make_vector_rooted(cx_, slots, count);
        break;
      case Form::Dict:
        if (count % 2 != 0)
          return wrong(form.at, "a dict with a name too many", "names and values");
        for (std::uint32_t i = 0; i < count; i += 2)
          if (!is_string(slots[i]))
            return wrong(form.at, str("a dict with a key of type ", type_name(slots[i])),
                         "strings as keys");
        made = dict_from_entries(cx_, slots, count / 2);
        break;
      case Form::Instance:
        if (count != form.info->holes)
          return wrong(form.at, str(count, " values"),
                       str(form.info->holes, ", the holes of the template"));
        made = instance(*form.info, form.base, count);
        break;
      case Form::Element:
        SX_CHECK(check_element(form, count));
        made = instance(element_template(), form.base, count);
        break;
    }
    if (made.is_unset()) return Error{"wire text: it does not fit in the heap limit"};
    values_.truncate(form.base);
    values_.push(made);
    return {};
  }

  Result<void> check_element(const Open& form, std::uint32_t count) {
    if (count < 2 || count % 2 != 0 || !is_string(values_[form.base]))
      return wrong(form.at, "an element", "(el \"tag\" children \"name\" value …)");
    const std::string_view tag = as_string(values_[form.base])->view();
    if (!computed_tag_allowed(tag) || (tag_is_void(tag) && !values_[form.base + 1].is_nil()))
      return wrong(form.at, str("the element '", tag.substr(0, 40), "'"),
                   "one that may be computed, without children where it can have none");
    for (std::uint32_t i = 2; i < count; i += 2)
      if (!is_string(values_[form.base + i]) && !values_[form.base + i].is_keyword())
        return wrong(form.at, "a name that is no string", "\"name\"");
    return {};
  }

  Value instance(const TemplateInfo& info, std::size_t base, std::uint32_t count) {
    auto* made = static_cast<Template*>(cx_.heap.alloc_slots(Kind::Template, count + 2));
    made->info_bits = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&info));
    for (std::uint32_t i = 0; i < count; ++i) {
      made->holes()[i] = values_[base + i];
      cx_.heap.write_barrier(made, made->holes()[i]);
    }
    return Value::object(made);
  }

  Context& cx_;
  std::string_view text_;
  WireReading& reading_;
  std::size_t at_ = 0;
  std::uint32_t read_ = 0;
  std::vector<const TemplateInfo*> templates_;
  std::vector<Open> open_;
  RootList values_;
};

}  // namespace

Result<Value> wire_read(Context& cx, std::string_view text, WireReading& reading) {
  return WireReader(cx, text, reading).document();
}

Result<const TemplateInfo*> wire_define(Context& cx, std::string_view text) {
  WireReading reading;
  reading.trusted = true;
  if (!utf8_valid(text)) return Error{"wire text: found bytes that are not UTF-8, expected text"};
  WireReader reader(cx, text, reading);
  SX_TRY(const TemplateInfo* info, reader.definition());
  reader.skip_space();
  if (reader.peek() != '\0') return reader.wrong("the end of the text");
  return info;
}

}  // namespace sx
