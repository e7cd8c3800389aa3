// Markup → wire text (wire.h). Iterative; never allocates on the SX heap.
#include <algorithm>
#include <unordered_map>

#include "engine/base/scan.h"
#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/bytecode/templates.h"
#include "engine/render/html_buffer.h"
#include "engine/render/html_writer.h"
#include "engine/render/wire.h"
#include "engine/value/collections.h"

namespace sx {
namespace {

// A string literal: the escapes of SX text.
template <class Out>
void put_string(Out& out, std::string_view s) {
  out.put('"');
  for (std::size_t from = 0; from < s.size();) {
    const std::size_t stop = scan_uncontrolled(s, from, '"');
    out.put(s.substr(from, stop - from));
    if (stop == s.size()) break;
    const char c = s[stop];
    if (c == '\n') {
      out.put("\\n");
    } else if (c == '"' || c == '\\') {
      out.put('\\');
      out.put(c);
    } else {
      out.put("\\x");
      out.put("0123456789abcdef"[c >> 4 & 15]);
      out.put("0123456789abcdef"[c & 15]);
      out.put(';');
    }
    from = stop + 1;
  }
  out.put('"');
}

void put_definition(HtmlBuffer& out, const TemplateInfo& info) {
  out.put("(template ");
  put_string(out, template_hash_text(info));
  out.put(' ');
  out.decimal(info.holes);
  for (std::uint32_t i = 0; i < info.part_count; ++i) {
    const TemplatePart& part = info.parts[i];
    out.put(' ');
    if (part.op == TemplateOp::Static) {
      put_string(out, part.text);
      continue;
    }
    out.put('(');
    out.put(kTemplateOpNames[static_cast<std::size_t>(part.op)]);
    out.put(' ');
    out.decimal(part.hole);
    if (part.op != TemplateOp::Text && part.op != TemplateOp::RawText) {
      out.put(' ');
      put_string(out, part.text);
    }
    out.put(')');
  }
  out.put(')');
}

// In element content a keyword shows as :k, in an attribute as k. Arguments of components keep what
// they are; Named: the dict of those that have names.
enum class In : std::uint8_t { Content, Attribute, Data, Named };

// An instance that a portable component gave (kCallHoles).
bool is_call(const TemplateInfo& info) { return info.part_count == 1 && info.holes == kCallHoles; }

// Can the name of a keyword stand in the text as it is?
bool is_plain(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_/?!*.<>=+").find(c) != std::string_view::npos;
  });
}

// Something whose parts are being written. at: the next hole of a template, the next index.
struct Level {
  Value value;
  std::uint32_t at;
  In in;
  char closing;
};

class Writer {
 public:
  Writer(Context& cx, const WireWriteOptions& options) : cx_(cx), options_(options) {}

  Result<std::string> run(Value markup) {
    SX_CHECK(value(markup, In::Content));
    while (!levels_.empty()) {
      ++steps_;
      if (out_.size() > options_.bytes_max || steps_ > options_.bytes_max)
        return Error{str("wire/write: the text is larger than ", options_.bytes_max, " bytes")};
      SX_CHECK(step());
    }
    cx_.charge(out_.size() + steps_ * 8);
    HtmlBuffer head;
    head.put(components_.empty() ? "(sx 1 [" : "(sx 2 [");
    bool first = true;
    for (const TemplateInfo* info : templates_) {
      if (!first) head.put(' ');
      first = false;
      const std::string hash = template_hash_text(*info);
      if (options_.define_all || std::find(options_.define.begin(), options_.define.end(), hash) !=
                                     options_.define.end()) {
        put_definition(head, *info);
      } else {
        put_string(head, hash);
      }
    }
    head.put("] ");
    for (std::size_t i = 0; i < components_.size(); ++i) {
      head.put(i == 0 ? '[' : ' ');
      put_string(head, components_[i]);
    }
    if (!components_.empty()) head.put("] ");
    std::string text;
    text.reserve(head.size() + out_.size() + 1);
    text.append(head.view());
    text.append(out_.view());
    text.push_back(')');
    return text;
  }

 private:
  void open(Value v, In in, char opening, char closing) {
    out_.put(opening);
    levels_.push_back({v, 0, in, closing});
  }
  Result<void> close() {
    const In in = levels_.back().in;
    if (in != In::Named) out_.put(levels_.back().closing);
    levels_.pop_back();
    // The children of a call follow its named arguments.
    if (in == In::Named && is_pair(levels_.back().value)) out_.put(" /");
    return {};
  }
  void space() {
    const char last = out_.view().back();
    if (last != '[' && last != '{') out_.put(' ');
  }

  Result<void> step() {
    Level& level = levels_.back();
    const Value v = level.value;
    const In in = level.in;
    if (v.is_empty_list()) return close();
    Object* o = v.as_object();
    switch (o->kind) {
      case Kind::Pair:
        level.value = is_pair(cdr(v)) ? cdr(v) : Value::empty_list();
        space();
        return value(car(v), in);
      case Kind::Vector:
        if (level.at == vector_count(v)) return close();
        space();
        return value(vector_get(v, level.at++), in);
      case Kind::Set:
      case Kind::ShapeDict:
      case Kind::HashDict: {
        const bool set = o->kind == Kind::Set;
        Value key, held;
        DictCursor cursor(cx_, set ? set_dict(v) : v, level.at);
        if (!cursor.next(key, held)) return close();
        level.at = cursor.position();
        space();
        if (set) return value(key, in);
        SX_CHECK(in == In::Data ? value(key, in) : name(key));
        space();
        if (in == In::Named || in == In::Data) return value(held, In::Data);
        return attribute(key, held);
      }
      default:
        return hole(level, static_cast<Template*>(o));
    }
  }

  Result<void> hole(Level& level, Template* instance) {
    const TemplateInfo* info = instance->info();
    const std::uint32_t at = level.at++;
    if (info == &element_template()) {
      if (at == instance->hole_count()) return close();
      space();
      const Value v = instance->holes()[at];
      if (at == 0 || (at >= 2 && at % 2 == 0)) return name(v);
      return at == 1 ? value(v, In::Content) : attribute(instance->holes()[at - 1], v);
    }
    if (at == info->holes) return close();
    Value v = instance->holes()[at];
    In in = In::Attribute;
    for (std::uint32_t i = 0; i < info->part_count; ++i) {
      const auto& part = info->parts[i];
      if (part.hole != at) continue;
      if (part.op == TemplateOp::Text || part.op == TemplateOp::RawText) in = In::Content;
      if (part.op == TemplateOp::Forbidden && handler_attribute(part.text, v)) v = Value::nil();
    }
    space();
    return value(v, in);
  }

  // A handler of the page stays where it is, as in HTML.
  Result<void> attribute(Value name, Value v) {
    const std::string_view text = is_string(name)     ? as_string(name)->view()
                                  : name.is_keyword() ? cx_.symbols.name(name.id())
                                                      : std::string_view();
    return value(handler_attribute(text, v) ? Value::nil() : v, In::Attribute);
  }

  // Tags and the names of attributes.
  Result<void> name(Value v) {
    if (is_string(v)) {
      put_string(out_, as_string(v)->view());
    } else if (v.is_keyword() || v.is_symbol()) {
      put_string(out_, cx_.symbols.name(v.id()));
    } else {
      return Error{str("wire/write: Expected a keyword or string as a name, got ", type_name(v))};
    }
    return {};
  }

  Result<void> value(Value v, In in) {
    if (v.is_int()) {
      out_.decimal(v.as_int());
    } else if (v.is_nil()) {
      out_.put("nil");
    } else if (v.is_bool()) {
      out_.put(v.truthy() ? "true" : "false");
    } else if (v.is_double()) {
      out_.put(double_to_string(v.as_double()));
    } else if (v.is_empty_list()) {
      out_.put(in == In::Data ? "(list)" : "[]");
    } else if (in == In::Data && v.is_keyword()) {
      out_.put(':');
      out_.put(cx_.symbols.name(v.id()));
    } else if (v.is_keyword() || v.is_symbol()) {
      std::string text(v.is_keyword() && in == In::Content ? ":" : "");
      put_string(out_, text += cx_.symbols.name(v.id()));
    } else if (v.is_char()) {
      char text[4];
      put_string(out_, {text, static_cast<std::size_t>(utf8_encode(v.id(), text))});
    } else if (v.is_object()) {
      return object(v, in);
    } else {
      return refuse(v, in);
    }
    return {};
  }

  Result<void> object(Value v, In in) {
    switch (v.as_object()->kind) {
      case Kind::String:
        put_string(out_, as_string(v)->view());
        return {};
      case Kind::BigInt:
        out_.put(int_to_string(v));
        return {};
      case Kind::Pair:
        if (in == In::Data) return form("(list", v);
        [[fallthrough]];
      case Kind::Vector:
        open(v, in, '[', ']');
        return {};
      case Kind::Set:
        if (in == In::Data) return form("(set", v);
        if (in != In::Content) return refuse(v, in);
        open(v, in, '[', ']');
        return {};
      case Kind::ShapeDict:
      case Kind::HashDict:
        if (in == In::Content) return refuse(v, in);
        open(v, in, '{', '}');
        return {};
      case Kind::Raw:
        if (in == In::Attribute) return refuse(v, in);
        out_.put("(raw ");
        put_string(out_, as_string(static_cast<RawMarkup*>(v.as_object())->text)->view());
        out_.put(')');
        return {};
      case Kind::Template:
        if (in == In::Attribute) return refuse(v, in);
        return instance(v, in);
      default:
        return refuse(v, in);
    }
  }

  Result<void> form(std::string_view head, Value v) {
    out_.put(head);
    levels_.push_back({v, 0, In::Data, ')'});
    return {};
  }

  // A call where the receiver has the component and everything it was given has a wire form; else
  // what it gave.
  Result<void> call(const Template* instance) {
    const Value* holes = instance->holes();
    if (!options_.components.empty() && holes[1].is_symbol()) {
      const TemplateTable::Component known =
          TemplateTable::of(cx_).component(cx_.symbols.name(holes[1].id()));
      if (known.unit != nullptr &&
          std::find(options_.components.begin(), options_.components.end(), known.about->hash) !=
              options_.components.end() &&
          is_data(holes[2]) && is_data(holes[3])) {
        auto at = std::find(components_.begin(), components_.end(), known.about->hash);
        out_.put("(call ");
        out_.decimal(at - components_.begin());
        if (at == components_.end()) components_.push_back(known.about->hash);
        const Value children = holes[3].is_nil() ? Value::empty_list() : holes[3];
        levels_.push_back({children, 0, In::Data, ')'});
        levels_.push_back({holes[2], 0, In::Named, 0});
        return {};
      }
    }
    return value(holes[0], In::Content);
  }

  // Would it read back as it is, as far as a component can tell? Markup is markup, whatever shows
  // in it.
  bool is_data(Value v) {
    std::vector<Value> open = {v};
    while (!open.empty()) {
      if (++steps_ > options_.bytes_max) return false;
      const Value next = open.back();
      open.pop_back();
      if (next.is_keyword()) {
        if (!is_plain(cx_.symbols.name(next.id()))) return false;
        continue;
      }
      if (next.is_int() || next.is_nil() || next.is_bool() || next.is_double() ||
          next.is_empty_list())
        continue;
      if (!next.is_object()) return false;
      switch (next.as_object()->kind) {
        case Kind::String:
        case Kind::BigInt:
        case Kind::Raw:
        case Kind::Template:
          break;
        case Kind::Pair:
          open.push_back(car(next));
          open.push_back(cdr(next));
          if (!is_pair(cdr(next)) && !cdr(next).is_empty_list()) return false;
          break;
        case Kind::Vector:
          for (std::uint32_t i = 0; i < vector_count(next); ++i)
            open.push_back(vector_get(next, i));
          break;
        case Kind::Set:
        case Kind::ShapeDict:
        case Kind::HashDict: {
          const bool set = next.as_object()->kind == Kind::Set;
          DictCursor cursor(cx_, set ? set_dict(next) : next);
          Value key, held;
          while (cursor.next(key, held)) {
            if (!set && !is_string(key) && !key.is_keyword()) return false;
            open.push_back(key);
            if (!set) open.push_back(held);
          }
          break;
        }
        default:
          return false;
      }
    }
    return true;
  }

  Result<void> instance(Value v, In in) {
    const auto* instance = static_cast<const Template*>(v.as_object());
    const TemplateInfo* info = instance->info();
    if (is_call(*info)) return call(instance);
    if (info == &fragment_template() && in == In::Data) {
      out_.put("(frag");
      levels_.push_back({v, 0, In::Content, ')'});
    } else if (info == &fragment_template() || info == &keyed_template()) {
      open(v, In::Content, '[', ']');
    } else if (info == &element_template()) {
      out_.put("(el");
      levels_.push_back({v, 0, In::Content, ')'});
    } else {
      const auto [known, fresh] =
          numbers_.try_emplace(info, static_cast<std::uint32_t>(templates_.size()));
      if (fresh) templates_.push_back(info);
      out_.put('(');
      out_.decimal(known->second);
      levels_.push_back({v, 0, In::Content, ')'});
    }
    return {};
  }

  Result<void> refuse(Value v, In in) {
    return Error{str("wire/write: Expected ",
                     in == In::Content ? "markup, text or a number as a child"
                                       : "text, numbers, a list or a dict for an attribute",
                     ", got ", type_name(v))};
  }

  Context& cx_;
  const WireWriteOptions& options_;
  HtmlBuffer out_;
  std::vector<Level> levels_;
  std::vector<const TemplateInfo*> templates_;
  std::vector<std::string> components_;  // hashes of those called
  std::unordered_map<const TemplateInfo*, std::uint32_t> numbers_;
  std::uint64_t steps_ = 0;
};

}  // namespace

Result<std::string> wire_write(Context& cx, Value markup, const WireWriteOptions& options) {
  return Writer(cx, options).run(markup);
}

std::string wire_definition(const TemplateInfo& info) {
  HtmlBuffer out;
  put_definition(out, info);
  return std::string(out.view());
}

}  // namespace sx
