// Unwinding: raise, limits and cancellation walk the frames, find entries in the exception tables
// and run cleanups. Nothing is paid on entry to guard or protect.
#include "engine/base/str.h"
#include "engine/prim/declare.h"
#include "engine/prim/primitives.h"
#include "engine/value/collections.h"
#include "engine/value/number.h"
#include "engine/vm/interpreter.h"

namespace sx {

namespace {

constexpr int kTraceFramesMax = 24;
// What a cleanup's register holds while a limit or a cancellation unwinds: a cell marked so, with
// ((kind . target) . error). A raised error is kept as it is.
constexpr std::uint16_t kUnwindToken = 0xC1EA;

bool inside(const Function& fn, const std::uint32_t* pc) {
  return pc > fn.code && pc <= fn.code + fn.code_words;
}

std::string describe_frame(const Function& fn, const std::uint32_t* pc) {
  const bool top = fn.unit && &fn == fn.unit->functions.data();
  std::string out(top               ? std::string_view("top level")
                  : fn.name.empty() ? std::string_view("(anonymous function)")
                                    : fn.name);
  if (fn.unit && inside(fn, pc)) {
    const LineEntry at = position_at(fn, static_cast<std::uint32_t>(pc - fn.code - 1));
    out += str(" (", fn.unit->file);
    if (at.line != 0) out += str(":", at.line, ":", at.column);
    out += ")";
  }
  return out;
}

// The word index of the EndCleanup that ends this cleanup's code.
std::uint32_t end_of_cleanup(const Function& fn, const HandlerEntry& entry) {
  for (std::uint32_t pc = entry.target; pc < fn.code_words;) {
    const std::uint32_t word = fn.code[pc];
    if (ins_op(word) == static_cast<std::uint8_t>(Op::EndCleanup) && ins_a(word) == entry.reg)
      return pc;
    const OpInfo* info = op_info(ins_op(word));
    if (!info) break;
    pc += static_cast<std::uint32_t>(base_words(info->format));
    if (info->format == Format::WF) pc += (fn.unit->functions[ins_d(word)].captures + 1u) / 2;
  }
  return 0;  // hand-made code: the cleanup is not taken for one
}

// Calls visit for each frame from the innermost outwards, through parent fibers, and without a
// function behind the last frame of each fiber, until it says no.
using VisitFrame = bool (*)(void* self, const Function* fn, const std::uint32_t* pc,
                            const FiberState& state);
void each_frame(Value fiber_value, VisitFrame visit, void* self) {
  while (!fiber_value.is_nil()) {
    auto* fiber = static_cast<Fiber*>(fiber_value.as_object());
    const FiberState* state = fiber->state();
    if (!state) return;
    Segment* segment = state->top;
    Value* base = state->base;
    const std::uint32_t* pc = state->pc;
    while (segment) {
      if (!visit(self, as_closure(base[-3])->function(), pc, *state)) return;
      const auto link = static_cast<std::uint32_t>(base[-1].bits);
      if (link & kLinkFiber) break;
      pc = reinterpret_cast<const std::uint32_t*>(
          static_cast<std::uintptr_t>(base[-2].bits & kPayloadMask));
      if (link & kLinkSegment) {
        base = segment->caller_base;
        segment = segment->below;
      } else {
        base -= link & kLinkDelta;
      }
    }
    if (!visit(self, nullptr, nullptr, *state)) return;
    fiber_value = fiber->parent;
  }
}

// Does somebody take what is raised here: a guard, or who steps the fiber?
bool is_taken(Value fiber) {
  bool taken = false;
  each_frame(
      fiber,
      [](void* self, const Function* fn, const std::uint32_t* pc, const FiberState& state) {
        bool& found = *static_cast<bool*>(self);
        if (!fn) return !(found = state.role == FiberRole::Stepped);
        if (fn->handler_count == 0 || !inside(*fn, pc)) return true;
        const auto at = static_cast<std::uint32_t>(pc - fn->code - 1);
        for (std::uint32_t i = 0; i < fn->handler_count && !found; ++i) {
          const HandlerEntry& entry = fn->handlers[i];
          found = entry.kind == HandlerKind::Guard && at >= entry.from && at < entry.to;
        }
        return !found;
      },
      &taken);
  return taken;
}

}  // namespace

LineEntry position_at(const Function& fn, std::uint32_t pc_index) {
  LineEntry best{0, 0, 0, 0};
  for (std::uint32_t i = 0; i < fn.line_count && fn.lines[i].pc <= pc_index; ++i)
    best = fn.lines[i];
  return best;
}

Value make_backtrace(Vm& vm, Value fiber, int frames_max) {
  struct Shown {
    std::vector<std::string> lines;
    int frames_max;
    int skipped;
  } shown{{}, frames_max, 0};
  each_frame(
      fiber,
      [](void* self, const Function* fn, const std::uint32_t* pc, const FiberState&) {
        auto& out = *static_cast<Shown*>(self);
        // Stubs of the VM are no frames of the program.
        if (!fn || !fn->unit || fn->unit->file.empty() || !inside(*fn, pc)) return true;
        if (static_cast<int>(out.lines.size()) >= out.frames_max) return ++out.skipped < 1'000'000;
        out.lines.push_back(describe_frame(*fn, pc));
        return true;
      },
      &shown);
  auto& lines = shown.lines;
  if (shown.skipped > 0) lines.push_back(str("… ", shown.skipped, " more"));
  Root list(vm.cx.heap, Value::empty_list());
  for (std::size_t i = lines.size(); i > 0; --i) {
    const Value line = make_string(vm.cx, lines[i - 1]);
    list = vm.cx.heap.cons(line, list);
  }
  return list;
}

// Error values made where they are raised get their backtrace here, once. Other values have no
// place for one: what nobody takes ends the task, and Vm::place_of keeps it until then.
Value Interpreter::add_trace(Value error) {
  const Value key = cx.keyword("trace");
  const Value has = is_dict(error) ? dict_get(cx, error, key) : Value::unset();
  Root root(cx.heap, error);
  if (has.is_unset() && unwinding == Unwind::Raise) {
    vm.raised_in_ = as_closure(fs->base[-3])->function();
    vm.raised_at_ = fs->pc;
    if (is_pair(vm.untaken_) && car(vm.untaken_) == error) return error;  // after a cleanup
    vm.untaken_ = Value::nil();
    if (is_taken(vm.current_)) return error;
    vm.untaken_ = make_backtrace(vm, vm.current_, kTraceFramesMax);
    vm.untaken_ = cx.heap.cons(root, vm.untaken_);
    return root;
  }
  if (!has.is_nil()) return error;  // none wanted or there already
  Root trace(cx.heap, make_backtrace(vm, vm.current_, kTraceFramesMax));
  return dict_put(cx, root, key, trace);
}

std::uint32_t Interpreter::mark_of(Value fiber) {
  FiberState* state = static_cast<Fiber*>(fiber.as_object())->state();
  if (state->mark == 0) state->mark = ++vm.marks_;
  return state->mark;
}

// What a cleanup has in its register: the error, or all there is to know about the unwinding.
Value Interpreter::unwind_token() {
  if (unwinding == Unwind::Raise) return cx.error;
  const Value kind = Value::small_int(static_cast<int>(unwinding));
  Root content(cx.heap, cx.heap.cons(kind, Value::small_int(unwind_target)));
  content = cx.heap.cons(content, cx.error);
  const Value token = cx.heap.make_cell(content);
  token.as_object()->aux = kUnwindToken;
  return token;
}

// An error left a cleanup that a limit or a cancellation runs: that one goes on, or guards around
// the cleanup could keep the run alive. The error of the cleanup is dropped. True: unwinding and
// pc are those of the EndCleanup that was not reached.
bool Interpreter::resume_unwinding_of_failed_cleanup() {
  const Function& fn = *as_closure(fs->base[-3])->function();
  const auto at = static_cast<std::uint32_t>(fs->pc - fn.code - 1);
  const HandlerEntry* failed = nullptr;
  std::uint32_t end = 0;
  for (std::uint32_t i = 0; i < fn.handler_count; ++i) {
    const HandlerEntry& entry = fn.handlers[i];
    if (entry.kind != HandlerKind::Cleanup || at < entry.target) continue;
    if (failed && entry.target <= failed->target) continue;
    const Value held = fs->base[entry.reg];
    if (!is_kind(held, Kind::Cell) || held.as_object()->aux != kUnwindToken) continue;
    const std::uint32_t last = end_of_cleanup(fn, entry);
    if (at > last) continue;
    failed = &entry;
    end = last;
  }
  if (!failed) return false;
  // A guard within the cleanup takes the error first.
  for (std::uint32_t i = 0; i < fn.handler_count; ++i) {
    const HandlerEntry& entry = fn.handlers[i];
    if (at >= entry.from && at < entry.to && entry.from >= failed->target) return false;
  }
  end_cleanup(fs->base[failed->reg]);
  fs->pc = fn.code + end + 1;
  return true;
}

// An operand of a comparison or of AddI, whose instruction is `word`, is no number. The error names
// what was written, and the operand that was written first.
Next Interpreter::not_numbers(std::uint32_t word) {
  unsigned a = ins_a(word), b = ins_b(word);  // registers; the same where there is a constant
  const char* name = "==";
  bool less = false;
  switch (static_cast<Op>(ins_op(word))) {
    case Op::AddI:
      name = ins_ci(word) < 0 ? "-" : "+";
      a = b;
      break;
    case Op::JumpLtI:
    case Op::JumpLeI:
    case Op::JumpGtI:
    case Op::JumpGeI: {
      static constexpr const char* kNames[] = {"<", "<=", ">", ">="};
      name = kNames[ins_op(word) - static_cast<unsigned>(Op::JumpLtI)];
      b = a;
      break;
    }
    case Op::Lt:
    case Op::Le:
    case Op::NumEq:
      a = b, b = ins_c(word);
      break;
    default:
      break;
  }
  switch (static_cast<Op>(ins_op(word))) {
    case Op::Lt:
    case Op::JumpLt:
      name = "<", less = true;
      break;
    case Op::Le:
    case Op::JumpLe:
      name = "<=", less = true;
      break;
    default:
      break;
  }
  const Function& fn = *as_closure(fs->base[-3])->function();
  const auto at = static_cast<std::uint32_t>(fs->pc - fn.code - 1);
  if (const std::uint32_t written = position_at(fn, at).written; written != 0) {
    name = primitives()[written - 1].name;
    if (less) std::swap(a, b);  // > and >=
  }
  const Value* r = fs->base;
  cx.fail_type(name, "number", is_number(r[a]) ? r[b] : r[a]);
  unwinding = Unwind::Raise;
  return Next::Raise;
}

Next Interpreter::end_cleanup(Value token) {
  if (is_kind(token, Kind::Cell) && token.as_object()->aux == kUnwindToken) {
    const Value content = as_cell(token)->value;
    unwinding = static_cast<Unwind>(car(car(content)).as_int());
    unwind_target = static_cast<std::uint32_t>(cdr(car(content)).as_int());
    cx.error = cdr(content);
  } else {
    unwinding = Unwind::Raise;
    cx.error = token;
  }
  return Next::Raise;
}

// A native refused to go beyond the heap limit of with-limits: the error belongs to who set it, not
// to a guard inside. The limit of the whole engine stays an error where it is.
Value Interpreter::setter_of_heap_refusal(Value error) {
  Value setter = Value::nil();
  if (!is_dict(error) || !(dict_get(cx, error, cx.keyword("kind")) == cx.keyword("limit")) ||
      !dict_get(cx, error, cx.keyword("trace")).is_nil())
    return setter;
  const Value data = dict_get(cx, error, cx.keyword("data"));
  if (!is_dict(data) || !(dict_get(cx, data, cx.keyword("limit")) == cx.keyword("heap")))
    return setter;
  for (Value at = vm.current_; !at.is_nil(); at = static_cast<Fiber*>(at.as_object())->parent) {
    const FiberState* state = static_cast<Fiber*>(at.as_object())->state();
    if (state->heap_limit != 0 && state->heap_limit == cx.heap.limit()) setter = at;
  }
  return setter;
}

// The usual way: a guard in this stretch of the stack takes a value that needs no trace, and no
// cleanup, fiber or handler lies between. False: nothing was done.
bool Interpreter::land_in_guard(Value error) {
  Value* base = fs->base;
  const std::uint32_t* pc = fs->pc;
  while (true) {
    const Function& fn = *as_closure(base[-3])->function();
    if (fn.handler_count > 0 && inside(fn, pc)) {
      const auto at = static_cast<std::uint32_t>(pc - fn.code - 1);
      const HandlerEntry* guard = nullptr;
      for (std::uint32_t i = fn.handler_count; i > 0; --i) {
        const HandlerEntry& entry = fn.handlers[i - 1];
        if (entry.kind != HandlerKind::Guard) return false;
        if (at >= entry.from && at < entry.to) guard = &entry;
      }
      if (guard) {
        vm.raised_in_ = as_closure(fs->base[-3])->function();
        vm.raised_at_ = fs->pc;
        vm.untaken_ = Value::nil();
        base[guard->reg] = error;
        fs->base = base;
        fs->pc = fn.code + guard->target;
        fs->back_edge = false;
        fs->status = FiberStatus::Running;
        return true;
      }
    }
    const auto link = static_cast<std::uint32_t>(base[-1].bits);
    if (link & ~kLinkDelta) return false;
    pc = reinterpret_cast<const std::uint32_t*>(
        static_cast<std::uintptr_t>(base[-2].bits & kPayloadMask));
    base -= link & kLinkDelta;
  }
}

Next Interpreter::unwind(Value error) {
  if (unwinding == Unwind::Raise && !is_dict(error) && land_in_guard(error)) return Next::Run;
  if (unwinding == Unwind::Raise) {
    if (const Value setter = setter_of_heap_refusal(error); !setter.is_nil()) {
      settle();
      limit_error(setter, "heap");
      error = cx.error;
    }
  }
  if (unwinding != Unwind::Cancel) error = add_trace(error);
  cx.error = error;
  while (true) {
    fs->back_edge = false;
    const Function& fn = *as_closure(fs->base[-3])->function();
    if (fn.handler_count > 0 && inside(fn, fs->pc)) {
      if (unwinding == Unwind::Raise && resume_unwinding_of_failed_cleanup()) continue;
      const auto at = static_cast<std::uint32_t>(fs->pc - fn.code - 1);
      for (std::uint32_t i = 0; i < fn.handler_count; ++i) {
        const HandlerEntry& entry = fn.handlers[i];
        if (at < entry.from || at >= entry.to) continue;
        if (entry.kind == HandlerKind::Guard ? unwinding != Unwind::Raise : skip_cleanups) continue;
        fs->base[entry.reg] = unwind_token();
        fs->pc = fn.code + entry.target;
        fs->status = FiberStatus::Running;
        return Next::Run;
      }
    }

    const auto link = static_cast<std::uint32_t>(fs->base[-1].bits);
    if (!(link & kLinkFiber)) {
      Value* slot = pop_frame();
      if (link & kLinkHandler) {
        // The handler is left without having resumed: its continuation ends first, then what
        // unwinds goes on.
        if (!skip_cleanups) cancel_unresumed(slot, vm.unwind_stub_, unwind_token());
      }
      continue;
    }

    // The fiber's first frame: it ends here.
    Fiber* fiber = current();
    const FiberRole role = fs->role;
    const Value parent = fiber->parent;
    const bool budget = fs->has_budget();
    const bool target = unwinding != Unwind::Raise && fs->mark == unwind_target;
    finish_fiber(fiber);
    if (role == FiberRole::Task) {
      result = cx.error;
      outcome = Outcome::Raised;
      return Next::Exit;
    }
    set_current(parent);
    if (budget) new_slice();
    if (target) {
      skip_cleanups = false;
      if (unwinding == Unwind::Cancel)
        return deliver(role == FiberRole::Stepped ? report("raised", cx.error) : Value::nil());
      unwinding = Unwind::Raise;
      fs->status = FiberStatus::Running;
      continue;
    }
    if (role == FiberRole::Stepped && unwinding == Unwind::Raise)
      return deliver(report("raised", cx.error));
    fs->status = FiberStatus::Running;
  }
}

Value Vm::take_place_of(Value raised) {
  const Value place = untaken_;
  untaken_ = Value::nil();
  return is_pair(place) && car(place) == raised ? cdr(place) : Value::nil();
}

std::string Vm::raised_at() const {
  return raised_in_ ? describe_frame(*raised_in_, raised_at_) : std::string();
}

SX_PRIMITIVE(prim_raised_at) {
  const std::string place = cx.vm ? cx.vm->raised_at() : std::string();
  return place.empty() ? Value::nil() : make_string(cx, place);
}

}  // namespace sx
