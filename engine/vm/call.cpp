// Calls off the fast path: optional, keyword and rest parameters, primitives as values, keywords
// and parameters as functions, apply, new stack segments, arity errors.
#include <cstring>

#include "engine/base/str.h"
#include "engine/prim/operations.h"
#include "engine/prim/primitives.h"
#include "engine/reader/printer.h"
#include "engine/value/collections.h"
#include "engine/vm/interpreter.h"

namespace sx {

namespace {

Value link_word(std::uint32_t delta, std::uint32_t flags) {
  return Value::small_int(static_cast<std::int64_t>(delta | flags));
}

std::string counted(int n, const char* noun) { return str(n, " ", noun, n == 1 ? "" : "s"); }

std::string_view name_of(const Function& fn) { return fn.name.empty() ? "function" : fn.name; }

}  // namespace

Next Interpreter::fail(std::string_view kind, std::string_view message, Value data) {
  cx.fail(kind, message, data);
  unwinding = Unwind::Raise;
  return Next::Raise;
}

Next Interpreter::not_callable(Value callee) {
  return fail("type-error", str("Not callable: ", print(cx, callee, {.bytes_max = 80})));
}

// The compiler refuses names that nothing defines: this one is defined, later.
Next Interpreter::unbound(const Global& global) {
  const std::string_view name = global.name;
  const std::size_t own = name.find('#');
  return fail("unbound", str(own == std::string_view::npos ? name : name.substr(own + 1),
                             " is used before its definition has run"));
}

Next Interpreter::arity_error(const Function& fn, int count) {
  std::string expected = counted(fn.required, "argument");
  if (fn.rest || fn.key_count > 0) {
    expected = str("at least ", expected);
  } else if (fn.optional > 0) {
    expected = str(int{fn.required}, " to ", counted(fn.required + fn.optional, "argument"));
  }
  return fail("arity-error",
              str(name_of(fn), ": Expected ", expected, ", got ", count, ". Usage: ", fn.usage));
}

std::uint32_t Interpreter::shape_of_keys(Value keys) {
  std::uint32_t shape = ShapeTable::kEmpty;
  for (std::uint32_t i = 0; i < vector_count(keys); ++i)
    shape = cx.shapes.with_key(shape, vector_get(keys, i).id());
  return shape;
}

// Hand-made code and thawed fibers may have put anything in place of the bindings.
Value Interpreter::parameter_value(Value parameter) const {
  for (Value at = current()->dynamic; is_pair(at); at = cdr(at))
    if (is_pair(car(at)) && car(car(at)) == parameter) return cdr(car(at));
  return static_cast<Parameter*>(parameter.as_object())->default_value;
}

// Makes the frame of fn above the current one with its parameters at the returned base, growing
// the stack if need be. `window` is the caller's call window (closure and arguments stay readable).
Value* Interpreter::place_frame(Value* window, const Function& fn, std::uint32_t flags) {
  const auto delta = static_cast<std::uint32_t>(window + kCallControl - fs->base);
  Value* frame = window + kCallControl;
  if (frame + fn.registers > fs->top->end()) {
    if (!depth_setter().is_nil()) return nullptr;
    Segment* segment = vm.pool_.take(fn.registers + kCallControl + 1, fs->top);
    segment->caller_base = fs->base;
    fs->top = segment;
    fs->stack_bytes += segment->capacity * sizeof(Value);
    segment->slots()[0] = window[0];
    frame = segment->slots() + kCallControl;
    flags |= kLinkSegment;
  }
  frame[-2] = Value::small_int(0);
  frame[-2].bits |= reinterpret_cast<std::uintptr_t>(fs->pc);
  frame[-1] = link_word(delta, flags);
  return frame;
}

// Binds `count` arguments to the parameters of fn: out[0…parameters). False: cx.error is set.
// args are rooted where they are and may overlap out.
bool Interpreter::arrange(const Function& fn, const Value* args, int count, Value* out) {
  const int required = fn.required;
  if (count < required) {
    arity_error(fn, count);
    return false;
  }
  Value bound[256];
  int taken = 0;
  for (; taken < required; ++taken) bound[taken] = args[taken];
  int at = required;
  for (int i = 0; i < fn.optional; ++i)
    bound[at++] = taken < count ? args[taken++] : Value::unset();
  Value* const key_slots = bound + at;
  for (int i = 0; i < fn.key_count; ++i) bound[at++] = Value::unset();

  // Keyword arguments bind keys; what is left over is the rest, in order.
  std::vector<Value>& rest = vm.bound_buffer_;
  rest.clear();
  for (int i = taken; i < count; ++i) {
    if (fn.key_count > 0 && args[i].is_keyword()) {
      int slot = -1;
      for (int k = 0; k < fn.key_count; ++k)
        if (fn.keys[k] == args[i].id()) slot = k;
      if (slot >= 0) {
        if (i + 1 >= count) {
          fail("arity-error",
               str(name_of(fn), ": no value after ", print(cx, args[i]), ". Usage: ", fn.usage));
          return false;
        }
        key_slots[slot] = args[++i];
        continue;
      }
      if (!fn.rest || fn.component) {
        fail("arity-error",
             str(name_of(fn), ": unknown keyword ", print(cx, args[i]), ". Usage: ", fn.usage));
        return false;
      }
    }
    if (!fn.rest && fn.key_count > 0) {
      fail("arity-error", str(name_of(fn), ": Expected keyword arguments, found ",
                              print(cx, args[i], {.bytes_max = 80}), ". Usage: ", fn.usage));
      return false;
    }
    if (!fn.rest) {
      arity_error(fn, count);
      return false;
    }
    rest.push_back(args[i]);
  }
  if (fn.rest) {
    const std::size_t rest_count = rest.size();
    rest.insert(rest.end(), bound, bound + at);  // rooted while the list is built
    Root list(cx.heap, Value::empty_list());
    for (std::size_t i = rest_count; i > 0; --i) list = cx.heap.cons(rest[i - 1], list);
    for (int i = 0; i < at; ++i) bound[i] = rest[rest_count + i];
    bound[at++] = list;
    rest.clear();
  }
  std::memcpy(out, bound, at * sizeof(Value));
  return true;
}

// Calls window[0] with window[3…3+count).
Next Interpreter::call(Value* window, int count, bool tail) {
  return enter(window, window[0], window + kCallControl, count, tail, 0);
}

// args: in the window, or in vm.apply_buffer_ (rooted).
Next Interpreter::enter(Value* window, Value callee, const Value* args, int count, bool tail,
                        std::uint32_t extra_flags) {
  if (is_closure(callee)) {
    const Function& fn = *as_closure(callee)->function();
    if (fn.simple && count != fn.required) return arity_error(fn, count);
    int parameter_count = count;
    // Where parameters land first that are no plain list: the frame may be in another segment, and
    // building the rest list may collect.
    Value parameters[256];
    if (!fn.simple) {
      Root callee_root(cx.heap, callee);
      if (!arrange(fn, args, count, parameters)) return Next::Raise;
      args = parameters;
      parameter_count = fn.parameters();
      callee = callee_root;
    }
    Value* frame;
    if (tail) {
      frame = fs->base;
      if (frame + fn.registers > fs->top->end()) {
        // The frame outgrows its segment: it becomes one that only returns what the callee, in
        // the next segment, leaves in its register 0. It happens once per segment, not per call.
        fs->pc = vm.return_stub_.code;
        frame = place_frame(fs->base, fn, 0);
        if (!frame) return limit_error(depth_setter(), "depth");
      }
      frame[-3] = callee;
    } else {
      window[0] = callee;
      frame = place_frame(window, fn, extra_flags);
      if (!frame) return limit_error(depth_setter(), "depth");
    }
    // Forwards: what overlaps lies above the frame.
    for (int i = 0; i < parameter_count; ++i) frame[i] = args[i];
    fs->base = frame;
    fs->pc = fn.code;
    return --fuel > 0 ? Next::Run : check_fuel();
  }

  Value result;
  if (is_kind(callee, Kind::Primitive)) {
    const PrimitiveInfo& prim = primitive_of(callee);
    if (count < prim.min_args || (prim.max_args >= 0 && count > prim.max_args)) {
      std::string expected = counted(prim.min_args, "argument");
      if (prim.max_args < 0) {
        expected = str("at least ", expected);
      } else if (prim.max_args != prim.min_args) {
        expected = str(int{prim.min_args}, " to ", counted(prim.max_args, "argument"));
      }
      return fail("arity-error", str(prim.name, ": Expected ", expected, ", got ", count,
                                     ". Usage: ", prim.usage));
    }
    result = prim.fn(cx, const_cast<Value*>(args), count);
  } else if (is_kind(callee, Kind::Parameter)) {
    if (count != 0) return fail("arity-error", str("parameter: Expected 0 arguments, got ", count));
    result = parameter_value(callee);
  } else if (callee.is_keyword()) {
    if (count < 1 || count > 2)
      return fail("arity-error",
                  str("keyword as function: Expected 1 to 2 arguments, got ", count));
    if (count == 1) {
      result = op_get(cx, args[0], callee);
    } else {
      vm.scratch_ = args[1];
      bool failed = false;
      result = op_lookup(cx, args[0], callee, &failed);
      if (result.is_unset() && !failed) result = vm.scratch_;
      vm.scratch_ = Value::nil();
    }
  } else {
    return not_callable(callee);
  }
  if (result.is_unset()) {
    unwinding = Unwind::Raise;
    return Next::Raise;
  }
  fuel += cx.fuel - 1;
  cx.fuel = 0;
  if (tail) {
    // Leave the frame with the value, as Return does.
    if (static_cast<std::uint32_t>(fs->base[-1].bits) & ~kLinkDelta) return return_slow(result);
    *pop_frame() = result;
  } else {
    window[0] = result;
  }
  return fuel > 0 ? Next::Run : check_fuel();
}

// r[a](r[a+3]…, elements of the last argument).
Next Interpreter::apply(Value* window, int count, bool tail) {
  if (count < 1) return fail("arity-error", "apply: Expected a function and a list of arguments");
  Value* args = window + kCallControl;
  Value last = args[count - 1];
  std::vector<Value>& buffer = vm.apply_buffer_;
  buffer.assign(args, args + count - 1);
  while (is_pair(last)) {
    buffer.push_back(car(last));
    last = cdr(last);
  }
  if (is_vector(last)) {
    for (std::uint32_t i = 0; i < vector_count(last); ++i) buffer.push_back(vector_get(last, i));
  } else if (!last.is_empty_list() && !last.is_nil()) {
    const Next next = fail("type-error", str("apply: Expected list, got ", type_name(last)));
    buffer.clear();
    return next;
  }
  const int total = static_cast<int>(buffer.size());
  fuel -= total / 8;
  const Value callee = window[0];
  if (is_closure(callee)) {
    const Function& fn = *as_closure(callee)->function();
    if (!fn.rest && total > fn.parameters() + fn.key_count) {
      buffer.clear();
      return arity_error(fn, total);
    }
  }
  const Next next = enter(window, callee, buffer.data(), total, tail, 0);
  buffer.clear();
  return next;
}

}  // namespace sx
