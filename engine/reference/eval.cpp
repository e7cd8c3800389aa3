// The machine: one step evaluates a form, gives a value to the innermost frame, or unwinds.
#include <cstdio>
#include <cstdlib>

#include "engine/base/str.h"
#include "engine/prim/operations.h"
#include "engine/prim/primitives.h"
#include "engine/reader/printer.h"
#include "engine/reader/reader.h"
#include "engine/reference/machine.h"
#include "engine/value/collections.h"

namespace sx::reference {

namespace {

struct Name {
  const char* text;
  Special special;
};
constexpr Name kSpecials[] = {
    {"quote", Special::Quote},
    {"if", Special::If},
    {"define", Special::Define},
    {"fn", Special::Fn},
    {"let", Special::Let},
    {"let*", Special::LetStar},
    {"letrec", Special::Letrec},
    {"loop", Special::Loop},
    {"set!", Special::Set},
    {"cond", Special::Cond},
    {"case", Special::Case},
    {"when", Special::When},
    {"unless", Special::Unless},
    {"and", Special::And},
    {"or", Special::Or},
    {"do", Special::Do},
    {"begin", Special::Do},
    {"->", Special::ThreadFirst},
    {"->>", Special::ThreadLast},
    {"quasiquote", Special::Quasiquote},
    {"defmacro", Special::Defmacro},
    {"defrecord", Special::Defrecord},
    {"match", Special::Match},
    {"guard", Special::Guard},
    {"protect", Special::Protect},
    {"with-handler", Special::WithHandler},
    {"with-limits", Special::WithLimits},
    {"parameterize", Special::Parameterize},
    {"module", Special::Module},
    {"use", Special::Use},
    {"perform", Special::Perform},
    {"resume", Special::Resume},
    {"resume-raise", Special::ResumeRaise},
    {"raise", Special::Raise},
    {"error", Special::Error},
    {"apply", Special::Apply},
    {"fiber/new", Special::FiberNew},
    {"fiber/step", Special::FiberStep},
    {"fiber/copy", Special::FiberCopy},
    {"fiber/cancel", Special::FiberCancel},
    {"%perform", Special::Perform},
    {"%resume", Special::Resume},
    {"%resume-raise", Special::ResumeRaise},
    {"%raise", Special::Raise},
    {"%apply", Special::Apply},
    {"%fiber-new", Special::FiberNew},
    {"%fiber-step", Special::FiberStep},
    {"%fiber-copy", Special::FiberCopy},
    {"%fiber-cancel", Special::FiberCancel},
    {"%get-dynamic", Special::GetDynamic},
    {"%set-dynamic", Special::SetDynamic},
    {"%with-handler", Special::CallHandled},
    {"%with-limits", Special::CallLimited},
    {"%backtrace", Special::Backtrace},
    {"%named-fn", Special::NamedFn},
    {"%let", Special::PlainLet},
};

HeapConfig never_collecting() {
  HeapConfig config;
  config.nursery_bytes = std::size_t{2} << 30;
  config.limit_bytes = 0;
  return config;
}

Lambda& lambda_of(Value closure) { return *static_cast<Lambda*>(as_closure(closure)->function()); }

}  // namespace

void Machine::Arena::next_chunk() {
  constexpr std::size_t kChunk = std::size_t{1} << 20;
  if (++chunk == chunks.size()) chunks.push_back(static_cast<char*>(::operator new(kChunk)));
  at = chunks[chunk];
  left = kChunk;
}

Machine::Machine() : cx_(never_collecting(), 1) {
  for (const Name& name : kSpecials) {
    specials_.emplace(cx_.symbols.intern(name.text), name.special);
    specials_.emplace(internal(name.text).id(), name.special);
  }
  cx_.heap.add_root_source(
      [](void*, Visitor&) {
        std::fprintf(stderr, "reference: out of memory: this evaluator never collects\n");
        std::abort();
      },
      this);
}

Module& Machine::add_module(std::string_view name) {
  modules_.emplace_back();
  modules_.back().name = cx_.symbols.intern(name);
  return modules_.back();
}

Result<void> Machine::run_file(std::string_view text, const std::string& file, Module& module) {
  ReadOptions options;
  options.file = file;
  Reader reader(cx_, text, options);
  Env* top = make<Env>();
  top->name = UINT32_MAX;
  top->value = Value::unset();
  top->up = nullptr;
  top->module = &module;
  for (;;) {
    SX_TRY(const Value form, reader.next());
    if (form == Value::eof()) return {};
    const Arena before = arena_.mark();
    Fiber* task = new_fiber(Role::Task);
    task->status = Status::Running;
    current_ = task;
    used_ = 0;
    budget_ = INT64_MAX;
    eval(form, top);
    while (state_ != State::Ended && state_ != State::Failed) {
      switch (state_) {
        case State::Eval:
          eval_step();
          break;
        case State::Return:
          return_step();
          break;
        default:
          unwind_step();
      }
    }
    if (state_ == State::Failed) return Error{str(file, ": ", print(cx_, unwind_.error))};
    Special kind;
    const bool call = is_pair(form) && car(form).is_symbol() && !find_special(car(form), top, kind);
    if (forgets && call) arena_.back_to(before);
  }
}

// --- environments ----------------------------------------------------------------------------

Env* Machine::bind(Env* env, SymbolId name, Value v) {
  Env* made = make<Env>();
  made->name = name;
  made->in_macro = env->in_macro;
  made->value = v;
  made->up = env;
  made->module = env->module;
  return made;
}

Env* Machine::find_local(Env* env, SymbolId id) const {
  for (; env->up; env = env->up)
    if (env->name == id) return env;
  return nullptr;
}

// Where a name is defined that no local variable has, and in which module; null if nowhere.
Value* Machine::find_global(Module*& module, SymbolId id, bool& macro) {
  for (;;) {
    if (const auto found = module->values.find(id); found != module->values.end()) {
      macro = module->macros.count(id) > 0;
      return &found->second;
    }
    if (!cx_.symbols.is_alias(id)) break;
    const SymbolId home = cx_.symbols.alias_module(id);
    for (Module& other : modules_)
      if (other.name == home) module = &other;
    id = cx_.symbols.alias_base(id);
  }
  macro = false;
  if (core_ && module != core_)
    if (const auto found = core_->values.find(id); found != core_->values.end()) {
      module = core_;
      macro = core_->macros.count(id) > 0;
      return &found->second;
    }
  if (primitive(cx_.symbols.name(id)).is_unset()) return nullptr;
  return &primitives_.find(id)->second;
}

// What is not shadowed by a variable or a definition.
bool Machine::find_special(Value head, Env* env, Special& out) {
  SymbolId id = head.id();
  if (find_local(env, id)) return false;
  if (env->module != core_ && env->module->values.count(id)) return false;
  while (cx_.symbols.is_alias(id)) id = cx_.symbols.alias_base(id);
  const auto found = specials_.find(id);
  if (found == specials_.end()) return false;
  out = found->second;
  return true;
}

bool Machine::is_special(Value form, Special special, Env* env) {
  Special found;
  return is_pair(form) && car(form).is_symbol() && find_special(car(form), env, found) &&
         found == special;
}

// --- steps -----------------------------------------------------------------------------------

Frame* Machine::push(FrameKind kind, Env* env) {
  Frame* frame = make<Frame>();
  frame->kind = kind;
  frame->env = env;
  frame->next = current_->k;
  current_->k = frame;
  return frame;
}

void Machine::eval(Value form, Env* env) {
  state_ = State::Eval;
  form_ = form;
  env_ = env;
}
void Machine::give(Value v) {
  state_ = State::Return;
  value_ = v;
}
void Machine::fail(std::string_view kind, std::string_view message) {
  cx_.fail(kind, message);
  raise(cx_.error);
}

void Machine::eval_step() {
  const Value form = form_;
  if (form.is_symbol()) {
    if (const Env* local = find_local(env_, form.id())) {
      if (local->value.is_unset())
        return fail("unbound",
                    str(cx_.symbols.name(form.id()), " is used before its definition has run"));
      return give(local->value);
    }
    bool macro = false;
    Module* home = env_->module;
    const Value* global = find_global(home, form.id(), macro);
    if (!global) return fail("unbound", str("Unbound name: ", cx_.symbols.name(form.id())));
    return give(*global);
  }
  if (is_pair(form)) return eval_list();
  if (is_vector(form)) {
    std::vector<Value> items;
    for (std::uint32_t i = 0; i < vector_count(form); ++i) items.push_back(vector_get(form, i));
    return eval_args(list_of(items), Op::Vector);
  }
  const bool set = is_kind(form, Kind::Set);
  if (set || is_dict(form)) {
    std::vector<Value> items;
    DictCursor cursor(cx_, set ? set_dict(form) : form);
    Value key, v;
    while (cursor.next(key, v)) {
      items.push_back(key);
      if (!set) items.push_back(v);
    }
    return eval_args(list_of(items), set ? Op::Set : Op::Dict);
  }
  give(form);
}

void Machine::eval_list() {
  const Value form = form_, head = car(form);
  if (!head.is_symbol()) return eval_args(form, Op::Call);
  Special special;
  if (find_special(head, env_, special)) return eval_special(special);
  if (!find_local(env_, head.id())) {
    bool macro = false;
    Module* home = env_->module;
    const Value* global = find_global(home, head.id(), macro);
    if (global && macro) {
      begin_expansion(cx_, home->name);
      push(FrameKind::Expansion, env_);
      std::vector<Value> args = items_of(cdr(form));
      return apply(*global, args);
    }
  }
  eval_args(form, Op::Call);
}

void Machine::eval_args(Value forms, Op op, Value z) {
  Frame* frame = push(FrameKind::Args, env_);
  frame->op = op;
  frame->z = z;
  if (!is_pair(forms)) {
    current_->k = frame->next;
    std::vector<Value> none;
    return perform_op(*frame, none);
  }
  frame->x = cdr(forms);
  eval(car(forms), env_);
}

// A body: definitions see each other, and are made in order.
void Machine::eval_body(Value forms, Env* env) {
  for (Value rest = forms; is_pair(rest); rest = cdr(rest)) {
    if (!is_special(car(rest), Special::Define, env)) continue;
    const Value target = car(cdr(car(rest)));
    env = bind(env, (is_pair(target) ? car(target) : target).id(), Value::unset());
  }
  if (!is_pair(forms)) return give(Value::nil());
  if (is_pair(cdr(forms))) {
    push(FrameKind::Seq, env)->x = cdr(forms);
  }
  eval(car(forms), env);
}

// A value for `name`: a function written here is called so.
Value Machine::named(Value name, Value init, Env* env, bool usage) {
  if (!is_special(init, Special::Fn, env)) return init;
  return cx_.heap.cons(
      internal("%named-fn"),
      cx_.heap.cons(quoted(name), cx_.heap.cons(Value::boolean(usage), cdr(init))));
}

void Machine::eval_special(Special special) {
  const Value form = form_;
  Env* const env = env_;
  const auto operand = [&](int n) {
    Value at = cdr(form);
    while (n-- > 0) at = cdr(at);
    return car(at);
  };
  const Value rest = cdr(form), tail = is_pair(rest) ? cdr(rest) : rest;
  // Rewritten once for each place in the program.
  const auto rewritten = [&](auto make_form) {
    const auto known = rewritten_.find(form.as_object());
    if (known != rewritten_.end()) return eval(known->second, env);
    const Value made = make_form();
    rewritten_.emplace(form.as_object(), made);
    eval(made, env);
  };
  switch (special) {
    case Special::Quote:
      return give(strip(operand(0)));
    case Special::If:
      push(FrameKind::If, env)->x = tail;
      return eval(operand(0), env);
    case Special::Fn:
      return give(make_lambda(Value::nil(), "fn", operand(0), tail, env));
    case Special::NamedFn: {  // (%named-fn 'name usage? params body…)
      const Value name = strip(car(cdr(operand(0))));
      return give(make_lambda(name, operand(1).truthy() ? cx_.symbols.name(name.id()) : "fn",
                              operand(2), cdr(cdr(tail)), env));
    }
    case Special::Do:
      if (env->up) return eval_body(rest, env);
      // At the top level definitions are of the file.
      if (!is_pair(rest)) return give(Value::nil());
      if (is_pair(tail)) push(FrameKind::Seq, env)->x = tail;
      return eval(operand(0), env);
    case Special::Define: {
      Value target = operand(0);
      Frame* frame = push(FrameKind::Define, env);
      if (!is_pair(target)) {
        frame->x = target;
        if (!is_pair(tail)) return give(Value::nil());
        return eval(named(target, operand(1), env, true), env);
      }
      const Value name = car(target);
      Value body = tail;
      if (is_string(car(body)) && is_pair(cdr(body))) body = cdr(body);
      frame->x = name;
      return give(
          make_lambda(strip(name), cx_.symbols.name(strip(name).id()), cdr(target), body, env));
    }
    case Special::Defmacro: {
      Env* macro_env = bind(env, UINT32_MAX - 1, Value::nil());
      macro_env->in_macro = true;
      Value body = cdr(tail);
      if (is_string(car(body)) && is_pair(cdr(body))) body = cdr(body);
      const Value name = operand(0);
      const Value macro =
          make_lambda(name, cx_.symbols.name(name.id()), operand(1), body, macro_env);
      lambda_of(macro).is_macro = true;
      env->module->values[name.id()] = macro;
      env->module->macros[name.id()] = true;
      return give(Value::nil());
    }
    case Special::Defrecord:
      define_record(operand(0), operand(1), env);
      return give(Value::nil());
    case Special::Module:
    case Special::Use:
      return give(Value::nil());
    case Special::Let: {
      if (operand(0).is_symbol())
        return rewritten([&] { return named_let(operand(0), operand(1), cdr(tail)); });
      return rewritten([&] {  // (%let (name…) (value…) body…)
        std::vector<Value> inits, patterns, names;
        for (const Value binding : items_of(operand(0))) {
          const Value target = car(binding);
          inits.push_back(named(target, car(cdr(binding)), env, false));
          names.push_back(target.is_symbol() ? target : fresh("value"));
          if (!target.is_symbol()) pattern_bindings(target, names.back(), patterns);
        }
        Value body = tail;
        if (!patterns.empty())
          body = list({cx_.heap.cons(internal("let*"), cx_.heap.cons(list_of(patterns), body))});
        return cx_.heap.cons(internal("%let"),
                             cx_.heap.cons(list_of(names), cx_.heap.cons(list_of(inits), body)));
      });
    }
    case Special::PlainLet:
      return eval_args(operand(1), Op::Let, cx_.heap.cons(operand(0), cdr(tail)));
    case Special::LetStar:
      return let_star(operand(0), tail, env);
    case Special::Letrec: {
      Env* inner = env;
      for (const Value binding : items_of(operand(0)))
        inner = bind(inner, car(binding).id(), Value::unset());
      std::vector<Value> steps;
      for (const Value binding : items_of(operand(0)))
        steps.push_back(list(
            {internal("set!"), car(binding), named(car(binding), car(cdr(binding)), inner, true)}));
      steps.push_back(cx_.heap.cons(internal("do"), tail));
      push(FrameKind::Seq, inner)->x = list_of({steps.begin() + 1, steps.end()});
      return eval(steps[0], inner);
    }
    case Special::Loop:
      return rewritten([&] { return named_let(cx_.symbol("recur"), operand(0), tail); });
    case Special::Set:
      push(FrameKind::Set, env)->x = operand(0);
      return eval(operand(1), env);
    case Special::When:
    case Special::Unless:
      return rewritten([&] {
        const Value body = cx_.heap.cons(internal("do"), tail);
        return special == Special::When ? list({internal("if"), operand(0), body})
                                        : list({internal("if"), operand(0), Value::nil(), body});
      });
    case Special::And:
    case Special::Or:
      if (!is_pair(rest)) return give(special == Special::And ? Value::tru() : Value::nil());
      if (is_pair(tail))
        push(special == Special::And ? FrameKind::And : FrameKind::Or, env)->x = tail;
      return eval(operand(0), env);
    case Special::Cond:
      return clauses(rest, Value::unset(), env);
    case Special::Case:
      push(FrameKind::Case, env)->x = tail;
      return eval(operand(0), env);
    case Special::ThreadFirst:
    case Special::ThreadLast:
      return eval(thread(form, special == Special::ThreadLast, env), env);
    case Special::Quasiquote:
      return rewritten([&] { return quasi(operand(0), 1, env->in_macro); });
    case Special::Match:
      return rewritten([&] { return match_form(form, env); });
    case Special::Guard:
      push(FrameKind::Guard, env)->x = operand(0);
      return eval_body(tail, env);
    case Special::Protect:
      if (is_pair(tail)) push(FrameKind::Cleanup, env)->x = tail;
      return eval(operand(0), env);
    case Special::WithHandler:
      push(FrameKind::Handler, env)->x = tail;
      return eval(operand(0), env);
    case Special::WithLimits:
      push(FrameKind::Limits, env)->x = tail;
      return eval(operand(0), env);
    case Special::Parameterize: {
      std::vector<Value> parts;
      for (const Value binding : items_of(operand(0))) {
        parts.push_back(list({primitive("%parameter"), car(binding)}));
        parts.push_back(car(cdr(binding)));
      }
      return eval_args(list_of(parts), Op::Parameterize, tail);
    }
    case Special::GetDynamic:
      return give(current_->dynamic);
    case Special::Backtrace:
      return give(Value::empty_list());
    case Special::SetDynamic:
      return eval_args(rest, Op::SetDynamic);
    case Special::Perform:
      return eval_args(rest, Op::Perform);
    case Special::Resume:
      return eval_args(rest, Op::Resume);
    case Special::ResumeRaise:
      return eval_args(rest, Op::ResumeRaise);
    case Special::Raise:
      return eval_args(rest, Op::Raise);
    case Special::Error:
      return eval_args(rest, Op::Error);
    case Special::Apply:
      return eval_args(rest, Op::Apply);
    case Special::FiberNew:
      return eval_args(rest, Op::FiberNew);
    case Special::FiberStep:
      return eval_args(rest, Op::FiberStep);
    case Special::FiberCopy:
      return eval_args(rest, Op::FiberCopy);
    case Special::FiberCancel:
      return eval_args(rest, Op::FiberCancel);
    case Special::CallHandled:
      return eval_args(rest, Op::WithHandler);
    case Special::CallLimited:
      return eval_args(rest, Op::WithLimits);
  }
}

void Machine::let_star(Value bindings, Value body, Env* env) {
  if (!is_pair(bindings)) return eval_body(body, env);
  const Value binding = car(bindings);
  Value rest = cdr(bindings), target = car(binding);
  if (!target.is_symbol()) {
    const Value temp = fresh("value");
    std::vector<Value> parts;
    pattern_bindings(target, temp, parts);
    rest = list_of(parts, rest);
    target = temp;
  }
  Frame* frame = push(FrameKind::LetStar, env);
  frame->x = cx_.heap.cons(target, rest);
  frame->y = body;
  eval(named(target, car(cdr(binding)), env, false), env);
}

// The clauses of cond, and of guard: then nothing that is true raises `again` once more.
void Machine::clauses(Value clauses, Value again, Env* env) {
  if (!is_pair(clauses)) return again.is_unset() ? give(Value::nil()) : raise(again);
  const Value test = car(car(clauses));
  if (test.is_symbol() && cx_.symbols.name(test.id()) == "else" && !find_local(env, test.id()))
    return eval_body(cdr(car(clauses)), env);
  Frame* frame = push(FrameKind::Cond, env);
  frame->x = clauses;
  frame->y = again;
  eval(test, env);
}

void Machine::return_step() {
  Frame* const frame = current_->k;
  const Value v = value_;
  if (!frame) return leave_fiber(v);
  current_->k = frame->next;
  Env* const env = frame->env;
  switch (frame->kind) {
    case FrameKind::If: {
      const Value otherwise = cdr(frame->x);
      if (v.truthy()) return eval(car(frame->x), env);
      return is_pair(otherwise) ? eval(car(otherwise), env) : give(Value::nil());
    }
    case FrameKind::Seq:
      if (is_pair(cdr(frame->x))) push(FrameKind::Seq, env)->x = cdr(frame->x);
      return eval(car(frame->x), env);
    case FrameKind::Args: {
      auto* values = make<Values>();
      values->last = v;
      values->before = frame->values;
      if (is_pair(frame->x)) {
        Frame* next = push(FrameKind::Args, env);
        next->op = frame->op;
        next->x = cdr(frame->x);
        next->values = values;
        next->z = frame->z;
        return eval(car(frame->x), env);
      }
      std::vector<Value> args;
      for (; values; values = values->before) args.push_back(values->last);
      args = {args.rbegin(), args.rend()};
      return perform_op(*frame, args);
    }
    case FrameKind::And:
    case FrameKind::Or:
      if (v.truthy() == (frame->kind == FrameKind::Or)) return give(v);
      if (is_pair(cdr(frame->x))) push(frame->kind, env)->x = cdr(frame->x);
      return eval(car(frame->x), env);
    case FrameKind::Cond:
      if (!v.truthy()) return clauses(cdr(frame->x), frame->y, env);
      return is_pair(cdr(car(frame->x))) ? eval_body(cdr(car(frame->x)), env) : give(v);
    case FrameKind::Case:
      for (const Value clause : items_of(frame->x)) {
        const Value data = car(clause);
        bool chosen = data.is_symbol() && cx_.symbols.name(strip(data).id()) == "else";
        if (is_pair(data)) {
          for (const Value datum : items_of(data)) chosen = chosen || equal(cx_, v, strip(datum));
        } else {
          chosen = chosen || equal(cx_, v, strip(data));
        }
        if (chosen) return eval_body(cdr(clause), env);
      }
      return give(Value::nil());
    case FrameKind::LetStar:
      return let_star(cdr(frame->x), frame->y, bind(env, car(frame->x).id(), v));
    case FrameKind::Set:
    case FrameKind::Define: {
      const SymbolId id = frame->x.id();
      const bool set = frame->kind == FrameKind::Set;
      if (Env* local = find_local(env, id)) {
        local->value = v;
      } else {
        bool macro = false;
        Module* home = env->module;
        Value* global = set ? find_global(home, id, macro) : nullptr;
        if (global) {
          *global = v;
        } else {
          env->module->values[id] = v;
        }
      }
      return give(set ? v : Value::nil());
    }
    case FrameKind::Handler: {
      Fiber* child = nullptr;
      start_handler(v, child);
      if (!child) return;
      enter_fiber(child);
      return eval_body(frame->x, env);
    }
    case FrameKind::Limits: {
      Fiber* child = nullptr;
      start_limited(v, child);
      if (!child) return;
      enter_fiber(child);
      // A body that does not even begin has its limit checked as a call has.
      Frame* body = push(FrameKind::Seq, env);
      body->x = list({cx_.heap.cons(internal("do"), frame->x)});
      state_ = State::Return;
      value_ = Value::nil();
      return charge();
    }
    case FrameKind::Guard:
    case FrameKind::Deliver:
      return give(frame->kind == FrameKind::Guard ? v : frame->x);
    case FrameKind::Cleanup:
      push(FrameKind::Deliver)->x = v;
      return eval_body(frame->x, env);
    case FrameKind::Unwinding:
      return start_unwinding(frame->unwind);
    case FrameKind::HandlerRun: {
      auto* k = static_cast<Continuation*>(frame->x.as_object());
      if (k->used == 0 && has_cleanup(fiber_of(k->inner), fiber_of(k->outer))) {
        k->used = 1;
        push(FrameKind::Deliver)->x = v;
        cx_.fail("cancelled", "The handler returned without resuming");
        return cancel_chain(fiber_of(k->inner), fiber_of(k->outer), cx_.error);
      }
      return give(v);
    }
    case FrameKind::Dynamic:
      current_->dynamic = frame->x;
      return give(v);
    case FrameKind::Resume:
      return eval_body(frame->x, env);
    case FrameKind::Expansion:
      return eval(v, env);
  }
}

void Machine::perform_op(const Frame& frame, std::vector<Value>& args) {
  const auto arg = [&](std::size_t i) { return i < args.size() ? args[i] : Value::nil(); };
  switch (frame.op) {
    case Op::Call: {
      const Value callee = args[0];
      args.erase(args.begin());
      return apply(callee, args);
    }
    case Op::Vector:
      return give(make_vector(cx_, args));
    case Op::Dict:
      return give(dict_from_entries(cx_, args.data(), static_cast<std::uint32_t>(args.size() / 2)));
    case Op::Set: {
      Value set = empty_set(cx_);
      for (const Value v : args) set = set_add(cx_, set, v);
      return give(set);
    }
    case Op::Let: {
      Env* env = frame.env;
      std::size_t i = 0;
      for (const Value name : items_of(car(frame.z))) env = bind(env, name.id(), args[i++]);
      return eval_body(cdr(frame.z), env);
    }
    case Op::Perform:
      return perform(arg(0));
    case Op::Resume:
    case Op::ResumeRaise:
      return resume(arg(0), arg(1), frame.op == Op::ResumeRaise);
    case Op::Raise:
      return raise(arg(0));
    case Op::Error: {
      const Value made = primitives()[find_primitive("%error")].fn(cx_, args.data(),
                                                                   static_cast<int>(args.size()));
      return made.is_unset() ? raise_pending() : raise(made);
    }
    case Op::Apply: {
      const Value callee = args[0];
      std::vector<Value> all(args.begin() + 1, args.end() - 1);
      Value last = args.back();
      for (; is_pair(last); last = cdr(last)) all.push_back(car(last));
      if (is_vector(last)) {
        for (std::uint32_t i = 0; i < vector_count(last); ++i) all.push_back(vector_get(last, i));
      } else if (!last.is_empty_list() && !last.is_nil()) {
        return fail("type-error", str("apply: Expected list, got ", type_name(last)));
      }
      return apply(callee, all);
    }
    case Op::FiberNew:
      return fiber_new(arg(0));
    case Op::FiberStep:
      return fiber_step(arg(0), arg(1), arg(2));
    case Op::FiberCopy:
      return fiber_copy(arg(0));
    case Op::FiberCancel:
      return fiber_cancel(arg(0), arg(1));
    case Op::WithHandler:
    case Op::WithLimits: {
      const bool handled = frame.op == Op::WithHandler;
      const Value thunk = arg(handled ? 1 : 0);
      if (!check_thunk(thunk)) return;
      Fiber* child = nullptr;
      if (handled) {
        start_handler(arg(0), child);
      } else {
        start_limited(arg(1), child);
      }
      if (!child) return;
      enter_fiber(child);
      std::vector<Value> none;
      return apply(thunk, none);
    }
    case Op::SetDynamic:
      current_->dynamic = arg(0);
      return give(Value::nil());
    case Op::Parameterize: {
      push(FrameKind::Dynamic)->x = current_->dynamic;
      for (std::size_t i = args.size(); i > 0; i -= 2)
        current_->dynamic =
            cx_.heap.cons(cx_.heap.cons(args[i - 2], args[i - 1]), current_->dynamic);
      return eval_body(frame.z, frame.env);
    }
  }
}

}  // namespace sx::reference
