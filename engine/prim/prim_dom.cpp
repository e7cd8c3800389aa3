// Markup for the DOM adapter (web/glue/markup.js): template instances and what fills them as JSON
// text, every value checked by the rules of the HTML adapter. docs/decisions/dom-adapter.md has the
// reasons.
//
//   value    := null | true | "text"
//             | N                     a function: reference number N
//             | [T value*]            an instance of the template at address T, a value a hole
//             | [0 value*]            children
//             | {"r":"trusted HTML"}
//             | {"l":N,"v":value}     a live node, which changes: reference number N
//             | {"a":{"name":value…}} attributes
//   template := [op,"text" …]         by sx_template() of the kernel, once
//
// A live node is an array of web/signal, whose layout is known here too.
#include <algorithm>

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
      : cx_(cx), text_of_(cx, unused), base_(base), live_(cx.keyword("live")) {}

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

  // Of a live node's array.
  enum Slot : std::uint32_t { kKind = 0, kShown = 1, kExtra = 7, kReference = 9, kSlots = 10 };

  struct Reference {
    Value value;
    std::string name;  // of the attribute whose value a live node is; empty: a child, a function
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
      if (level.at++ == 0) return child(array_get(v, kShown));
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
          out.push_back('[');
          append_decimal(out, static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(
                                  static_cast<const Template*>(v.as_object())->info())));
          levels_.push_back({v, 0});
          return {};
        case Kind::Array:
          SX_CHECK(live(v, {}));
          levels_.push_back({v, 0});
          return {};
        case Kind::Closure:
          refer(v, {});
          return {};
        case Kind::String:
          append_json_string(out, as_string(v)->view());
          return {};
        case Kind::Raw:
          out += "{\"r\":";
          append_json_string(out, as_string(static_cast<RawMarkup*>(v.as_object())->text)->view());
          out.push_back('}');
          return {};
        default:
          break;
      }
    if (v.is_int()) {
      decimal(v);
      return {};
    }
    std::string text;
    if (!text_of_.simple_text(v, text))
      return Error{str("render: Expected markup, text or a number as a child, got ", type_name(v))};
    append_json_string(out, v.is_keyword() ? str(":", text) : text);
    return {};
  }

  void decimal(Value v) {
    out.push_back('"');
    append_decimal(out, v.as_int());
    out.push_back('"');
  }
  void refer(Value v, std::string_view name) {
    append_decimal(out, base_ + static_cast<std::int64_t>(references.size()));
    references.push_back({v, std::string(name)});
  }
  Result<void> live(Value v, std::string_view name) {
    const bool node = array_count(v) == kSlots && array_get(v, kKind).is_keyword();
    if (!node) return Error{"render: Expected markup, text or a number as a child, got array"};
    if (array_get(v, kKind) != live_)
      return Error{
          "render: A signal cannot stand in markup by itself: write (deref signal), or "
          "(live (deref signal))"};
    out += "{\"l\":";
    refer(v, name);
    out += ",\"v\":";
    return {};
  }

  Result<void> attribute(TemplateOp op, std::string_view name, Value v) {
    if (is_kind(v, Kind::Array)) {
      SX_CHECK(live(v, name));
      SX_CHECK(attribute(op, name, array_get(v, kShown)));
      out.push_back('}');
      return {};
    }
    if (op == TemplateOp::Forbidden) {
      if (!handler_attribute(name, v)) return text_of_.attribute(op, name, v);
      if (is_closure(v)) {
        refer(v, {});
        return {};
      }
    }
    if (is_string(v) && op == TemplateOp::Attribute) {
      append_json_string(out, as_string(v)->view());
      return {};
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
  Value live_;
  std::vector<Level> levels_;
};

SX_PRIMITIVE(prim_dom_encode) {
  if (!is_kind(args[1], Kind::Table)) return cx.fail_type("dom/encode", "table", args[1]);
  if (!args[2].is_int()) return cx.fail_type("dom/encode", "integer", args[2]);
  const std::int64_t base = args[2].as_int();
  HtmlBuffer unused;
  DomWriter writer(cx, unused, base);
  const Result<void> written = writer.run(args[0]);
  if (!written.ok())
    return cx.fail("render-error", str("dom/encode", written.error().message.substr(6)));
  cx.charge(writer.out.size() * 8 + writer.references.size() * 128);
  RootList values(cx.heap);
  values.reserve(writer.references.size() + 2);
  for (const DomWriter::Reference& each : writer.references) values.push(each.value);
  for (std::size_t i = 0; i < writer.references.size(); ++i) {
    const Value number = make_int(cx, base + static_cast<std::int64_t>(i));
    const std::string& name = writer.references[i].name;
    if (!name.empty()) {
      const Value key = cx.keyword(name);
      array_set(cx, values[i], DomWriter::kExtra, key);
    }
    if (is_kind(values[i], Kind::Array)) array_set(cx, values[i], DomWriter::kReference, number);
    table_put(cx, args[1], number, values[i]);
  }
  const std::size_t end = values.size();
  values.push(make_bytes(
      cx, {reinterpret_cast<const std::uint8_t*>(writer.out.data()), writer.out.size()}));
  values.push(make_int(cx, base + static_cast<std::int64_t>(end)));
  return make_vector_rooted(cx, values.data() + end, 2);
}

namespace {

// Above every number that dom/encode gives; with the length of a table added it stays a small
// integer.
constexpr std::int64_t kNumberMax = std::int64_t{1} << 46;

// A live node that has another number by now keeps it.
void release_reference(Context& cx, Value table, Value number) {
  const Value value = table_get(cx, table, number);
  if (is_kind(value, Kind::Array) && array_get(value, DomWriter::kReference) == number)
    array_set(cx, value, DomWriter::kReference, Value::nil());
  table_remove(cx, table, number);
}

// The keys of the table from first on, length many: for a range that is longer than the table.
std::vector<std::int64_t> numbers_within(Value table, std::int64_t first, std::int64_t length) {
  std::vector<std::int64_t> found;
  TableCursor cursor(table);
  for (Value key, value; cursor.next(key, value);)
    if (key.is_int() && key.as_int() >= first && key.as_int() - first < length)
      found.push_back(key.as_int());
  return found;
}

}  // namespace

// Ranges of numbers, [first count …].
SX_PRIMITIVE(prim_dom_release) {
  if (!is_kind(args[0], Kind::Table)) return cx.fail_type("dom/release!", "table", args[0]);
  Sequence ranges(cx, args[1]);
  Value first, length;
  while (ranges.next(first)) {
    if (!ranges.next(length) || !first.is_int() || !length.is_int() || first.as_int() < 0 ||
        first.as_int() > kNumberMax || length.as_int() < 0)
      return cx.fail_type("dom/release!", "pairs of integers", args[1]);
    const std::int64_t from = first.as_int(), count = length.as_int();
    const std::int64_t entries = table_count(args[0]);
    cx.charge(static_cast<std::size_t>(std::min(count, entries)) * 64);
    if (count <= entries) {
      for (std::int64_t n = 0; n < count; ++n)
        release_reference(cx, args[0], make_int(cx, from + n));
    } else {
      for (const std::int64_t n : numbers_within(args[0], from, count))
        release_reference(cx, args[0], make_int(cx, n));
    }
  }
  return Value::nil();
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
