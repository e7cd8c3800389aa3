// Markup for the DOM adapter (web/glue/markup.js): template instances and what fills them as JSON
// text, every value checked by the rules of the HTML adapter. docs/decisions/dom-adapter.md has the
// reasons.
//
//   value    := null | true | "text" | N                a function: reference number N
//             | [T value*]                              an instance of the template at address T, a
//             value a hole | [0 value*]                              children | {"r":"trusted
//             HTML"} | {"l":N,"v":value}                       an array [_ value …], which changes:
//             reference number N | {"a":{"name":value …}}                  attributes
//   template := [op,"text" …]                           by sx_template() of the kernel, once
#include "engine/bytecode/attribute_kind.h"
#include "engine/prim/support.h"
#include "engine/render/attributes.h"
#include "engine/render/html_writer.h"
#include "engine/value/root_list.h"

namespace sx {

// Writes without allocating on the SX heap, so raw values stay right.
class DomWriter {
 public:
  DomWriter(Context& cx, HtmlBuffer& unused, std::int64_t base)
      : cx_(cx), text_of_(cx, unused), base_(base) {}

  Result<void> run(Value markup) {
    SX_CHECK(child(markup));
    std::uint64_t steps = 0;
    while (!levels_.empty()) {
      if (++steps > RenderLimits().steps_max || out.size() > kTextBytesMax)
        return Error{"render: the markup has too many parts"};
      SX_CHECK(step());
    }
    return {};
  }

  struct Reference {
    Value value;
    std::string_view name;  // of the attribute whose value it is; empty: a child
  };
  std::string out;
  std::vector<Reference> references;

 private:
  struct Level {
    Value value;
    std::uint32_t at;
  };

  Result<void> step() {
    Level& level = levels_.back();
    const Value v = level.value;
    if (is_pair(v)) {
      level.value = cdr(v);
      out.push_back(',');
      return child(car(v));
    }
    if (is_kind(v, Kind::Array)) {
      if (level.at++ == 0) return child(array_get(v, 1));
      out.push_back('}');
      levels_.pop_back();
      return {};
    }
    if (is_vector(v)) {
      if (level.at < vector_count(v)) {
        out.push_back(',');
        return child(vector_get(v, level.at++));
      }
    } else if (is_kind(v, Kind::Template)) {
      const auto* instance = static_cast<const Template*>(v.as_object());
      const TemplateInfo* info = instance->info();
      if (info == &element_template()) return element(instance, level);
      if (info == &keyed_template()) {
        if (level.at < 2) {
          out.push_back(',');
          return child(instance->holes()[1 - level.at++]);
        }
        level.at = UINT32_MAX;
      }
      while (level.at < info->part_count) {
        const TemplatePart& part = info->parts[level.at++];
        if (part.op == TemplateOp::Static) continue;
        const Value hole = instance->holes()[part.hole];
        out.push_back(',');
        if (part.op == TemplateOp::Text || part.op == TemplateOp::RawText) return child(hole);
        if (part.op == TemplateOp::Spread)
          SX_CHECK(spread(hole));
        else
          SX_CHECK(attribute(part.op, part.text, hole));
      }
    } else if (is_kind(v, Kind::Set)) {
      Value key, value;
      DictCursor cursor(cx_, set_dict(v), level.at);
      if (cursor.next(key, value)) {
        level.at = cursor.position();
        out.push_back(',');
        return child(key);
      }
    }
    out.push_back(']');
    levels_.pop_back();
    return {};
  }

  // [T "tag" children "name" value…]
  Result<void> element(const Template* instance, Level& level) {
    const Value* holes = instance->holes();
    if (level.at++ == 0) {
      std::string tag;
      text_of_.simple_text(holes[0], tag);
      out.push_back(',');
      append_json_string(out, tag);
      out.push_back(',');
      return child(holes[1]);
    }
    for (std::size_t i = 2; i + 1 < instance->hole_count(); i += 2) {
      std::string name;
      text_of_.simple_text(holes[i], name);
      out += ",";
      if (name == "&") {
        SX_CHECK(spread(holes[i + 1]));
        continue;
      }
      out += "{\"a\":{";
      SX_CHECK(named(holes[i], holes[i + 1]));
      out += "}}";
    }
    out.push_back(']');
    levels_.pop_back();
    return {};
  }

  Result<void> child(Value v) {
    if (v.is_nil() || v.is_bool() || v.is_empty_list()) {
      // true as the markup of a keyed child: what is there stays.
      out += v == Value::tru() ? "true" : "null";
      return {};
    }
    if (is_dict(v)) return spread(v);
    if (v.is_object()) switch (v.as_object()->kind) {
        case Kind::Pair:
        case Kind::Vector:
        case Kind::Set:
          out += "[0";
          levels_.push_back({v, 0});
          return {};
        case Kind::Template:
          out += str("[", reinterpret_cast<std::uintptr_t>(
                              static_cast<const Template*>(v.as_object())->info()));
          levels_.push_back({v, 0});
          return {};
        case Kind::Array:
          if (array_count(v) < 2) break;
          live(v, {});
          levels_.push_back({v, 0});
          return {};
        case Kind::Closure:
          refer(v, {});
          return {};
        case Kind::Raw:
          out += "{\"r\":";
          append_json_string(out, as_string(static_cast<RawMarkup*>(v.as_object())->text)->view());
          out.push_back('}');
          return {};
        default:
          break;
      }
    std::string text;
    if (!text_of_.simple_text(v, text))
      return Error{str("render: Expected markup, text or a number as a child, got ", type_name(v))};
    append_json_string(out, v.is_keyword() ? str(":", text) : text);
    return {};
  }

  void refer(Value v, std::string_view name) {
    out += str(base_ + static_cast<std::int64_t>(references.size()));
    references.push_back({v, name});
  }
  void live(Value v, std::string_view name) {
    out += "{\"l\":";
    refer(v, name);
    out += ",\"v\":";
  }

  Result<void> attribute(TemplateOp op, std::string_view name, Value v) {
    if (is_kind(v, Kind::Array) && array_count(v) > 1) {
      live(v, name);
      SX_CHECK(attribute(op, name, array_get(v, 1)));
      out.push_back('}');
      return {};
    }
    if (op == TemplateOp::Forbidden) {
      if (!handler_attribute(name, v)) return text_of_.attribute(op, name, v);
      if (is_closure(v)) {
        refer(v, name);
        return {};
      }
    }
    std::string text;
    if (v == Value::tru()) {
      out += "true";
      return {};
    }
    if (v.is_nil() || v.is_bool()) {
      out += "null";
      return {};
    }
    if (op == TemplateOp::Style) {
      SX_CHECK(text_of_.style_text(v, text));
      text = safe_style(text);
    } else {
      SX_CHECK(text_of_.attribute_text(name, v, text));
      if ((op == TemplateOp::Url && !url_allowed(name, text)) ||
          (op == TemplateOp::UrlList && !url_list_allowed(name, text)))
        text = kInvalidUrl;
    }
    append_json_string(out, text);
    return {};
  }

  // "name":value
  Result<void> named(Value key, Value v) {
    std::string name;
    if (!text_of_.simple_text(key, name) || !attribute_name_valid(name))
      return Error{str("render: '", name.substr(0, 40), "' is no attribute name")};
    append_json_string(out, name);
    out.push_back(':');
    // References outlive the text here; names of keywords are kept by their table.
    const std::string_view kept = key.is_keyword() ? cx_.symbols.name(key.id())
                                  : is_string(key) ? as_string(key)->view()
                                                   : std::string_view();
    return attribute(attribute_op(name), kept, v);
  }

  Result<void> spread(Value v) {
    if (v.is_nil() || v == Value::fals()) {
      out += "null";
      return {};
    }
    if (!is_dict(v)) return Error{str("render: Expected a dict of attributes, got ", type_name(v))};
    DictCursor cursor(cx_, v);
    Value key, value;
    bool first = true;
    out += "{\"a\":{";
    while (cursor.next(key, value)) {
      if (!first) out.push_back(',');
      first = false;
      SX_CHECK(named(key, value));
    }
    out += "}}";
    return {};
  }

  Context& cx_;
  HtmlWriter text_of_;  // for the text of attributes; writes nothing
  std::int64_t base_;
  std::vector<Level> levels_;
};

SX_PRIMITIVE(prim_dom_encode) {
  if (!args[1].is_int()) {
    cx.fail_type("dom/encode", "integer", args[1]);
    return Value::unset();
  }
  HtmlBuffer unused;
  DomWriter writer(cx, unused, args[1].as_int());
  const Result<void> written = writer.run(args[0]);
  if (!written.ok())
    return cx.fail("render-error", str("dom/encode", written.error().message.substr(6)));
  cx.charge(writer.out.size() * 8);
  // Names first: they may lie in strings of the heap.
  std::vector<std::string> names;
  RootList result(cx.heap);
  result.push(Value::nil());
  for (const DomWriter::Reference& each : writer.references) {
    result.push(each.value);
    result.push(Value::nil());
    names.emplace_back(each.name);
  }
  for (std::size_t i = 0; i < names.size(); ++i)
    if (!names[i].empty()) {
      const Value name = cx.keyword(names[i]);
      result[2 + 2 * i] = name;
    }
  const Value bytes =
      make_bytes(cx, {reinterpret_cast<const std::uint8_t*>(writer.out.data()), writer.out.size()});
  result[0] = bytes;
  return make_vector_rooted(cx, result.data(), static_cast<std::uint32_t>(result.size()));
}

// (%keyed key markup): markup that a list of the page knows again by its key.
SX_PRIMITIVE(prim_keyed) {
  auto* made = static_cast<Template*>(cx.heap.alloc_slots(Kind::Template, 4));
  made->info_bits = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&keyed_template()));
  made->holes()[0] = args[1];
  made->holes()[1] = args[0];
  return Value::object(made);
}

}  // namespace sx
