// Attributes of the HTML adapter: names, and values escaped and checked by what the name says
// (html_writer.h).
#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/render/attributes.h"
#include "engine/render/html_writer.h"
#include "engine/value/collections.h"

namespace sx {
namespace {

bool same_letters(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  const auto low = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (std::size_t i = 0; i < a.size(); ++i)
    if (low(a[i]) != low(b[i])) return false;
  return true;
}

// Is name one of the words?
bool among(std::string_view name, std::string_view words) {
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    if (same_letters(name, words.substr(0, end))) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

}  // namespace

// The text of a scalar without punctuation of its own: "k" for :k.
bool HtmlWriter::simple_text(Value v, std::string& text) const {
  if (is_string(v))
    text = as_string(v)->view();
  else if (is_integer(v))
    text = int_to_string(v);
  else if (v.is_double())
    text = double_to_string(v.as_double());
  else if (v.is_keyword() || v.is_symbol())
    text = cx_.symbols.name(v.id());
  else if (v.is_char())
    utf8_append(text, v.id());
  else
    return false;
  return true;
}

// The text of an attribute value: a scalar, or the words of a list joined by spaces.
Result<void> HtmlWriter::attribute_text(std::string_view name, Value v, std::string& text) {
  if (simple_text(v, text)) return {};
  const bool vector = is_vector(v);
  if (!vector && !is_pair(v) && !v.is_empty_list())
    return Error{str("render: Expected a string or number for the attribute ", name, ", got ",
                     type_name(v))};
  for (std::uint32_t i = 0;; ++i) {
    if (vector ? i >= vector_count(v) : !is_pair(v)) return {};
    const Value word = vector ? vector_get(v, i) : car(v);
    if (!vector) v = cdr(v);
    if (word.is_nil() || word.is_bool()) continue;
    std::string part;
    if (!simple_text(word, part))
      return Error{str("render: Expected a string or number in the list for the attribute ", name,
                       ", got ", type_name(word))};
    if (!text.empty()) text.push_back(' ');
    text += part;
  }
}

Result<void> HtmlWriter::style_text(Value v, std::string& text) {
  if (!is_dict(v)) return attribute_text("style", v, text);
  DictCursor cursor(cx_, v);
  Value key, value;
  while (cursor.next(key, value)) {
    if (value.is_nil() || value.is_bool()) continue;
    std::string name, shown;
    if (!simple_text(key, name) || !simple_text(value, shown))
      return Error{
          str("render: Expected names and strings or numbers in the dict for the attribute "
              "style, got ",
              type_name(value))};
    // One declaration per entry: a value cannot bring another one.
    if (shown.find(';') != std::string::npos) continue;
    text += str(name, ":", shown, ";");
  }
  return {};
}

bool handler_attribute(std::string_view name, Value v) {
  return name.starts_with("on-") && (is_closure(v) || v.is_nil() || v == Value::fals());
}

Result<void> HtmlWriter::attribute(TemplateOp op, std::string_view name, Value v) {
  if (op == TemplateOp::Forbidden && handler_attribute(name, v)) return {};
  if (op == TemplateOp::Forbidden)
    return Error{str("render: the attribute ", name,
                     " takes no computed value: it would run as code; write it out as a literal")};
  if (v.is_nil() || v == Value::fals()) return {};
  if (v == Value::tru()) {
    out_.put(' ');
    out_.put(name);
    return {};
  }
  if (op == TemplateOp::Attribute && v.is_int()) {
    out_.begin_attribute(name);
    out_.decimal(v.as_int());
    out_.put('"');
    return {};
  }
  if (op == TemplateOp::Style || !is_string(v)) return composed_attribute(op, name, v);
  return attribute_of(op, name, as_string(v)->view());
}

// Styles, lists of words, floats, keywords …
Result<void> HtmlWriter::composed_attribute(TemplateOp op, std::string_view name, Value v) {
  std::string text;
  if (op == TemplateOp::Style) {
    SX_CHECK(style_text(v, text));
    text = safe_style(text);
    if (text.empty()) return {};
  } else {
    SX_CHECK(attribute_text(name, v, text));
  }
  return attribute_of(op, name, text);
}

Result<void> HtmlWriter::attribute_of(TemplateOp op, std::string_view name, std::string_view text) {
  if ((op == TemplateOp::Url && !url_allowed(name, text)) ||
      (op == TemplateOp::UrlList && !url_list_allowed(name, text)))
    text = kInvalidUrl;
  out_.begin_attribute(name);
  out_.attribute(text);
  out_.put('"');
  return {};
}

// An attribute whose name is a value; `written` are the names that the element has already.
Result<void> HtmlWriter::named_attribute(Value key, Value v, std::string_view written) {
  std::string text;
  std::string_view name;
  TemplateOp op;
  if (key.is_keyword()) {
    const std::uint32_t id = key.id();
    name = cx_.symbols.name(id);
    KeyName& known = names_[id % std::size(names_)];
    if (known.id != id && attribute_name_valid(name)) known = {id, attribute_op(name)};
    if (known.id != id) name = {};
    op = known.op;
  } else {
    if (simple_text(key, text) && attribute_name_valid(text)) name = text;
    op = attribute_op(name);
  }
  if (name.empty()) {
    simple_text(key, text);
    return Error{str("render: '", text.substr(0, 40), "' is no attribute name")};
  }
  if (!written.empty() && among(name, written)) return {};
  return attribute(op, name, v);
}

Result<void> HtmlWriter::spread(Value v, std::string_view written) {
  if (v.is_nil() || v == Value::fals()) return {};
  if (!is_dict(v)) return Error{str("render: Expected a dict of attributes, got ", type_name(v))};
  DictCursor cursor(cx_, v);
  Value key, value;
  while (cursor.next(key, value)) {
    ++steps_;
    SX_CHECK(named_attribute(key, value, written));
  }
  return {};
}

}  // namespace sx
