// Lists: pairs and what is built of them.
#include <algorithm>

#include "engine/prim/support.h"

namespace sx {
namespace {

// A list of n elements made from the last to the first by `element(i)` (immediates or rooted).
template <class Element>
Value list_from_back(Context& cx, std::int64_t n, Element element) {
  Root list(cx.heap, Value::empty_list());
  for (std::int64_t i = n - 1; i >= 0; --i) list = cx.heap.cons(element(i), list);
  return list;
}

bool want_list_room(Context& cx, const char* who, std::int64_t n) {
  cx.charge(static_cast<std::size_t>(n > (1 << 30) ? (1 << 30) : n) * 24);
  return want_room(cx, who,
                   n > (std::int64_t{1} << 40) ? SIZE_MAX : static_cast<std::size_t>(n) * 24);
}

Value element_or_nil(Context& cx, const char* who, Value s, int index) {
  Sequence sequence(cx, s);
  if (!sequence.valid()) return cx.fail_type(who, "list", s);
  Value v = Value::nil();
  for (int i = 0; i <= index; ++i)
    if (!sequence.next(v)) return Value::nil();
  return v;
}

Value range_of_floats(Context& cx, Value* args, int count) {
  const double start = count == 1 ? 0 : to_double(args[0]);
  const double end = to_double(args[count == 1 ? 0 : 1]);
  const double step = count == 3 ? to_double(args[2]) : 1;
  if (step == 0) return cx.fail("range-error", "range: Expected a step that is not 0, got 0.0");
  if (!(start == start && end == end && step == step))
    return cx.fail("range-error", "range: Expected numbers, got +nan.0");
  std::int64_t n = 0;
  const double steps = (end - start) / step;
  if (steps > 0) {
    if (steps > 1e12) return cx.fail("limit", "range: more than 10^12 elements");
    n = static_cast<std::int64_t>(steps);
    if (static_cast<double>(n) < steps) ++n;
  }
  if (!want_list_room(cx, "range", n)) return Value::unset();
  return list_from_back(cx, n, [&](std::int64_t i) {
    return Value::from_double(start + static_cast<double>(i) * step);
  });
}

}  // namespace

SX_PRIMITIVE(prim_cons) { return cx.heap.cons(args[0], args[1]); }
// Apart, so that car and cdr need no frame of their own.
[[gnu::noinline]] static Value no_pair(Context& cx, const char* who, Value v) {
  return cx.fail_type(who, "pair", v);
}
SX_PRIMITIVE(prim_car) { return is_pair(args[0]) ? car(args[0]) : no_pair(cx, "car", args[0]); }
SX_PRIMITIVE(prim_cdr) { return is_pair(args[0]) ? cdr(args[0]) : no_pair(cx, "cdr", args[0]); }
SX_PRIMITIVE(prim_first) { return op_first(cx, args[0]); }
SX_PRIMITIVE(prim_second) { return element_or_nil(cx, "second", args[0], 1); }
SX_PRIMITIVE(prim_third) { return element_or_nil(cx, "third", args[0], 2); }
SX_PRIMITIVE(prim_rest) { return op_rest(cx, args[0]); }

SX_PRIMITIVE(prim_last) {
  if (is_vector(args[0])) {
    const std::uint32_t n = vector_count(args[0]);
    return n == 0 ? Value::nil() : vector_get(args[0], n - 1);
  }
  Sequence sequence(cx, args[0]);
  if (!sequence.valid()) return cx.fail_type("last", "list", args[0]);
  Value v = Value::nil();
  std::size_t n = 0;
  while (sequence.next(v)) ++n;
  cx.charge(n * 8);
  return v;
}

SX_PRIMITIVE(prim_list) {
  return list_from_back(cx, count, [&](std::int64_t i) { return args[i]; });
}

SX_PRIMITIVE(prim_chain) {
  Root list(cx.heap, args[count - 1]);
  for (int i = count - 2; i >= 0; --i) list = cx.heap.cons(args[i], list);
  return list;
}

SX_PRIMITIVE(prim_list_star) {
  const Value last = args[count - 1];
  if (is_pair(last) || last.is_empty_list()) return prim_chain(cx, args, count);
  Root list(cx.heap, Value::empty_list());
  {
    Sequence sequence(cx, last);
    if (!sequence.valid()) return cx.fail_type("list*", "list", args[count - 1]);
    ListBuilder out(cx);
    for (Value v; sequence.next(v);) out.add(v);
    list = out.finish();
  }
  for (int i = count - 2; i >= 0; --i) list = cx.heap.cons(args[i], list);
  return list;
}

SX_PRIMITIVE(prim_reverse) {
  if (is_vector(args[0])) {
    std::vector<Value> elements;
    if (!gather(cx, "reverse", args[0], elements)) return Value::unset();
    std::reverse(elements.begin(), elements.end());
    return make_vector(cx, elements);
  }
  Root list(cx.heap, Value::empty_list());
  if (is_pair(args[0])) {
    Root rest(cx.heap, args[0]);
    std::size_t pairs = 0;
    for (; is_pair(rest); ++pairs) {
      list = cx.heap.cons(car(rest), list);
      rest = cdr(rest);
    }
    cx.charge(pairs * 24);
    if (!rest.get().is_empty_list())
      return cx.fail("type-error", "reverse: Expected list, got a dotted list");
    return list;
  }
  Sequence sequence(cx, args[0]);
  if (!sequence.valid()) return cx.fail_type("reverse", "list", args[0]);
  Value v;
  std::size_t n = 0;
  for (; sequence.next(v); ++n) list = cx.heap.cons(v, list);
  cx.charge(n * 24);
  if (sequence.dotted()) return cx.fail("type-error", "reverse: Expected list, got a dotted list");
  return list;
}

// A list that grows at its end begins with a pair that is not part of it and holds the mark. Once a
// fiber was copied, the same pairs may be built on twice: they stay as they are from then on, what
// comes later is put before the last of them, backwards, and the end makes a list of its own.
SX_PRIMITIVE(prim_list_begin) {
  if (cx.copy_mark.is_nil()) cx.copy_mark = cx.heap.make_cell(Value::nil());
  return cx.heap.cons(cx.copy_mark, Value::empty_list());
}

SX_PRIMITIVE(prim_list_add) {
  const Value pair = cx.heap.cons(args[1], Value::empty_list());
  list_add(cx, args[0], pair, args[2]);
  return pair;
}

SX_PRIMITIVE(prim_list_end) {
  if (list_grows(cx, args[1], args[0])) return cdr(args[0]);
  if (!is_pair(args[0])) return cx.fail_type("%list-end", "pair", args[0]);
  const Value turned = prim_reverse(cx, args + 1, 1);
  if (turned.is_unset()) return turned;
  Root late(cx.heap, turned);  // the last pair that grew, what came later
  Root at(cx.heap, cdr(args[0]));
  ListBuilder out(cx);
  std::size_t n = 0;
  for (; is_pair(at); at = cdr(at), ++n) out.add(car(at));
  cx.charge(n * 24);
  return out.finish_with(is_pair(late) ? cdr(late) : Value::empty_list());
}

SX_PRIMITIVE(prim_append) {
  ListBuilder out(cx);
  std::size_t n = 0;
  for (int i = 0; i < count; ++i) {
    const bool last = i == count - 1;
    if (last && (is_pair(args[i]) || args[i].is_empty_list())) return out.finish_with(args[i]);
    Sequence sequence(cx, args[i]);
    if (!sequence.valid()) return cx.fail_type("append", "list", args[i]);
    Value v;
    for (; sequence.next(v); ++n) out.add(v);
    if (sequence.dotted()) return cx.fail("type-error", "append: Expected list, got a dotted list");
  }
  cx.charge(n * 24);
  return out.finish();
}

SX_PRIMITIVE(prim_concat) {
  ListBuilder out(cx);
  std::size_t n = 0;
  for (int i = 0; i < count; ++i) {
    Sequence sequence(cx, args[i]);
    if (!sequence.valid()) return cx.fail_type("concat", "list", args[i]);
    Value v;
    for (; sequence.next(v); ++n) out.add(v);
    if (sequence.dotted()) return cx.fail("type-error", "concat: Expected list, got a dotted list");
  }
  cx.charge(n * 24);
  return out.finish();
}

SX_PRIMITIVE(prim_length) { return op_count(cx, args[0]); }
SX_PRIMITIVE(prim_count) { return op_count(cx, args[0]); }
SX_PRIMITIVE(prim_is_empty) { return op_is_empty(cx, args[0]); }

SX_PRIMITIVE(prim_take) {
  std::int64_t n = 0;
  if (!want_count(cx, "take", args[0], n)) return Value::unset();
  Sequence sequence(cx, args[1]);
  if (!sequence.valid()) return cx.fail_type("take", "list", args[1]);
  ListBuilder out(cx);
  Value v;
  std::size_t taken = 0;
  for (; n > 0 && sequence.next(v); --n, ++taken) out.add(v);
  cx.charge(taken * 24);
  return out.finish();
}

SX_PRIMITIVE(prim_drop) {
  std::int64_t n = 0;
  if (!want_count(cx, "drop", args[0], n)) return Value::unset();
  if (is_pair(args[1])) {  // shares the rest
    Value at = args[1];
    std::size_t dropped = 0;
    for (; n > 0 && is_pair(at); --n, ++dropped) at = cdr(at);
    cx.charge(dropped * 8);
    return at;
  }
  Sequence sequence(cx, args[1]);
  if (!sequence.valid()) return cx.fail_type("drop", "list", args[1]);
  ListBuilder out(cx);
  Value v;
  std::size_t walked = 0;
  for (; sequence.next(v); ++walked)
    if (n > 0)
      --n;
    else
      out.add(v);
  cx.charge(walked * 24);
  return out.finish();
}

SX_PRIMITIVE(prim_list_tail) {
  std::int64_t n = 0;
  if (!want_count(cx, "list-tail", args[1], n)) return Value::unset();
  if (!is_pair(args[0]) && !args[0].is_empty_list())
    return cx.fail_type("list-tail", "list", args[0]);
  Value at = args[0];
  std::int64_t left = n;
  for (; left > 0 && is_pair(at); --left) at = cdr(at);
  cx.charge(static_cast<std::size_t>(n - left) * 8);
  if (left > 0)
    return fail_index(cx, "list-tail", args[1], args[0], static_cast<std::size_t>(n - left));
  return at;
}

SX_PRIMITIVE(prim_member) {
  if (args[1].is_nil()) return Value::nil();
  if (is_vector(args[1])) {
    std::vector<Value> elements;
    if (!gather(cx, "member", args[1], elements)) return Value::unset();
    for (std::size_t i = 0; i < elements.size(); ++i)
      if (equal(cx, args[0], elements[i]))
        return make_list(cx, std::span<const Value>(elements).subspan(i));
    return Value::nil();
  }
  if (!is_pair(args[1]) && !args[1].is_empty_list()) return cx.fail_type("member", "list", args[1]);
  std::size_t n = 0;
  Value at = args[1];
  for (; is_pair(at) && !equal(cx, args[0], car(at)); at = cdr(at)) ++n;
  cx.charge(n * 8);
  return is_pair(at) ? at : Value::nil();
}

SX_PRIMITIVE(prim_index_of) {
  std::vector<Value> elements;
  if (is_string(args[0])) return cx.fail_type("index-of", "list", args[0]);
  if (!gather(cx, "index-of", args[0], elements)) return Value::unset();
  for (std::size_t i = 0; i < elements.size(); ++i)
    if (equal(cx, args[1], elements[i])) return Value::small_int(static_cast<std::int64_t>(i));
  return Value::nil();
}

SX_PRIMITIVE(prim_contains) {
  const Value s = args[0];
  if (s.is_nil() || s.is_empty_list()) return Value::fals();
  if (is_dict(s) || is_kind(s, Kind::Record) || is_kind(s, Kind::Table) || is_kind(s, Kind::Set)) {
    bool failed;
    const Value v = op_lookup(cx, s, args[1], &failed);
    return failed ? v : Value::boolean(!v.is_unset());
  }
  std::vector<Value> elements;
  if (!gather(cx, "contains?", s, elements)) return Value::unset();
  for (Value v : elements)
    if (equal(cx, args[1], v)) return Value::tru();
  return Value::fals();
}

SX_PRIMITIVE(prim_range) {
  bool floats = false;
  for (int i = 0; i < count; ++i) {
    if (!want_number(cx, "range", args[i])) return Value::unset();
    floats = floats || args[i].is_double();
  }
  if (floats) return range_of_floats(cx, args, count);
  std::int64_t start = 0, end = 0, step = 1;
  if (!want_int64(cx, "range", args[count == 1 ? 0 : 1], end)) return Value::unset();
  if (count > 1 && !want_int64(cx, "range", args[0], start)) return Value::unset();
  if (count > 2 && !want_int64(cx, "range", args[2], step)) return Value::unset();
  if (step == 0) return cx.fail("range-error", "range: Expected a step that is not 0, got 0");
  std::uint64_t n = 0;  // differences in unsigned arithmetic: no overflow
  if (step > 0 && end > start) {
    n = (static_cast<std::uint64_t>(end) - static_cast<std::uint64_t>(start) - 1) /
            static_cast<std::uint64_t>(step) +
        1;
  } else if (step < 0 && end < start) {
    n = (static_cast<std::uint64_t>(start) - static_cast<std::uint64_t>(end) - 1) /
            (0 - static_cast<std::uint64_t>(step)) +
        1;
  }
  if (n > static_cast<std::uint64_t>(INT64_MAX)) n = static_cast<std::uint64_t>(INT64_MAX);
  if (!want_list_room(cx, "range", static_cast<std::int64_t>(n))) return Value::unset();
  return list_from_back(cx, static_cast<std::int64_t>(n),
                        [&](std::int64_t i) { return make_int(cx, start + i * step); });
}

SX_PRIMITIVE(prim_repeat) {
  std::int64_t n = 0;
  if (!want_count(cx, "repeat", args[0], n)) return Value::unset();
  if (!want_list_room(cx, "repeat", n)) return Value::unset();
  return list_from_back(cx, n, [&](std::int64_t) { return args[1]; });
}

SX_PRIMITIVE(prim_to_list) {
  if (is_pair(args[0]) || args[0].is_empty_list()) return args[0];
  Sequence sequence(cx, args[0]);
  if (!sequence.valid()) return cx.fail_type("->list", "list", args[0]);
  ListBuilder out(cx);
  Value v;
  std::size_t n = 0;
  for (; sequence.next(v); ++n) out.add(v);
  cx.charge(n * 24);
  return out.finish();
}

SX_PRIMITIVE(prim_flatten) {
  // No allocation before the end, so the raw values on this stack stay right.
  struct Level {
    Value rest;
    std::uint32_t at;
  };
  const auto nested = [](Value v) { return is_pair(v) || v.is_empty_list() || is_vector(v); };
  if (args[0].is_nil()) return Value::empty_list();
  if (!nested(args[0])) return cx.fail_type("flatten", "list", args[0]);
  std::vector<Value> leaves;
  std::vector<Level> stack{{args[0], 0}};
  std::size_t steps = 0;
  while (!stack.empty()) {
    ++steps;
    Level& top = stack.back();
    Value v;
    if (is_pair(top.rest)) {
      v = car(top.rest);
      top.rest = cdr(top.rest);
    } else if (is_vector(top.rest) && top.at < vector_count(top.rest)) {
      v = vector_get(top.rest, top.at++);
    } else {
      stack.pop_back();
      continue;
    }
    if (nested(v))
      stack.push_back({v, 0});
    else
      leaves.push_back(v);
  }
  cx.charge(steps * 24);
  return make_list(cx, leaves);
}

SX_PRIMITIVE(prim_zip) {
  Sequence a(cx, args[0]), b(cx, args[1]);
  if (!a.valid()) return cx.fail_type("zip", "list", args[0]);
  if (!b.valid()) return cx.fail_type("zip", "list", args[1]);
  ListBuilder out(cx);
  Root x(cx.heap, Value::nil());
  Value v;
  std::size_t n = 0;
  for (; a.next(v); ++n) {
    x = v;
    if (!b.next(v)) break;
    out.add(make_entry(cx, x, v));
  }
  cx.charge(n * 64);
  return out.finish();
}

namespace {

Value fail_order(Context& cx, Value a, Value b) {
  std::string text = "sort: ";
  text += type_name(a);
  text += " and ";
  text += type_name(b);
  text += " have no natural order: give a function that compares them";
  return cx.fail("type-error", text);
}

// Stable sort by the natural order of the elements or of their cars. Once two keys cannot be
// compared nothing is "less", so the algorithm ends, and the pair is reported.
Value sort_by(Context& cx, std::vector<Value>& elements, bool by_car) {
  const auto key = [by_car](Value v) { return by_car ? car(v) : v; };
  bool failed = false;
  Value a = Value::nil(), b = Value::nil();
  std::size_t steps = 0;
  std::stable_sort(elements.begin(), elements.end(), [&](Value x, Value y) {
    if (failed) return false;
    ++steps;
    const int c = compare_values(cx, key(x), key(y));
    if (c == 2) {
      failed = true;
      a = key(x);
      b = key(y);
    }
    return c == -1;
  });
  cx.charge(steps * 16);
  if (failed) return fail_order(cx, a, b);
  return make_list(cx, elements);
}

}  // namespace

SX_PRIMITIVE(prim_sort) {
  std::vector<Value> elements;
  if (!gather(cx, "sort", args[0], elements)) return Value::unset();
  return sort_by(cx, elements, false);
}

SX_PRIMITIVE(prim_sort_pairs) {
  std::vector<Value> elements;
  if (!gather(cx, "sort-by", args[0], elements)) return Value::unset();
  for (Value v : elements)
    if (!is_pair(v)) return cx.fail_type("%sort-pairs", "pair", v);
  return sort_by(cx, elements, true);
}

SX_PRIMITIVE(prim_compare) {
  const int c = compare_values(cx, args[0], args[1]);
  return c == 2 ? fail_order(cx, args[0], args[1]) : Value::small_int(c);
}

}  // namespace sx
