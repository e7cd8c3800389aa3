// Copies of suspended fibers: frames are copied, never cells.
#include <utility>

#include "engine/base/str.h"
#include "engine/value/collections.h"
#include "engine/value/root_list.h"
#include "engine/vm/frames.h"

namespace sx {

namespace {

// The functions of core/effects whose cleanups run once for every entry: each copy has its own.
bool is_wind(const Function& fn) {
  return fn.unit->module == "core/effects" &&
         (fn.name == "dynamic-wind" || fn.name == "wind--outside");
}

// parameterize ends with a cleanup that puts back the bindings of its own fiber. A fiber that never
// goes on has no use for it, and copies each have their own.
bool is_parameterize(const Function& fn, const HandlerEntry& entry) {
  const std::uint32_t* const code = fn.code + entry.target;
  return entry.target + 1 < fn.code_words &&
         ins_op(code[0]) == static_cast<std::uint8_t>(Op::SetDynamic) &&
         ins_op(code[1]) == static_cast<std::uint8_t>(Op::EndCleanup);
}

bool frame_has_cleanup(const Function& fn, const std::uint32_t* pc) {
  if (pc <= fn.code || pc > fn.code + fn.code_words) return false;
  const auto at = static_cast<std::uint32_t>(pc - fn.code - 1);
  for (std::uint32_t i = 0; i < fn.handler_count; ++i) {
    const HandlerEntry& entry = fn.handlers[i];
    if (entry.kind == HandlerKind::Cleanup && entry.from <= at && at < entry.to &&
        !is_parameterize(fn, entry))
      return true;
  }
  return false;
}

// The register in which a handler's frame keeps its continuation.
Value* continuation_of(std::uint32_t link, Value* caller) {
  return (link & kLinkHandler) ? caller + (link & kLinkDelta) - kCallControl - 1 : nullptr;
}

// Would a copy of the chain, and of the continuations that handlers in it still have to resume, run
// a cleanup a second time?
bool copy_repeats_cleanup(Value inner, Value outer) {
  std::vector<std::pair<Value, Value>> chains = {{inner, outer}};
  bool found = false;
  while (!chains.empty() && !found) {
    const auto [first, last] = chains.back();
    chains.pop_back();
    for (Value at = first; !found; at = as_fiber(at)->parent) {
      const FiberState* state = as_fiber(at)->state();
      found = fiber_has_cleanup(state, true);
      each_frame(state, [&](Value*, const std::uint32_t*, std::uint32_t link, Value* caller) {
        const Value* k = continuation_of(link, caller);
        if (k && as_continuation(*k)->used == 0)
          chains.push_back({as_continuation(*k)->inner, as_continuation(*k)->outer});
        return true;
      });
      if (at == last) break;
    }
  }
  return found;
}

}  // namespace

bool fiber_has_cleanup(const FiberState* state, bool but_winds) {
  bool found = false;
  each_frame(state, [&](const Value* base, const std::uint32_t* pc, std::uint32_t, const Value*) {
    const Function& fn = *as_closure(base[-3])->function();
    found = fn.handler_count > 0 && frame_has_cleanup(fn, pc) && !(but_winds && is_wind(fn));
    return !found;
  });
  return found;
}

Next Interpreter::fiber_copy(std::uint8_t a, Value source) {
  const bool is_k = is_kind(source, Kind::Continuation);
  if (!is_k && !is_kind(source, Kind::Fiber))
    return fail("type-error",
                str("fiber/copy: Expected fiber or continuation, got ", type_name(source)));
  if (is_k
          ? as_continuation(source)->used != 0
          : !as_fiber(source)->state() || as_fiber(source)->state()->status == FiberStatus::Running)
    return fail(
        "fiber-error",
        "fiber/copy: only a suspended fiber can be copied; this one is running or has ended");
  cx.copy_mark = Value::nil();
  Root source_root(cx.heap, source);
  const Value inner0 =
      is_k ? as_continuation(source)->inner
           : (as_fiber(source)->handler.is_nil() ? source : as_fiber(source)->handler);
  const Value outer0 = is_k ? as_continuation(source)->outer : source;
  if (copy_repeats_cleanup(inner0, outer0))
    return fail("fiber-error",
                "fiber/copy: the fiber is inside protect; its cleanup would run twice");
  RootList copies(cx.heap);
  Root first(cx.heap, Value::nil());
  copy_chain(inner0, outer0, !is_k, copies);
  first = copies[0];
  Root previous(cx.heap, copies.back());
  // A handler in the middle of its work has its own continuation in each copy.
  for (std::size_t i = 0; i < copies.size(); ++i) copy_held_continuations(copies, i);
  Value made;
  if (is_k) {
    made = make_continuation(source_root, first, previous);
  } else {
    Fiber* outer = as_fiber(previous);
    if (first.get() != previous.get()) {
      outer->handler = first;
      cx.heap.write_barrier(outer, first);
    }
    made = previous;
  }
  fs->base[a] = made;
  return Next::Run;
}

// An unused continuation like `original` for the chain from inner to outer.
Value Interpreter::make_continuation(const Root& original, const Root& inner, const Root& outer) {
  auto* k = static_cast<Continuation*>(cx.heap.alloc(Kind::Continuation, 4));
  k->aux = as_continuation(original)->aux;
  k->used = 0;
  k->reserved = 0;
  k->inner = inner;
  k->outer = outer;
  return Value::object(k);
}

void Interpreter::copy_held_continuations(RootList& copies, std::size_t index) {
  std::vector<Value*> held;
  each_frame(as_fiber(copies[index])->state(),
             [&](Value*, const std::uint32_t*, std::uint32_t link, Value* caller) {
               Value* k = continuation_of(link, caller);
               if (k && as_continuation(*k)->used == 0) held.push_back(k);
               return true;
             });
  for (Value* const slot : held) {
    // The fiber was copied a moment ago: the collector knows its stack, which does not move.
    Root original(cx.heap, *slot);
    const std::size_t from = copies.size();
    copy_chain(as_continuation(original)->inner, as_continuation(original)->outer, false, copies);
    Root inner(cx.heap, copies[from]), outer(cx.heap, copies.back());
    const Value k = make_continuation(original, inner, outer);
    FiberState* state = as_fiber(copies[index])->state();
    for (Segment* segment = state->top; segment; segment = segment->below) {
      segment->settled = false;  // the copy is young
      for (Value* at = segment->slots(); at < segment->end(); ++at)
        if (*at == original.get()) *at = k;
    }
    cx.heap.fiber_touched(as_fiber(copies[index]));
  }
}

// Appends copies of the fibers from inner to outer, linked like them.
void Interpreter::copy_chain(Value inner0, Value outer0, bool stepped, RootList& copies) {
  const std::size_t begin = copies.size();
  Root from(cx.heap, inner0);
  Root outer_from(cx.heap, outer0);
  while (true) {
    auto* copy = static_cast<Fiber*>(cx.heap.alloc(Kind::Fiber, 5));
    Fiber* original = as_fiber(from);
    copy->state_bits = 0;
    copy->parent = Value::nil();
    const bool last = from.get() == outer_from.get();
    // The outermost stepped fiber keeps its innermost one in the handler slot: set below.
    copy->handler = last && stepped ? Value::nil() : original->handler;
    copy->dynamic = original->dynamic;
    FiberState* from_state = original->state();
    FiberState* state = vm.pool_.new_state();
    *state = *from_state;
    state->top = nullptr;
    Segment** link = &state->top;
    for (Segment* segment = from_state->top; segment; segment = segment->below) {
      Segment* twin = vm.pool_.take(segment->capacity, nullptr);
      twin->caller_base = segment->caller_base;
      for (std::uint32_t i = 0; i < segment->capacity; ++i) twin->slots()[i] = segment->slots()[i];
      for (std::uint32_t i = segment->capacity; i < twin->capacity; ++i)
        twin->slots()[i] = Value::nil();
      *link = twin;
      link = &twin->below;
    }
    *link = nullptr;
    // Addresses inside the copied segments: base and caller_base move with them.
    Segment* twin = state->top;
    for (Segment* segment = from_state->top; segment;
         segment = segment->below, twin = twin->below) {
      if (segment == from_state->top)
        state->base = twin->slots() + (from_state->base - segment->slots());
      if (segment->below)
        twin->caller_base = twin->below->slots() + (segment->caller_base - segment->below->slots());
    }
    copy->state_bits = reinterpret_cast<std::uintptr_t>(state);
    cx.heap.register_special(copy);
    cx.heap.fiber_touched(copy);
    if (copies.size() > begin) {
      Fiber* below_copy = as_fiber(copies.back());
      below_copy->parent = Value::object(copy);
      cx.heap.write_barrier(below_copy, Value::object(copy));
    }
    copies.push(Value::object(copy));
    if (last) break;
    from = as_fiber(from)->parent;
  }
}

}  // namespace sx
