// The reference evaluator: a small CEK machine over the forms as they are read. It exists so that
// programs can be run in two ways and compared; it shares the reader, the values and the leaf
// primitives with the engine, and nothing of the compiler, the bytecode or the VM.
//
// State: what is evaluated (a form and its environment, or a value that returns, or an error that
// unwinds) and the continuation, linked frames that are never changed once made. Suspended
// computations are chains of fibers, each with frames of its own.
//
// Nothing is freed and the heap never collects (its nursery is as large as a run may need), so raw
// pointers and Values stay good. Plain and slow on purpose.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/base/result.h"
#include "engine/bytecode/unit.h"
#include "engine/gc/context.h"

namespace sx::reference {

using SymbolId = std::uint32_t;

// What a file defines. Names that it does not define are those core exports, then the primitives.
struct Module {
  SymbolId name = 0;
  std::unordered_map<SymbolId, Value> values;
  std::unordered_map<SymbolId, bool> macros;
  std::unordered_map<SymbolId, std::vector<SymbolId>> records;  // fields by constructor
};

// One variable; the chain ends in a link without a name.
struct Env {
  SymbolId name;
  bool in_macro;  // templates rename their symbols
  Value value;    // unset: its definition has not run
  Env* up;
  Module* module;
};

// The forms that are not calls. Programs write their names; what this evaluator makes of forms
// writes the same names behind a control character, which no program can shadow.
enum class Special : std::uint8_t {
  Quote,
  If,
  Define,
  Fn,
  Let,
  LetStar,
  Letrec,
  Loop,
  Set,
  Cond,
  Case,
  When,
  Unless,
  And,
  Or,
  Do,
  ThreadFirst,
  ThreadLast,
  Quasiquote,
  Defmacro,
  Defrecord,
  Match,
  Guard,
  Protect,
  WithHandler,
  WithLimits,
  Parameterize,
  Module,
  Use,
  Perform,
  Resume,
  ResumeRaise,
  Raise,
  Error,
  Apply,
  FiberNew,
  FiberStep,
  FiberCopy,
  FiberCancel,
  GetDynamic,
  SetDynamic,
  CallHandled,
  CallLimited,
  Backtrace,
  NamedFn,
  PlainLet,
};

// A function: its parameters and its body. The base part is what printing and type errors look at.
struct Lambda : Function {
  struct Default {
    SymbolId name;
    Value form;  // unset: nil
  };
  std::string name_text, usage_text;
  std::vector<SymbolId> required;
  std::vector<Default> optional, keys;
  SymbolId rest = 0;
  bool has_rest = false;
  bool is_macro = false;
  Value body = Value::nil();  // a list of forms
};

enum class Op : std::uint8_t {
  Call,
  Vector,
  Dict,
  Set,
  Let,
  Perform,
  Resume,
  ResumeRaise,
  Raise,
  Error,
  Apply,
  FiberNew,
  FiberStep,
  FiberCopy,
  FiberCancel,
  WithHandler,
  WithLimits,
  SetDynamic,
  Parameterize,
};

enum class FrameKind : std::uint8_t {
  If,    // x: (then [else])
  Seq,   // x: forms left
  Args,  // x: forms left, z: what the operation needs, op
  And,
  Or,          // x: forms left
  Cond,        // x: clauses left, the first one's test is being evaluated; y: error to raise again
  Case,        // x: clauses
  LetStar,     // x: bindings left, the first one's value is being evaluated; y: body
  Set,         // x: symbol
  Define,      // x: symbol
  Handler,     // x: body of with-handler; its handler is being evaluated
  Limits,      // x: body of with-limits
  Guard,       // x: (name clause…)
  Cleanup,     // x: forms
  Deliver,     // x: the value that goes on when this returns
  Unwinding,   // unwind: goes on with it when this returns
  HandlerRun,  // x: the continuation that the running handler was given
  Dynamic,     // x: the parameter bindings from before
  Resume,      // x: form to go on with, whatever is returned
  Expansion,   // what is returned is a form to evaluate
};

enum class Unwind : std::uint8_t { Raise, Limit, Cancel };

struct UnwindState {
  Unwind kind = Unwind::Raise;
  std::uint32_t target = 0;  // mark of the fiber at whose end a limit or cancellation stops
  Value error = Value::nil();
};

// The arguments evaluated so far.
struct Values {
  Value last;
  Values* before = nullptr;
};

struct Frame {
  FrameKind kind;
  Op op = Op::Call;
  Value x = Value::nil(), y = Value::nil(), z = Value::nil();
  Env* env = nullptr;
  Frame* next = nullptr;
  Values* values = nullptr;
  UnwindState unwind;
};

enum class Role : std::uint8_t { Task, Handled, Stepped, Limited };
enum class Status : std::uint8_t { Fresh, Suspended, Running };

// In a copy of a fiber in which a handler is at work, what its continuation is.
struct Held {
  Value original, copy;
  Held* next = nullptr;
};

struct Fiber {
  Role role = Role::Task;
  Status status = Status::Fresh;
  Frame* k = nullptr;
  Fiber* parent = nullptr;
  Fiber* inner = nullptr;  // suspended Stepped fibers: where they go on, if not here
  Value handler = Value::nil();
  Value dynamic = Value::empty_list();
  Value thunk = Value::nil();  // Fresh
  Value self = Value::nil();   // the object programs see
  Held* held = nullptr;
  std::int64_t fuel_left = -1;
  bool on_reserve = false;
  std::uint32_t mark = 0;
};

class Machine {
 public:
  Machine();
  // Reads and evaluates a file; what it prints goes to `out`. The error that nobody caught.
  Result<void> run_file(std::string_view text, const std::string& file, Module& module);
  Module& add_module(std::string_view name);
  void set_core(Module& core) { core_ = &core; }
  // What a call at the top level of a file made is forgotten when it is done: for files of many
  // programs, which keep no functions or continuations for each other.
  bool forgets = false;
  std::string take_output() { return std::exchange(out_, {}); }
  Context& cx() { return cx_; }

 private:
  enum class State : std::uint8_t { Eval, Return, Unwind, Ended, Failed };

  // --- syntax.cpp: forms rewritten into simpler forms -----------------------------------------
  Value list(std::initializer_list<Value> items);
  Value list_of(const std::vector<Value>& items, Value tail = Value::empty_list());
  std::vector<Value> items_of(Value list) const;
  Value internal(std::string_view name);
  Value primitive(std::string_view name);
  Value quoted(Value datum);
  Value fresh(std::string_view name);
  Value strip(Value datum);  // names in place of the aliases of macro templates
  Value body_form(Value forms);
  void pattern_bindings(Value pattern, Value subject, std::vector<Value>& out);
  Value match_form(Value form, Env* env);
  Value match_pattern(Value pattern, Value subject, Value ok, Value fail, Env* env);
  void pattern_names(Value pattern, std::vector<Value>& out);
  Value quasi(Value form, int level, bool in_macro);
  Value quasi_items(const std::vector<Value>& items, Value tail, int level, bool in_macro,
                    bool in_list);
  Value named_let(Value name, Value bindings, Value body);
  Value thread(Value form, bool last, Env* env);
  Value make_lambda(Value name, std::string_view usage_name, Value params, Value body, Env* env);
  void define_record(Value name, Value fields, Env* env);

  // --- eval.cpp ----------------------------------------------------------------------------------
  void eval(Value form, Env* env);
  void give(Value v);
  void eval_step();
  void eval_list();
  void eval_special(Special special);
  void eval_body(Value forms, Env* env);
  void eval_args(Value forms, Op op, Value z = Value::nil());
  void return_step();
  void perform_op(const Frame& frame, std::vector<Value>& args);
  void clauses(Value clauses, Value again, Env* env);
  void let_star(Value bindings, Value body, Env* env);
  void apply(Value callee, std::vector<Value>& args);
  bool bind_arguments(Lambda& fn, const std::vector<Value>& args, Env*& env, Value& body);
  void arity_error(const Lambda& fn, int count);
  void call_primitive(int index, std::vector<Value>& args);
  Value named(Value name, Value init, Env* env, bool usage);
  bool is_special(Value form, Special special, Env* env);
  bool find_special(Value head, Env* env, Special& out);
  Env* find_local(Env* env, SymbolId id) const;
  Value* find_global(Module*& module, SymbolId id, bool& macro);
  Env* bind(Env* env, SymbolId name, Value v);
  Frame* push(FrameKind kind, Env* env = nullptr);
  void fail(std::string_view kind, std::string_view message);
  void raise_pending() { raise(cx_.error); }

  // --- effects.cpp -------------------------------------------------------------------------------
  void raise(Value error);
  void unwind_step();
  void start_unwinding(UnwindState state);
  Fiber* new_fiber(Role role);
  void enter_fiber(Fiber* fiber);
  void leave_fiber(Value v);
  void finish(Fiber* fiber);
  void start_handler(Value handler, Fiber*& child);
  void start_limited(Value limits, Fiber*& child);
  bool check_thunk(Value thunk);
  void perform(Value request);
  void resume(Value k, Value v, bool raises);
  void fiber_new(Value thunk);
  void fiber_step(Value fiber, Value v, Value budget);
  void fiber_cancel(Value target, Value error);
  void fiber_copy(Value source);
  void copy_chain(Fiber* inner, Fiber* outer, Fiber*& first, Fiber*& last);
  void copy_held(Fiber* copy);
  Value continuation(Fiber* inner, Fiber* outer);
  Value as_held(Value k) const;
  void cancel_chain(Fiber* inner, Fiber* outer, Value error);
  bool has_cleanup(Fiber* inner, Fiber* outer, bool held = false) const;
  void charge();
  void settle();
  void new_slice();
  void check_fuel();
  void limit_error(Fiber* setter, std::string_view what);
  std::uint32_t mark_of(Fiber* fiber) { return fiber->mark ? fiber->mark : fiber->mark = ++marks_; }
  Value report(std::string_view key, Value v);
  Fiber* fiber_of(Value v) const;
  void host_request(Value request);

  // Frames, environments and fibers.
  struct Arena {
    std::vector<char*> chunks;
    std::size_t chunk = SIZE_MAX;  // the one in use
    char* at = nullptr;
    std::size_t left = 0;
    void next_chunk();
    Arena mark() const { return {{}, chunk, at, left}; }
    void back_to(const Arena& mark) { chunk = mark.chunk, at = mark.at, left = mark.left; }
  };
  template <class T>
  T* make() {
    static_assert(alignof(T) <= 8);
    if (arena_.left < sizeof(T)) arena_.next_chunk();
    void* place = arena_.at;
    arena_.at += sizeof(T);
    arena_.left -= sizeof(T);
    return new (place) T();
  }

  Context cx_;
  std::string out_;
  std::deque<Module> modules_;
  Module* core_ = nullptr;
  std::deque<Lambda> lambdas_;
  Arena arena_;

  State state_ = State::Ended;
  Value form_ = Value::nil();  // Eval
  Env* env_ = nullptr;
  Value value_ = Value::nil();  // Return
  UnwindState unwind_;          // Unwind
  bool skip_cleanups_ = false;
  Fiber* current_ = nullptr;
  std::uint32_t marks_ = 0;
  std::int64_t used_ = 0, budget_ = INT64_MAX;

  std::unordered_map<SymbolId, Special> specials_;
  std::unordered_map<SymbolId, Value> primitives_;
  std::unordered_map<const Object*, Value> rewritten_;  // match and templates, by their form
};

}  // namespace sx::reference
