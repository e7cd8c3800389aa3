// Helpers for writing primitives (support.h).
#include "engine/prim/support.h"

#include "engine/base/scan.h"
#include "engine/base/str.h"
#include "engine/reader/printer.h"
#include "engine/render/html_buffer.h"
#include "engine/value/root_list.h"

namespace sx {

bool want_int64(Context& cx, const char* who, Value v, std::int64_t& out) {
  if (v.is_int()) {
    out = v.as_int();
    return true;
  }
  if (to_int64(v, out)) return true;
  if (is_integer(v)) {
    cx.fail("range-error", str(who, ": Expected an integer of at most 64 bits, got ",
                               int_to_string(v).substr(0, 40)));
  } else {
    cx.fail_type(who, "integer", v);
  }
  return false;
}

bool want_count(Context& cx, const char* who, Value v, std::int64_t& out) {
  if (v.is_int() && v.as_int() >= 0) {
    out = v.as_int();
    return true;
  }
  if (!is_integer(v)) {
    cx.fail_type(who, "integer", v);
    return false;
  }
  if (num_compare(v, Value::small_int(0)) < 0) {
    cx.fail("range-error",
            str(who, ": Expected an integer of at least 0, got ", int_to_string(v).substr(0, 40)));
    return false;
  }
  if (!to_int64(v, out)) out = INT64_MAX;
  return true;
}

bool want_room(Context& cx, const char* who, std::size_t bytes) {
  if (bytes <= kTextBytesMax && cx.heap.can_allocate(bytes)) return true;
  const std::string size =
      bytes > kTextBytesMax
          ? str("over ", kTextBytesMax >> 20, " MiB, more than the memory limit of one value")
          : str(bytes, " bytes, more than the memory limit leaves");
  // With this :data the machine knows it as the limit of a run (vm/unwind.cpp).
  const Field which[] = {{"limit", cx.keyword("heap")}};
  cx.fail("limit", str(who, ": the result would take ", size),
          bytes > kTextBytesMax ? Value::nil() : make_dict(cx, which));
  return false;
}

Value fail_index(Context& cx, const char* who, Value index, Value coll, std::size_t count) {
  const char* unit = is_string(coll) ? "character" : is_bytes(coll) ? "byte" : "element";
  return cx.fail("index-error",
                 str(who, ": Index ", int_to_string(index).substr(0, 40), " out of range: the ",
                     type_name(coll), " has ", count, " ", unit, count == 1 ? "" : "s"));
}

Value make_text(Context& cx, const char* text, std::size_t size) {
  cx.charge(size);
  if (size > 4096 && !want_room(cx, "string", size)) return Value::unset();
  return make_string(cx, text, size);
}

String* new_string(Context& cx, std::uint32_t bytes, std::uint32_t chars) {
  cx.charge(bytes);
  const std::uint32_t words = 3 + (bytes + 7) / 8;
  Object* object = cx.heap.alloc(Kind::String, words);
  if (words > 3) object->raw()[words - 2] = 0;  // padding is always zero
  auto* made = static_cast<String*>(object);
  made->byte_len = bytes;
  made->char_len = chars;
  made->hash = 0;
  return made;
}

std::size_t find_text(const std::string_view& text, const std::string_view& part,
                      std::size_t from) {
#ifdef __wasm__
  // Two bytes are looked for at once, eight places a step: a call for each place where the first
  // one stands costs more than what lies between.
  const std::size_t size = part.size();
  if (size < 2 || text.size() < size) return text.find(part, from);
  const char* const data = text.data();
  const std::size_t last = text.size() - size;
  const auto is_here = [&](std::size_t at) {
    if (data[at] != part[0] || data[at + 1] != part[1]) return false;
    return size == 2 || std::memcmp(data + at + 2, part.data() + 2, size - 2) == 0;
  };
  for (; from + 9 <= text.size(); from += 8) {
    std::uint64_t mask = bytes_equal(load_upto8(data + from, 8), part[0]) &
                         bytes_equal(load_upto8(data + from + 1, 8), part[1]);
    for (; mask != 0; mask &= mask - 1) {
      const std::size_t at = from + static_cast<std::size_t>(__builtin_ctzll(mask)) / 8;
      if (at > last) return std::string_view::npos;
      if (is_here(at)) return at;
    }
  }
  for (; from <= last; ++from)
    if (is_here(from)) return from;
  return std::string_view::npos;
#else
  return text.find(part, from);
#endif
}

String* make_ascii(Context& cx, std::size_t bytes) {
  if (bytes > 4096 && !want_room(cx, "string", bytes)) return nullptr;
  const auto size = static_cast<std::uint32_t>(bytes);  // want_room: far below 2³²
  return new_string(cx, size, size);
}

Value make_substring(Context& cx, const Value& rooted, std::uint32_t from, std::uint32_t to) {
  const std::uint32_t size = to - from;
  std::uint32_t chars = size;
  {
    const String* s = as_string(rooted);
    if (from == 0 && to == s->byte_len) {
      cx.charge(size);
      return rooted;
    }
    if (!s->ascii()) chars = static_cast<std::uint32_t>(utf8_count(s->view().substr(from, size)));
    // Long text that is not ASCII carries an index of its own: make_string knows how.
    if (chars != size && chars > 64)
      return make_text(cx, std::string(s->view().substr(from, size)));
  }
  String* made = new_string(cx, size, chars);
  HtmlBuffer::copy(made->data(), as_string(rooted)->data() + from, size);
  return Value::object(made);
}

namespace {

// Structure that is shared many times over prints as more text than there are bytes. What is longer
// than could be kept is cut at a length that make_text refuses.
std::size_t printed_max(const Context& cx) {
  if (cx.heap.can_allocate(kTextBytesMax)) return kTextBytesMax + 16;
  std::size_t room = kTextBytesMax;
  while (room > (std::size_t{1} << 20) && !cx.heap.can_allocate(room)) room /= 2;
  return cx.heap.can_allocate(room) ? 2 * room : room;
}

}  // namespace

std::string written(const Context& cx, Value v) {
  PrintOptions options;
  options.bytes_max = printed_max(cx);
  return print(cx, v, options);
}

void append_display(const Context& cx, std::string& out, Value v) {
  if (is_string(v)) {
    out += as_string(v)->view();
  } else if (v.is_int()) {
    append_decimal(out, v.as_int());
  } else if (v.is_char()) {
    utf8_append(out, v.id());
  } else {
    PrintOptions options;
    options.display = true;
    options.bytes_max = printed_max(cx);
    out += print(cx, v, options);
  }
}

void append_display(const Context& cx, HtmlBuffer& out, Value v) {
  if (is_string(v)) {
    out.put(as_string(v)->view());
  } else if (v.is_int()) {
    out.decimal(v.as_int());
  } else {
    std::string text;
    append_display(cx, text, v);
    out.put(text);
  }
}

bool dict_entry(const Context& cx, Value dict, std::uint32_t i, Value& key, Value& value) {
  Object* object = dict.as_object();
  if (object->kind == Kind::ShapeDict) {
    const auto* small = static_cast<const ShapeDict*>(object);
    const Shape& shape = cx.shapes[small->shape];
    if (i >= shape.count) return false;
    key = Value::keyword(shape.keys[i]);
    value = small->values()[i];
    return true;
  }
  const auto* big = static_cast<const HashDict*>(object);
  if (i >= vector_count(big->entries)) return false;
  const Value entry = vector_get(big->entries, i);
  if (!is_pair(entry)) {
    key = Value::unset();
    return true;
  }
  key = car(entry);
  value = cdr(entry);
  return true;
}

Value make_entry(Context& cx, Value key, Value value) {
  const Value pair[2] = {key, value};
  return make_vector(cx, pair);
}

Sequence::Sequence(Context& cx, Value v) : cx_(cx), value_(cx.heap, v) {
  valid_ = v.is_nil() || v.is_empty_list() || is_pair(v) || is_vector(v) || is_kind(v, Kind::Set) ||
           is_dict(v) || is_kind(v, Kind::Array) || is_kind(v, Kind::TypedArray);
}

bool Sequence::next(Value& out) {
  const Value v = value_;
  if (!v.is_object()) return false;
  switch (v.as_object()->kind) {
    case Kind::Pair:
      out = car(v);
      value_ = cdr(v);
      if (!is_pair(value_) && !value_.get().is_empty_list()) {
        dotted_ = true;
        value_ = Value::empty_list();
      }
      return true;
    case Kind::Vector:
      if (at_ >= vector_count(v)) return false;
      out = vector_get(v, at_++);
      return true;
    case Kind::Array: {
      const auto* array = static_cast<const Array*>(v.as_object());
      if (at_ >= array->count) return false;
      out = array->store.as_object()->slots(0)[at_++];
      return true;
    }
    case Kind::TypedArray:
      if (at_ >= static_cast<const TypedArray*>(v.as_object())->count) return false;
      out = typed_get(cx_, v, at_++);
      return true;
    case Kind::Set:
    case Kind::ShapeDict:
    case Kind::HashDict: {
      const bool set = v.as_object()->kind == Kind::Set;
      Value key, value;
      do {
        if (!dict_entry(cx_, set ? set_dict(v) : v, at_, key, value)) return false;
        ++at_;
      } while (key.is_unset());
      out = set ? key : make_entry(cx_, key, value);
      return true;
    }
    default:
      return false;
  }
}

bool gather(Context& cx, const char* who, Value v, std::vector<Value>& out) {
  if (v.is_nil() || v.is_empty_list()) return true;
  if (is_pair(v)) {
    for (; is_pair(v); v = cdr(v)) out.push_back(car(v));
    cx.charge(out.size() * 8);
    if (v.is_empty_list()) return true;
    cx.fail("type-error", str(who, ": Expected list, got a dotted list"));
    return false;
  }
  if (is_vector(v)) {
    const std::uint32_t n = vector_count(v);
    out.reserve(out.size() + n);
    for (std::uint32_t i = 0; i < n; ++i) out.push_back(vector_get(v, i));
  } else if (is_kind(v, Kind::Set)) {
    Value key, value;
    for (std::uint32_t i = 0; dict_entry(cx, set_dict(v), i, key, value); ++i)
      if (!key.is_unset()) out.push_back(key);
  } else if (is_kind(v, Kind::Array)) {
    const auto* array = static_cast<const Array*>(v.as_object());
    if (array->count > 0) {
      const Value* store = array->store.as_object()->slots(0);
      out.insert(out.end(), store, store + array->count);
    }
  } else if (is_kind(v, Kind::TypedArray)) {
    // Integers beyond 48 bits are made here, so everything gathered is rooted meanwhile.
    RootList held(cx.heap, out);
    Root array(cx.heap, v);
    const std::uint32_t n = static_cast<const TypedArray*>(v.as_object())->count;
    for (std::uint32_t i = 0; i < n; ++i) held.push(typed_get(cx, array, i));
    out.assign(held.data(), held.data() + held.size());
  } else {
    cx.fail_type(who, "list", v);
    return false;
  }
  cx.charge(out.size() * 8);
  return true;
}

}  // namespace sx
