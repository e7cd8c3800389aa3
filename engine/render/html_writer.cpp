// The walk over children (html_writer.h); attributes are in html_attributes.cpp.
#include "engine/render/html_writer.h"

#include <algorithm>
#include <iterator>

#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/value/collections.h"

namespace sx {
namespace {

// Longer strings are written in slices of this size, so that a stream stays small.
constexpr std::uint32_t kSlice = 32 * 1024;

constexpr std::string_view kVoidTags[] = {"area",  "base",   "br",    "col",  "embed",
                                          "hr",    "img",    "input", "link", "meta",
                                          "param", "source", "track", "wbr"};
// Sorted for binary search.
constexpr std::string_view kRefusedTags[] = {
    "applet",  "base",   "embed",   "fencedframe", "frame",    "frameset", "iframe",
    "listing", "meta",   "noembed", "noframes",    "noscript", "object",   "plaintext",
    "portal",  "script", "style",   "template",    "xmp"};

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

Error unwritable(Value v) {
  return Error{str("render: Expected markup, text or a number as a child, got ", type_name(v))};
}
Error not_raw(Value v) {
  return Error{
      str("render: computed content of a style or script element must be (raw …), or "
          "(html/json …) for data, got ",
          type_name(v))};
}

}  // namespace

bool tag_is_void(std::string_view tag) {
  if (tag.size() < 2 || tag.size() > 6) return false;
  for (std::string_view each : kVoidTags) {
    if (each.size() != tag.size()) continue;
    std::size_t i = 0;
    while (i < tag.size() && (tag[i] | 0x20) == each[i]) ++i;
    if (i == tag.size()) return true;
  }
  return false;
}

bool computed_tag_allowed(std::string_view tag) {
  if (tag.empty() || tag.size() > 64 || !letter(tag[0])) return false;
  bool plain = true;
  for (char c : tag) {
    if (c >= 'a' && c <= 'z') continue;
    if (!letter(c) && !(c >= '0' && c <= '9') && c != '-' && c != ':' && c != '.' && c != '_')
      return false;
    plain = plain && c >= '0' && c <= '9';
  }
  if (plain && tag.size() < 3) return true;
  std::string low(tag);
  for (char& c : low)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  // A prefix does not make it another element for those who look at local names.
  const std::string_view local = std::string_view(low).substr(low.find(':') + 1);
  return !std::binary_search(std::begin(kRefusedTags), std::end(kRefusedTags), local);
}

Result<void> HtmlWriter::run(std::size_t enough) {
  enough_ = enough < limits_.bytes_max ? enough : limits_.bytes_max + 1;
  while (!levels_.empty() && out_.size() < enough_) {
    if (++steps_ > limits_.steps_max)
      return Error{str("render: the markup has more than ", limits_.steps_max, " parts")};
    SX_CHECK(step());
  }
  if (out_.size() > limits_.bytes_max)
    return Error{str("render: the page is larger than ", limits_.bytes_max, " bytes")};
  return {};
}

void HtmlWriter::visit(Visitor& visitor) {
  for (Level& level : levels_) visitor.visit(level.value);
}

Result<void> HtmlWriter::step() {
  Level& level = levels_.back();
  const Value v = level.value;
  const bool raw_text = level.raw_text;
  switch (v.as_object()->kind) {
    case Kind::Pair:
      level.value = cdr(v);
      if (!is_pair(level.value)) levels_.pop_back();  // nothing left: tail lists stay flat
      return child(car(v), raw_text);
    case Kind::Vector:
      if (level.at < vector_count(v)) return child(vector_get(v, level.at++), raw_text);
      levels_.pop_back();
      return {};
    case Kind::Set: {
      Value key, value;
      DictCursor cursor(cx_, set_dict(v), level.at);
      if (!cursor.next(key, value)) {
        levels_.pop_back();
        return {};
      }
      level.at = cursor.position();
      return child(key, raw_text);
    }
    case Kind::String:
      string_slice();
      return {};
    default:
      return static_cast<const Template*>(v.as_object())->info() == &element_template() ? element()
                                                                                        : parts();
  }
}

// The parts of a template up to the first one that has to be entered: most have none, and are
// written without coming back here.
Result<void> HtmlWriter::parts() {
  const std::size_t depth = levels_.size();
  const auto* instance = static_cast<const Template*>(levels_.back().value.as_object());
  const TemplateInfo* info = instance->info();
  std::uint32_t at = levels_.back().at;
  const bool raw_text = levels_.back().raw_text;
  while (at < info->part_count) {
    const TemplatePart& part = info->parts[at++];
    if (part.op == TemplateOp::Static) {
      out_.put_inline(part.text);
      continue;
    }
    const Value hole = instance->holes()[part.hole];
    switch (part.op) {
      case TemplateOp::Text:
      case TemplateOp::RawText:
        if (at == info->part_count) {
          levels_.pop_back();  // the last part: this level is done, however deep the next ones go
          return child(hole, raw_text || part.op == TemplateOp::RawText);
        }
        levels_[depth - 1].at = at;
        SX_CHECK(child(hole, raw_text || part.op == TemplateOp::RawText));
        if (levels_.size() != depth || out_.size() >= enough_) return {};
        break;
      case TemplateOp::Spread:
        SX_CHECK(spread(hole, part.text));
        break;
      default:
        SX_CHECK(attribute(part.op, part.text, hole));
    }
  }
  levels_.pop_back();
  return {};
}

// Writes a child, or puts it on the stack.
Result<void> HtmlWriter::child(Value v, bool raw_text) {
  if (v.is_object()) {
    switch (v.as_object()->kind) {
      case Kind::String:
        if (raw_text) return not_raw(v);
        text_piece(v, true);
        return {};
      case Kind::Template:
        if (raw_text && static_cast<const Template*>(v.as_object())->info() != &fragment_template())
          return not_raw(v);
        [[fallthrough]];
      case Kind::Pair:
      case Kind::Vector:
      case Kind::Set:
        push(v, raw_text);
        return {};
      default:
        return unusual_child(v, raw_text);
    }
  }
  if (v.is_int()) {
    out_.decimal(v.as_int());
    return {};
  }
  if (v.is_nil() || v.is_bool() || v.is_empty_list()) return {};
  return unusual_child(v, raw_text);
}

// Floats and big integers; keywords, symbols and characters as text; raw markup.
Result<void> HtmlWriter::unusual_child(Value v, bool raw_text) {
  if (is_kind(v, Kind::Raw)) return raw(static_cast<RawMarkup*>(v.as_object())->text, raw_text);
  std::string text;
  if (!simple_text(v, text)) return unwritable(v);
  if (raw_text && !v.is_double() && !is_integer(v)) return not_raw(v);
  if (v.is_keyword()) out_.put(':');
  out_.text(text);
  return {};
}

void HtmlWriter::text_piece(Value string, bool escaped) {
  const std::string_view text = as_string(string)->view();
  if (text.size() > kSlice) return push(string, false, escaped);
  if (escaped) {
    out_.text(text);
  } else {
    out_.put(text);
  }
}

void HtmlWriter::string_slice() {
  Level& level = levels_.back();
  const std::string_view text = as_string(level.value)->view();
  std::size_t end = level.at + kSlice;
  if (end >= text.size()) {
    end = text.size();
  } else {
    while ((text[end] & 0xC0) == 0x80) --end;  // between two characters
  }
  const std::string_view slice = text.substr(level.at, end - level.at);
  if (level.escaped) {
    out_.text(slice);
  } else {
    out_.put(slice);
  }
  level.at = static_cast<std::uint32_t>(end);
  if (end == text.size()) levels_.pop_back();
}

Result<void> HtmlWriter::raw(Value text, bool raw_text) {
  if (raw_text) {
    const std::string_view s = as_string(text)->view();
    for (std::string_view bad : {std::string_view("</"), std::string_view("<!--")})
      if (s.find(bad) != std::string_view::npos)
        return Error{str("render: the text of a style or script element may not contain ", bad)};
    for (std::string_view bad :
         {std::string_view("<"), std::string_view("<!"), std::string_view("<!-")})
      if (s.ends_with(bad))
        return Error{str("render: the text of a style or script element may not end in ", bad,
                         ", which could become an end tag with what follows")};
  }
  text_piece(text, false);
  return {};
}

// An element whose tag is computed: begins it and enters its children, or ends it.
Result<void> HtmlWriter::element() {
  const auto* instance = static_cast<const Template*>(levels_.back().value.as_object());
  const Value* holes = instance->holes();
  const std::string_view tag =
      is_string(holes[0]) ? as_string(holes[0])->view() : cx_.symbols.name(holes[0].id());
  if (levels_.back().at != 0) {
    out_.put("</");
    out_.put(tag);
    out_.put('>');
    levels_.pop_back();
    return {};
  }
  out_.put('<');
  out_.put(tag);
  const std::size_t count = instance->hole_count();
  for (std::size_t i = 2; i + 1 < count; i += 2) {
    const bool dict = is_string(holes[i]) ? as_string(holes[i])->view() == "&"
                                          : cx_.symbols.name(holes[i].id()) == "&";
    SX_CHECK(dict ? spread(holes[i + 1], {}) : named_attribute(holes[i], holes[i + 1], {}));
  }
  out_.put('>');
  if (tag_is_void(tag)) {
    levels_.pop_back();
    return {};
  }
  levels_.back().at = 1;
  const Value children = holes[1];
  if ((tag == "pre" || tag == "textarea") && !children.is_nil()) out_.put('\n');
  return child(children, false);
}

}  // namespace sx
