// The run loop: one function, one dispatch, machine state in locals, slow paths out of line.
//
// Natively it dispatches by computed goto; in WebAssembly by a switch (LLVM lowers computed goto to
// one anyway). It returns when the task ends, suspends or has used its slice: V8 replaces running
// WASM code only when it is entered anew.
#include "engine/base/str.h"
#include "engine/prim/declare.h"
#include "engine/prim/operations.h"
#include "engine/prim/primitives.h"
#include "engine/value/collections.h"
#include "engine/value/number.h"
#include "engine/vm/interpreter.h"

namespace sx {

namespace {

SX_INLINE std::int64_t wide(Value v) { return static_cast<std::int64_t>(v.bits << 16); }

// Signed comparison of two small ints without unpacking.
SX_INLINE bool int_less(Value a, Value b) { return wide(a) < wide(b); }

// The double in a register of the machine, loaded as one: moved over from the word that was looked
// at for its tag it comes three cycles later, and floats mostly wait for one another.
SX_INLINE double float_in(const Value& v) {
  using Float = double __attribute__((may_alias));
  return *reinterpret_cast<const volatile Float*>(&v);
}

// r := x ± y, both being shifted as by wide(). True: that is no small int.
SX_INLINE bool add_overflows(std::int64_t x, std::int64_t y, std::int64_t* r) {
#ifdef __wasm__
  // The builtin becomes two comparisons. Their sum overflows if its sign is that of neither.
  const auto sum =
      static_cast<std::int64_t>(static_cast<std::uint64_t>(x) + static_cast<std::uint64_t>(y));
  *r = sum;
  return ((x ^ sum) & (y ^ sum)) < 0;
#else
  return __builtin_add_overflow(x, y, r);
#endif
}
SX_INLINE bool subtract_overflows(std::int64_t x, std::int64_t y, std::int64_t* r) {
#ifdef __wasm__
  const auto rest =
      static_cast<std::int64_t>(static_cast<std::uint64_t>(x) - static_cast<std::uint64_t>(y));
  *r = rest;
  return ((x ^ y) & (x ^ rest)) < 0;
#else
  return __builtin_sub_overflow(x, y, r);
#endif
}

// r := x · y, x being shifted as by wide(). True: that is no small int.
SX_INLINE bool multiply_overflows(std::int64_t x, std::int64_t y, std::int64_t* r) {
#ifdef __wasm__
  // The builtin would call a multiplication of 128 bits. A product of 48 bits is exact in a double.
  const double product = static_cast<double>(x >> 16) * static_cast<double>(y);
  *r = static_cast<std::int64_t>(static_cast<std::uint64_t>(x) * static_cast<std::uint64_t>(y));
  return !(product < 0x1p47 && product > -0x1p47);
#else
  return __builtin_mul_overflow(x, y, r);
#endif
}

constexpr std::uint64_t kIntTag = std::uint64_t{0xFFFF} << kTagShift;

// Slow paths of comparison: every number kind; unset for the rest (Interpreter::not_numbers).
Value compare_numbers(Value a, Value b, bool (*test)(int)) {
  if (!is_number(a) || !is_number(b)) return Value::unset();
  return Value::boolean(test(num_compare(a, b)));
}
__attribute__((noinline)) Value op_less(Value a, Value b) {
  return compare_numbers(a, b, [](int c) { return c == -1; });
}
__attribute__((noinline)) Value op_less_equal(Value a, Value b) {
  return compare_numbers(a, b, [](int c) { return c == -1 || c == 0; });
}
__attribute__((noinline)) Value op_num_eq(Value a, Value b) {
  return compare_numbers(a, b, [](int c) { return c == 0; });
}

}  // namespace

#if defined(__EMSCRIPTEN__)
#define SX_COMPUTED_GOTO 0
#else
#define SX_COMPUTED_GOTO 1
#endif

#define LIKELY(condition) __builtin_expect(static_cast<bool>(condition), 1)
#define UNLIKELY(condition) __builtin_expect(static_cast<bool>(condition), 0)
// Laid out first, but what else may be is not far away: integers before floats.
#define USUALLY(condition) __builtin_expect_with_probability(static_cast<bool>(condition), 1, 0.7)

#define SAVE() (fs->base = base, fs->pc = pc, it.fuel = fuel)
#define LOAD()                             \
  do {                                     \
    fs = it.fs;                            \
    base = fs->base;                       \
    pc = fs->pc;                           \
    fuel = it.fuel;                        \
    fn = as_closure(base[-3])->function(); \
    limit = fs->top->end();                \
  } while (0)
// After a slow path that may have switched frames or fibers.
#define FOLLOW_HERE(expr)                     \
  do {                                        \
    const Next next_step = (expr);            \
    if (next_step == Next::Run) {             \
      LOAD();                                 \
      DISPATCH();                             \
    }                                         \
    if (next_step == Next::Raise) goto raise; \
    return next_step;                         \
  } while (0)
// A native result: unset means cx.error was set. The slow path may have collected, so nothing but
// registers is read afterwards; base stays (stacks do not move). What it charged is paid at once,
// so that fuel runs out at the same instruction whatever the slices are.
#define RESULT_HERE(a, expr)                                   \
  do {                                                         \
    const Value res = (expr);                                  \
    if (__builtin_expect(res.is_unset(), 0)) goto raise_saved; \
    base[a] = res;                                             \
    if (__builtin_expect(cx.fuel != 0, 0)) goto charged;       \
  } while (0)
#if SX_COMPUTED_GOTO
#define FOLLOW(expr) FOLLOW_HERE(expr)
#define RESULT(a, expr) RESULT_HERE(a, expr)
#else
// All instructions leave by one dispatch anyway, so they may share what comes before it: V8 takes a
// quarter less time to optimise the loop, and until it has the loop runs at half its speed.
#define FOLLOW(expr) \
  do {               \
    next = (expr);   \
    goto follow;     \
  } while (0)
#define RESULT(a, expr) /* a is always A */ \
  do {                                      \
    made = (expr);                          \
    goto result;                            \
  } while (0)
#endif

// Next::Exit: with it.outcome.
__attribute__((noinline)) Next run_machine(Interpreter& it) {
  Context& cx = it.cx;
  const PrimitiveInfo* const prims = primitives();
  FiberState* fs;
  Value* base;
  const std::uint32_t* pc;
  const Function* fn;
  Value* limit;
  std::int64_t fuel;
  std::uint32_t w = 0;
#if !SX_COMPUTED_GOTO
  Next next;
  Value made;
#endif

// Spelt out so that gcc takes the second byte straight from the register.
#define A ((w >> 8) & 0xFF)
#define B ((w >> 16) & 0xFF)
#define C (w >> 24)

#if SX_COMPUTED_GOTO
  const void** const labels = it.labels();
  if (!labels[0]) {
    for (int i = 0; i < 256; ++i) labels[i] = &&op_Trap;
#define SX_OP(code, name, format, meaning) labels[code] = &&op_##name;
#include "engine/bytecode/opcodes.def"
#undef SX_OP
  }
#define DISPATCH()          \
  do {                      \
    w = *pc++;              \
    goto* labels[w & 0xFF]; \
  } while (0)
#define CASE(name) op_##name:
#else
#define DISPATCH() goto dispatch
#define CASE(name) case static_cast<int>(Op::name):
#endif

  if (it.outcome == Outcome::Raised) {  // resumed with an error
    it.outcome = Outcome::Returned;
    fs = it.fs;
    base = fs->base;
    pc = fs->pc;
    fuel = it.fuel;
    goto raise;
  }
  LOAD();

#if SX_COMPUTED_GOTO
  DISPATCH();
#else
dispatch:
  w = *pc++;
  switch (w & 0xFF) {
    // No instruction: with a row of its own the table starts at nought, and nothing is subtracted.
    case 0:
      __builtin_trap();
#endif

  CASE(Move) {
    base[A] = base[B];
    DISPATCH();
  }
  CASE(LoadInt) {
    base[A] = Value::small_int(ins_di(w));
    DISPATCH();
  }
  CASE(LoadSpecial) {
    static constexpr Value kSpecials[] = {Value::nil(), Value::fals(), Value::tru(),
                                          Value::empty_list(), Value::unset()};
    base[A] = kSpecials[B];
    DISPATCH();
  }
  CASE(Const) {
    base[A] = fn->constants[ins_d(w)];
    DISPATCH();
  }
  CASE(ConstWide) {
    base[A] = fn->constants[*pc++];
    DISPATCH();
  }
  CASE(GetGlobal) {
    const Value v = fn->globals[ins_d(w)]->value;
    if (__builtin_expect(v.is_unset(), 0)) {
      SAVE();
      FOLLOW(it.unbound(*fn->globals[ins_d(w)]));
    }
    base[A] = v;
    DISPATCH();
  }
  CASE(DefGlobal) {
    fn->globals[ins_d(w)]->value = base[A];
    DISPATCH();
  }
  CASE(SetGlobal) {
    Global* global = fn->globals[ins_d(w)];
    if (global->value.is_unset()) {
      SAVE();
      FOLLOW(it.unbound(*global));
    }
    global->value = base[A];
    DISPATCH();
  }
  CASE(GetCapture) {
    base[A] = as_closure(base[-3])->captures()[B];
    DISPATCH();
  }
  CASE(CellNew) {
    if (__builtin_expect(cx.heap.is_full(2), 0)) SAVE();
    base[A] = cx.heap.make_cell(base[B]);
    DISPATCH();
  }
  CASE(CellGet) {
    const Value v = as_cell(base[B])->value;
    if (__builtin_expect(v.is_unset(), 0)) goto unset_variable;
    base[A] = v;
    DISPATCH();
  }
  CASE(CellSet) {
    Object* cell = base[A].as_object();
    static_cast<Cell*>(cell)->value = base[B];
    cx.heap.write_barrier(cell, base[B]);
    DISPATCH();
  }
  CASE(CellGetCap) {
    const Value v = as_cell(as_closure(base[-3])->captures()[B])->value;
    if (__builtin_expect(v.is_unset(), 0)) goto unset_variable;
    base[A] = v;
    DISPATCH();
  }
  CASE(CellSetCap) {
    Object* cell = as_closure(base[-3])->captures()[B].as_object();
    static_cast<Cell*>(cell)->value = base[A];
    cx.heap.write_barrier(cell, base[A]);
    DISPATCH();
  }
  CASE(MakeClosure) {
    const Function& target = fn->unit->functions[ins_d(w)];
    const std::uint32_t words = 2u + target.captures;
    if (__builtin_expect(cx.heap.is_full(words), 0)) SAVE();
    Object* object = cx.heap.alloc(Kind::Closure, words);
    auto* closure = static_cast<Closure*>(object);
    closure->function_bits = reinterpret_cast<std::uintptr_t>(&target);
    Value* captured = closure->captures();
    const Value* own = as_closure(base[-3])->captures();
    for (unsigned i = 0; i < target.captures; ++i) {
      const std::uint32_t pair = pc[i >> 1];
      const std::uint32_t spec = (i & 1) ? pair >> 16 : pair & 0xFFFF;
      captured[i] = (spec & 0x8000) ? own[spec & 0x7FFF] : base[spec];
    }
    pc += (target.captures + 1) / 2;
    // Large closures may be born old.
    if (__builtin_expect(object->gc & kGcOld, 0))
      for (unsigned i = 0; i < target.captures; ++i) cx.heap.write_barrier(object, captured[i]);
    base[A] = Value::object(object);
    DISPATCH();
  }
  CASE(PatchClosure) {
    Object* closure = base[A].as_object();
    static_cast<Closure*>(closure)->captures()[C] = base[B];
    cx.heap.write_barrier(closure, base[B]);
    DISPATCH();
  }
  CASE(CheckSet) {
    if (__builtin_expect(base[A].is_unset(), 0)) goto unset_variable;
    DISPATCH();
  }
  CASE(GetSelf) {
    base[A] = base[-3];
    DISPATCH();
  }

  // --- control ---------------------------------------------------------------------------------
  CASE(Jump) {
    pc += ins_e(w);
    DISPATCH();
  }
// A fused instruction goes on with this as soon as w is the Loop's word and pc behind it.
#define BACK_EDGE()                 \
  do {                              \
    if (UNLIKELY(--fuel <= 0)) {    \
      SAVE();                       \
      FOLLOW(it.check_back_edge()); \
    }                               \
    pc += ins_e(w);                 \
    DISPATCH();                     \
  } while (0)
  CASE(Loop) { BACK_EDGE(); }
  CASE(MoveLoop) {
    base[A] = base[B];
    w = *pc++;
    BACK_EDGE();
  }
  CASE(JumpIf) {
    if (base[A].truthy()) pc += ins_di(w);
    DISPATCH();
  }
  CASE(JumpIfNot) {
    if (!base[A].truthy()) pc += ins_di(w);
    DISPATCH();
  }
  CASE(JumpIfSet) {
    if (!base[A].is_unset()) pc += ins_di(w);
    DISPATCH();
  }
// Both ways dispatch on their own: each has its own place in the processor's memory of jumps.
#define JUMP_WORD(condition)                    \
  do {                                          \
    if ((condition) == static_cast<bool>(C)) {  \
      pc += static_cast<std::int32_t>(*pc) + 1; \
      DISPATCH();                               \
    }                                           \
    ++pc;                                       \
    DISPATCH();                                 \
  } while (0)
  CASE(JumpNil) { JUMP_WORD(base[A].is_nil()); }
  CASE(JumpPair) { JUMP_WORD(is_pair(base[A])); }
  CASE(PairFirst) {
    const Value v = base[A];
    if (LIKELY(is_pair(v))) {
      w = pc[1];
      pc += 2;
      base[A] = car(v);
      DISPATCH();
    }
    pc += static_cast<std::int32_t>(*pc) + 1;
    DISPATCH();
  }
  CASE(JumpEmpty) {
    const Value v = base[A];
    if (v.is_empty_list() || v.is_nil()) JUMP_WORD(true);
    if (is_pair(v)) JUMP_WORD(false);
    pc++;
    SAVE();
    const Value empty = op_is_empty(cx, v);
    if (empty.is_unset()) goto raise_saved;
    if (empty.truthy() == static_cast<bool>(C)) pc += static_cast<std::int32_t>(pc[-1]);
    DISPATCH();
  }
  CASE(JumpEq) {
    const Value a = base[A], b = base[B];
    if (a == b) JUMP_WORD(true);
    if (!a.is_object() || !b.is_object()) JUMP_WORD(false);
    const std::int32_t offset = equal(cx, a, b) == static_cast<bool>(C) ? static_cast<int>(*pc) : 0;
    pc += offset + 1;
    if (UNLIKELY(cx.fuel != 0)) goto charged;
    DISPATCH();
  }
  CASE(JumpIs) { JUMP_WORD(base[A] == base[B]); }
#define JUMP_COMPARE(name, int_test, double_test, opcode)                              \
  CASE(name) {                                                                         \
    const Value a = base[A], b = base[B];                                              \
    if (USUALLY(both_ints(a, b))) JUMP_WORD(int_test);                                 \
    if (!__builtin_isunordered(a.as_double(), b.as_double()))                          \
      JUMP_WORD(a.as_double() double_test b.as_double());                              \
    pc++;                                                                              \
    SAVE();                                                                            \
    const Value res = opcode(a, b);                                                    \
    if (res.is_unset()) goto not_numbers;                                              \
    if (res.truthy() == static_cast<bool>(C)) pc += static_cast<std::int32_t>(pc[-1]); \
    DISPATCH();                                                                        \
  }
  JUMP_COMPARE(JumpNumEq, a.bits == b.bits, ==, op_num_eq)
  JUMP_COMPARE(JumpLt, int_less(a, b), <, op_less)
  JUMP_COMPARE(JumpLe, !int_less(b, a), <=, op_less_equal)
  CASE(JumpEqI) { JUMP_WORD(base[A] == Value::small_int(ins_bi(w))); }
#define JUMP_IMMEDIATE(name, test, opcode)                                             \
  CASE(name) {                                                                         \
    const Value a = base[A];                                                           \
    const Value b = Value::small_int(ins_bi(w));                                       \
    if (__builtin_expect(a.is_int(), 1)) {                                             \
      const std::int64_t x = wide(a);                                                  \
      const std::int64_t y = static_cast<std::int64_t>(ins_bi(w)) * 65536;             \
      JUMP_WORD(x test y);                                                             \
    }                                                                                  \
    if (!__builtin_isnan(a.as_double()))                                               \
      JUMP_WORD(a.as_double() test static_cast<double>(ins_bi(w)));                    \
    pc++;                                                                              \
    SAVE();                                                                            \
    const Value res = opcode;                                                          \
    if (res.is_unset()) goto not_numbers;                                              \
    if (res.truthy() == static_cast<bool>(C)) pc += static_cast<std::int32_t>(pc[-1]); \
    DISPATCH();                                                                        \
  }
  JUMP_IMMEDIATE(JumpLtI, <, op_less(a, b))
  JUMP_IMMEDIATE(JumpLeI, <=, op_less_equal(a, b))
  JUMP_IMMEDIATE(JumpGtI, >, op_less(b, a))
  JUMP_IMMEDIATE(JumpGeI, >=, op_less_equal(b, a))

  CASE(Return) {
    const Value v = base[A];
    const std::uint64_t link = base[-1].bits;
    if (__builtin_expect(link & (~std::uint64_t{kLinkDelta} & 0xFFFFFFFFu), 0)) {
      SAVE();
      FOLLOW(it.return_slow(v));
    }
    pc = reinterpret_cast<const std::uint32_t*>(
        static_cast<std::uintptr_t>(base[-2].bits & kPayloadMask));
    base[-3] = v;
    base -= link & kLinkDelta;
    fn = as_closure(base[-3])->function();
    DISPATCH();
  }

  // --- calls -----------------------------------------------------------------------------------
#define ENTER_SIMPLE(window, target)                                 \
  do {                                                               \
    Value* const frame = (window) + kCallControl;                    \
    frame[-2].bits = kIntTag | reinterpret_cast<std::uintptr_t>(pc); \
    frame[-1].bits = kIntTag | std::uint64_t{A + kCallControl};      \
    base = frame;                                                    \
    fn = (target);                                                   \
    pc = fn->code;                                                   \
    DISPATCH();                                                      \
  } while (0)
#define CALL_CLOSURE(window, count, tail)                                            \
  do {                                                                               \
    const Value callee = (window)[0];                                                \
    if (__builtin_expect(is_closure(callee), 1)) {                                   \
      const Function* const target = as_closure(callee)->function();                 \
      if (__builtin_expect(target->simple && target->required == (count) &&          \
                               (window) + kCallControl + target->registers <= limit, \
                           1)) {                                                     \
        if (__builtin_expect(--fuel > 0, 1)) ENTER_SIMPLE(window, target);           \
        ++fuel; /* call() pays for itself */                                         \
      }                                                                              \
    }                                                                                \
    SAVE();                                                                          \
    FOLLOW(it.call((window), (count), (tail)));                                      \
  } while (0)

  CASE(Call) { CALL_CLOSURE(base + A, B, false); }
  CASE(CallGlobal) {
    Value* const window = base + A;
    const Value callee = fn->globals[*pc]->value;
    window[0] = callee;
    ++pc;
    if (__builtin_expect(callee.is_unset(), 0)) {
      SAVE();
      FOLLOW(it.unbound(*fn->globals[pc[-1]]));
    }
    CALL_CLOSURE(window, B, false);
  }
  CASE(CallSelf) {
    Value* const window = base + A;
    window[0] = base[-3];
    if (__builtin_expect(window + kCallControl + fn->registers <= limit, 1)) {
      if (__builtin_expect(--fuel > 0, 1)) ENTER_SIMPLE(window, fn);
      ++fuel;
    }
    SAVE();
    FOLLOW(it.call(window, B, false));
  }
#define TAIL_CLOSURE(window, count)                                                               \
  do {                                                                                            \
    const Value callee = (window)[0];                                                             \
    if (__builtin_expect(is_closure(callee), 1)) {                                                \
      const Function* const target = as_closure(callee)->function();                              \
      if (__builtin_expect(                                                                       \
              target->simple && target->required == (count) && base + target->registers <= limit, \
              1)) {                                                                               \
        if (__builtin_expect(--fuel > 0, 1)) {                                                    \
          base[-3] = callee;                                                                      \
          for (unsigned i = 0; i < (count); ++i) base[i] = (window)[kCallControl + i];            \
          fn = target;                                                                            \
          pc = fn->code;                                                                          \
          DISPATCH();                                                                             \
        }                                                                                         \
        ++fuel;                                                                                   \
      }                                                                                           \
    }                                                                                             \
    SAVE();                                                                                       \
    FOLLOW(it.call((window), (count), true));                                                     \
  } while (0)
  CASE(TailCall) { TAIL_CLOSURE(base + A, B); }
  CASE(TailGlobal) {
    Value* const window = base + A;
    const Value callee = fn->globals[*pc]->value;
    window[0] = callee;
    ++pc;
    if (__builtin_expect(callee.is_unset(), 0)) {
      SAVE();
      FOLLOW(it.unbound(*fn->globals[pc[-1]]));
    }
    TAIL_CLOSURE(window, B);
  }
  CASE(CallPrim) {
    const PrimitiveInfo& prim = prims[*pc++];
    SAVE();
    RESULT(A, prim.fn(cx, base + B, C));
    DISPATCH();
  }
  CASE(Apply) {
    SAVE();
    FOLLOW(it.apply(base + A, B, false));
  }
  CASE(TailApply) {
    SAVE();
    FOLLOW(it.apply(base + A, B, true));
  }

  // --- effects ---------------------------------------------------------------------------------
  CASE(Perform) {
    SAVE();
    FOLLOW(it.perform(A, base[B]));
  }
  CASE(WithHandler) {
    SAVE();
    FOLLOW(it.with_handler(A, base[B], base[C]));
  }
  CASE(Resume) {
    SAVE();
    FOLLOW(it.resume(A, base[B], base[C], Resuming::Answer));
  }
  CASE(ResumeRaise) {
    SAVE();
    FOLLOW(it.resume(A, base[B], base[C], Resuming::Raise));
  }
  CASE(TailResume) {
    SAVE();
    FOLLOW(it.resume(0, base[A], base[B], Resuming::Tail));
  }
  CASE(Raise) {
    SAVE();
    cx.error = base[A];
    goto raise_saved;
  }
  CASE(FiberNew) {
    SAVE();
    RESULT(A, it.new_fiber(base[B], FiberRole::Stepped));
    DISPATCH();
  }
  CASE(FiberStep) {
    SAVE();
    FOLLOW(it.fiber_step(A, base[B], base[C], base[C + 1]));
  }
  CASE(FiberCancel) {
    SAVE();
    FOLLOW(it.fiber_cancel(A, base[B], base[C]));
  }
  CASE(FiberCopy) {
    SAVE();
    FOLLOW(it.fiber_copy(A, base[B]));
  }
  CASE(GetDynamic) {
    base[A] = it.current()->dynamic;
    DISPATCH();
  }
  CASE(SetDynamic) {
    Fiber* fiber = it.current();
    fiber->dynamic = base[A];
    cx.heap.write_barrier(fiber, base[A]);
    DISPATCH();
  }
  CASE(Limited) {
    SAVE();
    FOLLOW(it.limited(A, base[B], base[C]));
  }
  CASE(Backtrace) {
    SAVE();
    RESULT(A, make_backtrace(it.vm, it.current_value(), 64));
    DISPATCH();
  }
  CASE(EndCleanup) {
    SAVE();
    FOLLOW(it.end_cleanup(base[A]));
  }

  // --- arithmetic ------------------------------------------------------------------------------
// Every tagged word is a NaN when taken for a double, and a NaN stays one in any operation: a
// result that is a number proves that both operands were doubles. NaNs are left to the slow path,
// which also makes them the one NaN there is (their sign differs between processors, and = compares
// words).
#define FLOAT_RESULT(expr)                       \
  do {                                           \
    const double float_result = (expr);          \
    if (LIKELY(float_result == float_result)) {  \
      base[A] = Value::raw_double(float_result); \
      DISPATCH();                                \
    }                                            \
  } while (0)
#define ARITHMETIC(name, builtin, double_op, slow)                    \
  CASE(name) {                                                        \
    const Value a = base[B], b = base[C];                             \
    if (USUALLY(both_ints(a, b))) {                                   \
      std::int64_t r;                                                 \
      if (LIKELY(!builtin(wide(a), wide(b), &r))) {                   \
        base[A].bits = kIntTag | static_cast<std::uint64_t>(r) >> 16; \
        DISPATCH();                                                   \
      }                                                               \
    } else {                                                          \
      FLOAT_RESULT(float_in(base[B]) double_op float_in(base[C]));    \
    }                                                                 \
    SAVE();                                                           \
    RESULT(A, slow(cx, a, b));                                        \
    DISPATCH();                                                       \
  }
  ARITHMETIC(Add, add_overflows, +, num_add)
  ARITHMETIC(Sub, subtract_overflows, -, num_sub)
  CASE(Mul) {
    const Value a = base[B], b = base[C];
    if (USUALLY(both_ints(a, b))) {
      std::int64_t r;
      if (LIKELY(!multiply_overflows(wide(a), b.as_int(), &r))) {
        base[A].bits = kIntTag | static_cast<std::uint64_t>(r) >> 16;
        DISPATCH();
      }
    } else {
      FLOAT_RESULT(float_in(base[B]) * float_in(base[C]));
    }
    SAVE();
    RESULT(A, num_mul(cx, a, b));
    DISPATCH();
  }
// Floats go on with the instruction behind at once, the sum of the two not having been to memory.
// A second operand that is no float makes the sum a NaN: then that instruction does its own work.
#define THEN(first, body)                             \
  do {                                                \
    const double x = (first);                         \
    if (UNLIKELY(x != x)) break;                      \
    const unsigned place = A;                         \
    base[place] = Value::raw_double(x);               \
    w = *pc;                                          \
    const bool is_left = B == place;                  \
    const double y = float_in(base[is_left ? C : B]); \
    const double both = (body);                       \
    if (LIKELY(both == both)) {                       \
      ++pc;                                           \
      base[A] = Value::raw_double(both);              \
    }                                                 \
    DISPATCH();                                       \
  } while (0)
#define ARITHMETIC_THEN(name, builtin, double_op, slow, body)         \
  CASE(name) {                                                        \
    const Value a = base[B], b = base[C];                             \
    if (both_ints(a, b)) {                                            \
      std::int64_t r;                                                 \
      if (LIKELY(!builtin(wide(a), wide(b), &r))) {                   \
        base[A].bits = kIntTag | static_cast<std::uint64_t>(r) >> 16; \
        DISPATCH();                                                   \
      }                                                               \
    } else {                                                          \
      THEN(float_in(base[B]) double_op float_in(base[C]), body);      \
    }                                                                 \
    SAVE();                                                           \
    RESULT(A, slow(cx, a, b));                                        \
    DISPATCH();                                                       \
  }
#define MULTIPLY(x, y, r) multiply_overflows(x, static_cast<std::int64_t>(y) >> 16, r)
  ARITHMETIC_THEN(AddAdd, add_overflows, +, num_add, x + y)
  ARITHMETIC_THEN(SubAdd, subtract_overflows, -, num_sub, x + y)
  ARITHMETIC_THEN(MulAdd, MULTIPLY, *, num_mul, x + y)
  ARITHMETIC_THEN(MulSub, MULTIPLY, *, num_mul, is_left ? x - y : y - x)
  CASE(Div) {
    const Value a = base[B], b = base[C];
    // A zero divisor is an error for integers only.
    FLOAT_RESULT(float_in(base[B]) / float_in(base[C]));
    SAVE();
    RESULT(A, num_div(cx, a, b));
    DISPATCH();
  }
#define ADD_IMMEDIATE(go_on)                                                  \
  const Value a = base[B];                                                    \
  std::int64_t r;                                                             \
  if (LIKELY(a.is_int()) &&                                                   \
      LIKELY(!add_overflows(wide(a), std::int64_t{ins_ci(w)} * 65536, &r))) { \
    base[A].bits = kIntTag | static_cast<std::uint64_t>(r) >> 16;             \
    go_on;                                                                    \
  }                                                                           \
  goto add_immediate
  CASE(AddI) { ADD_IMMEDIATE(DISPATCH()); }
  CASE(AddILoop) { ADD_IMMEDIATE(w = *pc++; BACK_EDGE()); }
  CASE(MulI) {
    const Value a = base[B];
    if (__builtin_expect(a.is_int(), 1)) {
      std::int64_t r;
      if (__builtin_expect(!multiply_overflows(wide(a), ins_ci(w), &r), 1)) {
        base[A].bits = kIntTag | static_cast<std::uint64_t>(r) >> 16;
        DISPATCH();
      }
    } else {
      FLOAT_RESULT(float_in(base[B]) * ins_ci(w));
    }
    SAVE();
    RESULT(A, ins_ci(w) == -1 ? num_negate(cx, a) : num_mul(cx, a, Value::small_int(ins_ci(w))));
    DISPATCH();
  }
#define INTEGER_DIVISION(name, body, slow)                         \
  CASE(name) {                                                     \
    const Value a = base[B], b = base[C];                          \
    if (__builtin_expect(both_ints(a, b) && b.as_int() != 0, 1)) { \
      const std::int64_t x = a.as_int(), y = b.as_int();           \
      std::int64_t r;                                              \
      body;                                                        \
      if (Value::fits_small(r)) {                                  \
        base[A] = Value::small_int(r);                             \
        DISPATCH();                                                \
      }                                                            \
    }                                                              \
    SAVE();                                                        \
    RESULT(A, slow(cx, a, b));                                     \
    DISPATCH();                                                    \
  }
  INTEGER_DIVISION(Quotient, r = x / y, num_quotient)
  INTEGER_DIVISION(Remainder, r = x % y, num_remainder)
  INTEGER_DIVISION(Modulo, r = x % y; if (r != 0 && ((r < 0) != (y < 0))) r += y, num_modulo)
#define COMPARE(name, int_test, double_test, slow)                       \
  CASE(name) {                                                           \
    const Value a = base[B], b = base[C];                                \
    if (USUALLY(both_ints(a, b))) {                                      \
      base[A] = Value::boolean(int_test);                                \
      DISPATCH();                                                        \
    }                                                                    \
    if (!__builtin_isunordered(a.as_double(), b.as_double())) {          \
      base[A] = Value::boolean(a.as_double() double_test b.as_double()); \
      DISPATCH();                                                        \
    }                                                                    \
    SAVE();                                                              \
    const Value res = slow(a, b);                                        \
    if (res.is_unset()) goto not_numbers;                                \
    base[A] = res;                                                       \
    DISPATCH();                                                          \
  }
  COMPARE(Lt, int_less(a, b), <, op_less)
  COMPARE(Le, !int_less(b, a), <=, op_less_equal)
  COMPARE(NumEq, a.bits == b.bits, ==, op_num_eq)
  CASE(Eq) {
    const Value a = base[B], b = base[C];
    if (a == b || !a.is_object() || !b.is_object()) {
      base[A] = Value::boolean(a == b);
      DISPATCH();
    }
    base[A] = Value::boolean(equal(cx, a, b));
    if (UNLIKELY(cx.fuel != 0)) goto charged;
    DISPATCH();
  }
  CASE(Not) {
    base[A] = Value::boolean(!base[B].truthy());
    DISPATCH();
  }
  CASE(IsNil) {
    base[A] = Value::boolean(base[B].is_nil());
    DISPATCH();
  }
  CASE(IsPair) {
    base[A] = Value::boolean(is_pair(base[B]));
    DISPATCH();
  }
  CASE(IsKeyword) {
    base[A] = Value::boolean(base[B].is_keyword());
    DISPATCH();
  }
  CASE(IsEmpty) {
    SAVE();
    RESULT(A, op_is_empty(cx, base[B]));
    DISPATCH();
  }

  // --- data ------------------------------------------------------------------------------------
  CASE(Cons) {
    if (__builtin_expect(cx.heap.is_full(3), 0)) SAVE();
    base[A] = cx.heap.cons(base[B], base[C]);
    DISPATCH();
  }
  CASE(ListAdd) {
    if (UNLIKELY(cx.heap.is_full(3))) SAVE();
    const Value pair = cx.heap.cons(base[B], Value::empty_list());
    list_add(cx, base[A], pair, base[C]);
    base[A] = pair;
    DISPATCH();
  }
#define HALF(name, half, slow)        \
  CASE(name) {                        \
    const Value v = base[B];          \
    if (LIKELY(is_pair(v))) {         \
      base[A] = half(v);              \
      DISPATCH();                     \
    }                                 \
    SAVE();                           \
    RESULT(A, slow(cx, base + B, 1)); \
    DISPATCH();                       \
  }
  HALF(Car, car, prim_car)
  HALF(Cdr, cdr, prim_cdr)
  CASE(First) {
    const Value v = base[B];
    if (__builtin_expect(is_pair(v), 1)) {
      base[A] = car(v);
      DISPATCH();
    }
    SAVE();
    RESULT(A, op_first(cx, v));
    DISPATCH();
  }
#define TAKE_REST(go_on)                                 \
  const Value v = base[B];                               \
  if (LIKELY(is_pair(v))) {                              \
    const Value tail = cdr(v);                           \
    if (LIKELY(is_pair(tail) || tail.is_empty_list())) { \
      base[A] = tail;                                    \
      go_on;                                             \
    }                                                    \
  }                                                      \
  goto rest
  CASE(Rest) { TAKE_REST(DISPATCH()); }
  CASE(RestLoop) { TAKE_REST(w = *pc++; BACK_EDGE()); }
  CASE(List) {
    ++pc;
    SAVE();
    base[A] = make_list_rooted(cx, base + B, C);
    DISPATCH();
  }
  CASE(MakeVector) {
    ++pc;
    SAVE();
    base[A] = make_vector_rooted(cx, base + B, C);
    DISPATCH();
  }
  CASE(MakeDict) {
    std::uint32_t* const cache = fn->cache + (pc - fn->code);
    const Value keys = fn->constants[*pc++];
    if (__builtin_expect(cache[0] == 0, 0)) cache[0] = it.shape_of_keys(keys) + 1;
    const std::uint32_t words = 2u + C;
    if (__builtin_expect(cx.heap.is_full(words), 0)) SAVE();
    auto* dict = static_cast<ShapeDict*>(cx.heap.alloc(Kind::ShapeDict, words));
    dict->shape = cache[0] - 1;
    dict->reserved = 0;
    for (unsigned i = 0; i < C; ++i) dict->values()[i] = base[B + i];
    base[A] = Value::object(dict);
    DISPATCH();
  }
  CASE(GetKey) {
    const Value v = base[B];
    if (__builtin_expect(is_kind(v, Kind::ShapeDict), 1)) {
      auto* dict = static_cast<ShapeDict*>(v.as_object());
      std::uint32_t* const cache = fn->cache + (pc - fn->code);
      if (__builtin_expect(cache[-1] == dict->shape + 1, 1)) {
        ++pc;
        base[A] = dict->values()[cache[0]];
        DISPATCH();
      }
      const Value key = fn->constants[*pc++];
      const int slot = cx.shapes[dict->shape].slot_of(key.id());
      if (slot >= 0) {
        cache[-1] = dict->shape + 1;
        cache[0] = static_cast<std::uint32_t>(slot);
        base[A] = dict->values()[slot];
      } else {
        base[A] = Value::nil();
      }
      DISPATCH();
    }
    const Value key = fn->constants[*pc++];
    SAVE();
    RESULT(A, op_get(cx, v, key));
    DISPATCH();
  }
  CASE(Get) {
    SAVE();
    RESULT(A, op_get(cx, base[B], base[C]));
    DISPATCH();
  }
  CASE(Assoc) {
    SAVE();
    RESULT(A, op_assoc(cx, base[A], base[B], base[C]));
    DISPATCH();
  }
  CASE(Nth) {
    const Value v = base[B], i = base[C];
    if (LIKELY(is_kind(v, Kind::Vector) && i.is_int())) {
      const std::int64_t at = i.as_int();
      if (LIKELY(at >= 0 && at < static_cast<const Vector*>(v.as_object())->count)) {
        base[A] = vector_get(v, static_cast<std::uint32_t>(at));
        DISPATCH();
      }
    }
    SAVE();
    RESULT(A, op_nth(cx, v, i));
    DISPATCH();
  }
#define TAKE_ELEMENT(go_on)                                         \
  const Value v = base[B], i = base[C];                             \
  if (LIKELY(is_kind(v, Kind::Array) && i.is_int())) {              \
    auto* array = static_cast<Array*>(v.as_object());               \
    const std::int64_t at = i.as_int();                             \
    if (LIKELY(at >= 0 && at < array->count)) {                     \
      const Value element = array->store.as_object()->slots(0)[at]; \
      base[A] = element;                                            \
      go_on;                                                        \
    }                                                               \
  }                                                                 \
  goto array_get
  CASE(ArrayGet) { TAKE_ELEMENT(DISPATCH()); }
  CASE(ArrayGetLt) {
    TAKE_ELEMENT({
      const unsigned place = A;
      w = *pc++;
      const Value a = A == place ? element : base[A];
      const Value b = B == place ? element : base[B];
      if (LIKELY(both_ints(a, b))) JUMP_WORD(int_less(a, b));
      --pc;
      DISPATCH();
    });
  }
  CASE(ArraySet) {
    const Value v = base[A], i = base[B];
    if (__builtin_expect(is_kind(v, Kind::Array) && i.is_int(), 1)) {
      auto* array = static_cast<Array*>(v.as_object());
      const std::int64_t at = i.as_int();
      if (__builtin_expect(at >= 0 && at < array->count, 1)) {
        Object* store = array->store.as_object();
        store->slots(0)[at] = base[C];
        cx.heap.write_barrier(store, store->slots(0) + at, base[C]);
        DISPATCH();
      }
    }
    SAVE();
    if (op_array_set(cx, v, i, base[C]).is_unset()) goto raise_saved;
    DISPATCH();
  }
  CASE(ArrayGetI) {
    const Value v = base[B];
    if (LIKELY(is_kind(v, Kind::Array))) {
      auto* array = static_cast<Array*>(v.as_object());
      if (LIKELY(C < array->count)) {
        base[A] = array->store.as_object()->slots(0)[C];
        DISPATCH();
      }
    }
    SAVE();
    RESULT(A, op_array_get(cx, v, Value::small_int(C)));
    DISPATCH();
  }
  CASE(ArraySetI) {
    const Value v = base[A];
    if (LIKELY(is_kind(v, Kind::Array))) {
      auto* array = static_cast<Array*>(v.as_object());
      if (LIKELY(C < array->count)) {
        Object* store = array->store.as_object();
        store->slots(0)[C] = base[B];
        cx.heap.write_barrier(store, store->slots(0) + C, base[B]);
        DISPATCH();
      }
    }
    SAVE();
    if (op_array_set(cx, v, Value::small_int(C), base[B]).is_unset()) goto raise_saved;
    DISPATCH();
  }
  // Looking up a key allocates nothing and raises nothing.
#define TABLE_GET(absent)                            \
  if (LIKELY(is_kind(base[B], Kind::Table))) {       \
    const Value v = table_get(cx, base[B], base[C]); \
    base[A] = UNLIKELY(v.is_unset()) ? (absent) : v; \
    if (UNLIKELY(cx.fuel != 0)) goto charged;        \
    DISPATCH();                                      \
  }                                                  \
  SAVE();                                            \
  RESULT(A, op_table_get(cx, base[B], base[C]));     \
  DISPATCH()
  CASE(TableGet) { TABLE_GET(Value::nil()); }
  CASE(TableGetOr) { TABLE_GET(base[A]); }
  CASE(TablePut) {
    SAVE();
    if (LIKELY(is_kind(base[A], Kind::Table))) {
      table_put(cx, base[A], base[B], base[C]);
      if (UNLIKELY(cx.fuel != 0)) goto charged;
      DISPATCH();
    }
    op_table_put(cx, base[A], base[B], base[C]);
    goto raise_saved;
  }
  CASE(MakeTemplate) {
    const TemplateInfo* info = &fn->unit->templates[*pc++];
    const std::uint32_t words = 2u + C;
    if (__builtin_expect(cx.heap.is_full(words), 0)) SAVE();
    Object* object = cx.heap.alloc(Kind::Template, words);
    auto* instance = static_cast<Template*>(object);
    instance->info_bits = reinterpret_cast<std::uintptr_t>(info);
    for (unsigned i = 0; i < C; ++i) instance->holes()[i] = base[B + i];
    if (__builtin_expect(object->gc & kGcOld, 0))
      for (unsigned i = 0; i < C; ++i) cx.heap.write_barrier(object, base[B + i]);
    base[A] = Value::object(object);
    DISPATCH();
  }
  CASE(CellRead) {
    const Value v = base[B];
    if (__builtin_expect(is_kind(v, Kind::Cell), 1)) {
      base[A] = as_cell(v)->value;
      DISPATCH();
    }
    SAVE();
    cx.fail_type("cell/get", "cell", v);
    goto raise_saved;
  }
  CASE(CellWrite) {
    const Value v = base[A];
    if (__builtin_expect(is_kind(v, Kind::Cell), 1)) {
      as_cell(v)->value = base[B];
      cx.heap.write_barrier(v.as_object(), base[B]);
      DISPATCH();
    }
    SAVE();
    cx.fail_type("cell/set!", "cell", v);
    goto raise_saved;
  }
  CASE(Count) {
    SAVE();
    RESULT(A, op_count(cx, base[B]));
    DISPATCH();
  }
#if SX_COMPUTED_GOTO
  CASE(Trap) {
#else
    default: {
#endif
    SAVE();
    FOLLOW(it.fail("internal-error", "Trap: the code that runs was not made by this compiler"));
  }
#if !SX_COMPUTED_GOTO
}
#endif

#if !SX_COMPUTED_GOTO
result : if (made.is_unset()) goto raise_saved;
base[A] = made;
if (cx.fuel == 0) DISPATCH();
#endif

charged : fuel += cx.fuel;
cx.fuel = 0;
if (fuel > 0) DISPATCH();
SAVE();
FOLLOW(it.check_fuel());

add_immediate : {
  const Value a = base[B];
  FLOAT_RESULT(float_in(base[B]) + ins_ci(w));
  SAVE();
  w = (w & ~0xFFu) | static_cast<std::uint32_t>(Op::AddI);  // what an error is about
  if (!is_number(a)) goto not_numbers;
  RESULT(A, ins_ci(w) < 0 ? num_sub(cx, a, Value::small_int(-ins_ci(w)))
                          : num_add(cx, a, Value::small_int(ins_ci(w))));
  DISPATCH();
}

rest : SAVE();
RESULT(A, op_rest(cx, base[B]));
DISPATCH();

array_get : SAVE();
RESULT(A, op_array_get(cx, base[B], base[C]));
DISPATCH();

not_numbers : FOLLOW(it.not_numbers(w));

#if !SX_COMPUTED_GOTO
follow : FOLLOW_HERE(next);
#endif

unset_variable : SAVE();
FOLLOW(it.fail("unbound", "A variable was used before its definition was evaluated"));

raise_saved :  // state is saved, cx.error holds what a native raised
               it.unwinding = Unwind::Raise;
raise : {
  const Value error = cx.error;
  FOLLOW(it.unwind(error));
}
}

Outcome Interpreter::run_loop() {
  while (run_machine(*this) == Next::Again) {
  }
  return outcome;
}

}  // namespace sx
