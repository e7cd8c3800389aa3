// The HTML adapter (render.h).
#include "engine/render/render.h"

#include <vector>

#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/render/attributes.h"
#include "engine/render/escape.h"
#include "engine/value/collections.h"

namespace sx {
namespace {

// Something whose parts are being written: a template (next part), a list (what is left), a
// vector or set (next index).
struct Level {
  Value value;
  std::uint32_t at = 0;
  bool raw_text = false;  // inside <style> or <script>
};

class Renderer {
 public:
  Renderer(const Context& cx, std::string& out, const RenderLimits& limits)
      : cx_(cx), out_(out), bytes_max_(limits.bytes_max) {}

  Result<void> run(Value root) {
    SX_CHECK(child(root, false));
    while (!levels_.empty()) {
      if (out_.size() > bytes_max_)
        return Error{str("render: the page is larger than ", bytes_max_, " bytes")};
      SX_CHECK(step());
    }
    return {};
  }

 private:
  Result<void> step() {
    Level& level = levels_.back();
    const Value v = level.value;
    const bool raw_text = level.raw_text;
    if (is_pair(v)) {
      level.value = cdr(v);
      if (!is_pair(level.value)) levels_.pop_back();  // nothing left: tail lists stay flat
      return child(car(v), raw_text);
    }
    if (is_vector(v)) {
      if (level.at < vector_count(v)) return child(vector_get(v, level.at++), raw_text);
      levels_.pop_back();
      return {};
    }
    if (is_kind(v, Kind::Set)) {
      Value key, value;
      DictCursor cursor(cx_, set_dict(v), level.at);
      if (!cursor.next(key, value)) {
        levels_.pop_back();
        return {};
      }
      level.at = cursor.position();
      return child(key, raw_text);
    }
    const auto* instance = static_cast<const Template*>(v.as_object());
    const TemplateInfo* info = instance->info();
    if (level.at >= info->part_count) {
      levels_.pop_back();
      return {};
    }
    const TemplatePart& part = info->parts[level.at++];
    if (level.at >= info->part_count) levels_.pop_back();
    if (part.op == TemplateOp::Static) {
      out_ += part.text;
      return {};
    }
    const Value hole = instance->holes()[part.hole];
    switch (part.op) {
      case TemplateOp::Text:
        return child(hole, false);
      case TemplateOp::RawText:
        return child(hole, true);
      case TemplateOp::Spread:
        return spread(hole);
      default:
        return attribute(part.op, part.text, hole);
    }
  }

  // Writes a child, or puts it on the stack.
  Result<void> child(Value v, bool raw_text) {
    if (!v.is_object()) {
      if (v.is_nil() || v.is_bool() || v.is_empty_list()) return {};
      if (raw_text && !v.is_int() && !v.is_double()) return fail_raw_text(v);
      if (v.is_int())
        append_decimal(out_, v.as_int());
      else if (v.is_double())
        out_ += double_to_string(v.as_double());
      else
        return text_of(v);
      return {};
    }
    switch (v.as_object()->kind) {
      case Kind::String:
        if (raw_text) return fail_raw_text(v);
        escape_text(out_, as_string(v)->view());
        return {};
      case Kind::Raw:
        return raw(static_cast<const RawMarkup*>(v.as_object())->text, raw_text);
      case Kind::Template:
        if (raw_text && static_cast<const Template*>(v.as_object())->info() != &fragment_template())
          return fail_raw_text(v);
        [[fallthrough]];
      case Kind::Pair:
      case Kind::Vector:
      case Kind::Set:
        levels_.push_back({v, 0, raw_text});
        return {};
      case Kind::BigInt:
        out_ += int_to_string(v);
        return {};
      default:
        break;
    }
    return Error{str("render: Expected markup, text or a number as a child, got ", type_name(v))};
  }

  // Keywords, symbols and characters are shown as text.
  Result<void> text_of(Value v) {
    std::string text;
    if (!simple_text(v, text))
      return Error{str("render: Expected markup, text or a number as a child, got ", type_name(v))};
    if (v.is_keyword()) out_.push_back(':');
    escape_text(out_, text);
    return {};
  }

  Result<void> raw(Value text, bool raw_text) {
    const std::string_view s = as_string(text)->view();
    if (raw_text) {
      for (std::string_view bad : {std::string_view("</"), std::string_view("<!--")})
        if (s.find(bad) != std::string_view::npos)
          return Error{str("render: the text of a style or script element may not contain ", bad)};
    }
    out_ += s;
    return {};
  }

  Result<void> fail_raw_text(Value v) {
    return Error{str("render: computed content of a style or script element must be (raw …), got ",
                     type_name(v))};
  }

  // The text of a scalar without punctuation of its own: "k" for :k.
  bool simple_text(Value v, std::string& text) const {
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
  Result<void> attribute_text(std::string_view name, Value v, std::string& text) {
    if (simple_text(v, text)) return {};
    std::vector<Value> words;
    if (is_vector(v)) {
      for (std::uint32_t i = 0; i < vector_count(v); ++i) words.push_back(vector_get(v, i));
    } else if (is_pair(v) || v.is_empty_list()) {
      for (Value at = v; is_pair(at); at = cdr(at)) words.push_back(car(at));
    } else {
      return Error{str("render: Expected a string or number for the attribute ", name, ", got ",
                       type_name(v))};
    }
    for (Value word : words) {
      if (word.is_nil() || word.is_bool()) continue;
      std::string part;
      if (!simple_text(word, part))
        return Error{str("render: Expected a string or number in the list for the attribute ", name,
                         ", got ", type_name(word))};
      if (!text.empty()) text.push_back(' ');
      text += part;
    }
    return {};
  }

  Result<void> style_text(Value v, std::string& text) {
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

  Result<void> attribute(TemplateOp op, std::string_view name, Value v) {
    if (op == TemplateOp::Forbidden)
      return Error{str("render: the attribute ", name,
                       " takes no computed value: it would run as code; use an island")};
    if (v.is_nil() || v == Value::fals()) return {};
    if (v == Value::tru()) {
      out_.push_back(' ');
      out_ += name;
      return {};
    }
    std::string text;
    if (op == TemplateOp::Style) {
      SX_CHECK(style_text(v, text));
      text = safe_style(text);
      if (text.empty()) return {};
    } else {
      SX_CHECK(attribute_text(name, v, text));
      if ((op == TemplateOp::Url && !url_allowed(name, text)) ||
          (op == TemplateOp::UrlList && !url_list_allowed(name, text)))
        text = kInvalidUrl;
    }
    out_.push_back(' ');
    out_ += name;
    out_ += "=\"";
    escape_attribute(out_, text);
    out_.push_back('"');
    return {};
  }

  Result<void> spread(Value v) {
    if (v.is_nil() || v == Value::fals()) return {};
    if (!is_dict(v)) return Error{str("render: Expected a dict of attributes, got ", type_name(v))};
    DictCursor cursor(cx_, v);
    Value key, value;
    while (cursor.next(key, value)) {
      std::string name;
      if (!simple_text(key, name) || !attribute_name_valid(name))
        return Error{str("render: '", name.substr(0, 40), "' is no attribute name")};
      const TemplateOp op = attribute_op(name);
      SX_CHECK(attribute(op, name, value));
    }
    return {};
  }

  const Context& cx_;
  std::string& out_;
  std::size_t bytes_max_;
  std::vector<Level> levels_;
};

}  // namespace

Result<void> render_html(const Context& cx, Value markup, std::string& out,
                         const RenderLimits& limits) {
  return Renderer(cx, out, limits).run(markup);
}

const TemplateInfo& fragment_template() {
  static const TemplatePart part{TemplateOp::Text, 0, {}};
  static const TemplateInfo info = [] {
    TemplateInfo t;
    t.holes = 1;
    t.parts = &part;
    t.part_count = 1;
    return t;
  }();
  return info;
}

}  // namespace sx
