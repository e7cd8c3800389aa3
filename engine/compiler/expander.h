// The expander: forms → core nodes. Names are resolved, macros run, derived forms rewritten and
// everything that can be known to be wrong is refused, with the place.
//
// Errors: the first one is kept, fail() returns a node that stands for it, and expansion goes on
// harmlessly until somebody asks failed(). So no function here needs a way out of its own.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "engine/compiler/ast.h"
#include "engine/compiler/compiler.h"
#include "engine/compiler/form.h"

namespace sx {

class Expander;

// One binding; the innermost comes first.
struct Scope {
  const Scope* parent;
  std::uint32_t symbol;
  Var* var;
};

struct SpecialForm {
  const char* name;
  Node* (Expander::*expand)(const Form*, const Scope*);
  int least, most;
  const char* usage;
  bool inlined;  // also a function of lib/core: special in head position only
};

struct Resolved {
  enum class Kind : std::uint8_t { Unbound, Local, Special, Macro, Global, Primitive };
  Kind kind = Kind::Unbound;
  Var* var = nullptr;
  const SpecialForm* special = nullptr;
  GlobalName* global = nullptr;
  int primitive = -1;
  std::string module;  // of a macro: where its names are looked up
};

// A definition at the top level of the unit.
struct Definition {
  enum class Kind : std::uint8_t { Value, Macro, Component, Record };
  Kind kind = Kind::Value;
  std::uint32_t symbol = 0;
  std::string name;  // as written
  GlobalName* global = nullptr;
  const Form* form = nullptr;
  std::string doc, usage;
  Position at;
  bool exported = false;
  bool portable = false;
  bool compiled_for_macros = false;  // already part of a scratch unit
  bool in_progress = false;
};

struct LetrecScope {
  std::vector<bool> is_lambda;
  std::vector<int> group;  // consecutive functions share one
  int current = -1;
};

class Expander {
 public:
  Expander(CompileServices services, const CompileOptions& options);

  // The whole unit: the nodes of its top-level forms in order. module.cpp
  Result<std::vector<Node*>> expand_unit(std::string_view source);
  // Exports with docs and usage lines, used modules, performed ops: into the image.
  void describe(UnitImage& image) const;
  bool failed() const { return error_.has_value(); }
  const Error& error() const { return *error_; }
  Node* error_at(Position at, std::string message);
  Context& context() { return cx_; }

 private:
  friend const SpecialForm* find_special_form(std::string_view name);
  friend class MarkupBuilder;
  friend class MatchCompiler;
  friend class MatchCover;

  // --- nodes (expander.cpp) ---
  Node* node(NodeKind kind, const Form* at, std::vector<Node*> kids = {});
  Node* constant(Value immediate, const Form* at);
  Node* text_constant(std::string_view text, const Form* at);
  Node* quoted(const Form* datum);  // the datum as a constant
  Node* local(Var* var, const Form* at);
  Node* prim(std::string_view name, std::vector<Node*> args, const Form* at);
  Node* prim(int index, std::vector<Node*> args, const Form* at);
  Node* effect(Op op, std::vector<Node*> args, const Form* at);
  Node* seq(std::vector<Node*> kids, const Form* at);
  Node* let1(Var* var, Node* value, Node* body, const Form* at);
  Node* thunk(Node* body, const Form* at);
  Node* fail(const Form* at, std::string message);
  Var* new_var(std::uint32_t symbol);
  Var* temp(std::string_view name);
  const Scope* bind(const Scope* scope, Var* var);
  const Scope* bind(const Scope* scope, std::uint32_t symbol, Var* var);
  Node* fold(int primitive, Node* call);

  // --- expressions (expander.cpp) ---
  Node* expand(const Form* form,
               const Scope* scope);                   // keeps the tail position of its surroundings
  Node* value(const Form* form, const Scope* scope);  // not a tail position
  Node* expand_list(const Form* form, const Scope* scope);
  Node* expand_symbol(const Form* form, const Scope* scope);
  Node* expand_collection(const Form* form, const Scope* scope);
  Node* record_type_of(const Form* form);
  Node* expand_call(const Form* form, const Resolved& head, const Scope* scope);
  Node* call_primitive(int index, const Form* form, std::vector<Node*> args);
  Node* sequence(std::vector<Node*> args, bool vector, const Form* at);
  // --- walks over a sequence with a function in place (inline.cpp) ---
  Node* inline_walk(const GlobalName* global, const std::vector<Node*>& kids, const Form* at);
  bool is_inlinable(const Node* function, std::size_t parameters) const;
  int primitive_value(const Node* n) const;
  Node* apply_inline(Node* function, std::vector<Node*> args, const Form* at);
  bool check_call(const Form* form, const Signature& signature, std::size_t first = 1);
  void check_local_calls();
  std::vector<Node*> values(const Form* form, std::size_t from, const Scope* scope);
  // Forms from index `from` on, as a body: definitions at any place in it become a letrec*.
  Node* body(const std::vector<Form*>& forms, std::size_t from, const Scope* scope, const Form* at);
  Node* body_with_definitions(const std::vector<const Form*>& items, const Scope* scope,
                              const Form* at);

  // --- names (names.cpp) ---
  Resolved resolve(std::uint32_t symbol, const Scope* scope, bool head = false);
  Resolved resolve_top(std::uint32_t symbol, bool head);
  Resolved resolve_in_module(const std::string& module, std::uint32_t symbol, bool head);
  Resolved resolve_export(const Export& exported, const std::string& module);
  Resolved resolve_builtin(std::string_view name);
  Resolved head_of(const Form* form, const Scope* scope);
  const SpecialForm* special_head(const Form* form, const Scope* scope);
  bool is_special(const Form* form, const char* name, const Scope* scope);
  Node* unbound(const Form* symbol, const Scope* scope);
  GlobalName* global(std::string_view full);
  const Signature* parse_usage(std::string_view usage, bool component);
  int find_primitive(std::string_view name) const;
  std::string text_of(const Form* symbol) const { return std::string(forms_.base_name(symbol)); }

  // --- macros (macros.cpp) ---
  const Form* expand_macro(const Form* form, const Resolved& macro);
  // Expands macros at the head of a form until something else stands there.
  const Form* expand_head(const Form* form, const Scope* scope);
  bool prepare_macro(Definition* macro, const Form* use);
  void collect_needed(Node* node, std::vector<Definition*>& needed);

  // --- functions and bindings (binding.cpp) ---
  struct Parameters {
    std::vector<std::pair<const Form*, Var*>> patterns;  // destructured at the start of the body
    const Scope* scope = nullptr;
  };
  FnNode* function(const Form* params, const std::vector<Form*>& body, std::size_t from,
                   const Scope* scope, const std::string& name, const Form* at,
                   bool component = false);
  bool parameters(const Form* list, FnNode* fn, Parameters& out, const Scope* scope);
  std::string usage_line(const std::string& name, const Form* params);
  Signature signature_of(const std::string& name, const Form* params, bool component);
  // A pattern of let: [a b & rest], {:keys (a b)}; or a plain name.
  bool is_pattern(const Form* form) const;
  const Scope* bind_pattern(const Form* pattern, Var* subject, const Scope* scope,
                            std::vector<Var*>& vars, std::vector<Node*>& inits);
  Node* named_let(const Form* form, const Scope* scope);
  Node* loop_over(const Form* form, const Form* bindings, std::size_t body_from, const Form* name,
                  const Scope* scope);
  bool binding_pairs(const Form* form, const Form* bindings,
                     std::vector<std::pair<const Form*, const Form*>>& out);
  Node* sequential_let(const Form* form,
                       const std::vector<std::pair<const Form*, const Form*>>& pairs,
                       const Scope* scope, bool parallel);
  bool is_lambda_form(const Form* form, const Scope* scope);
  Node* letrec(const std::vector<std::pair<const Form*, const Form*>>& definitions,
               const std::function<Node*(const Scope*)>& make_body, const Scope* scope,
               const Form* at);

  // --- definitions and modules (module.cpp, define.cpp) ---
  bool read_forms(std::string_view source, std::vector<const Form*>& out);
  bool module_header(const Form* form);
  bool use_module(const std::string& path, const Form* at);
  void register_definitions(const Form* form, std::vector<const Form*>& flat, bool expand_macros);
  Definition* add_definition(const Form* symbol, Definition::Kind kind, const Form* form);
  void register_definition(const Form* form, const SpecialForm* special);
  Node* expand_top(const Form* form);
  Node* expand_definition(const Form* form, const SpecialForm* special);
  void make_portable(FnNode* fn, const Form* name, const Form* at);
  Node* define_record(const Form* form);
  Node* define_global(Definition* definition, Node* value, const Form* at);
  Definition* definition_of(const Form* symbol);
  void set_record_usage(const Form* form);

  // --- quasiquote (quasi.cpp) ---
  Node* quasi(const Form* form, int level, const Scope* scope);
  bool quasi_constant(const Form* form);
  std::unordered_map<const Form*, bool> quasi_constants_;  // of the templates so far
  Node* quasi_items(const Form* form, int level, const Scope* scope);

 public:
  // --- special forms: one function per row of special_forms.def ---
  Node* form_define(const Form*, const Scope*);
  Node* form_fn(const Form*, const Scope*);
  Node* form_let(const Form*, const Scope*);
  Node* form_let_star(const Form*, const Scope*);
  Node* form_letrec(const Form*, const Scope*);
  Node* form_loop(const Form*, const Scope*);
  Node* form_recur(const Form*, const Scope*);
  Node* form_set(const Form*, const Scope*);
  Node* form_if(const Form*, const Scope*);
  Node* form_cond(const Form*, const Scope*);
  Node* form_case(const Form*, const Scope*);
  Node* form_when(const Form*, const Scope*);
  Node* form_unless(const Form*, const Scope*);
  Node* form_and(const Form*, const Scope*);
  Node* form_or(const Form*, const Scope*);
  Node* form_do(const Form*, const Scope*);
  Node* form_thread_first(const Form*, const Scope*);
  Node* form_thread_last(const Form*, const Scope*);
  Node* form_quote(const Form*, const Scope*);
  Node* form_quasiquote(const Form*, const Scope*);
  Node* form_stray_unquote(const Form*, const Scope*);
  Node* form_nested_definition(const Form*, const Scope*);
  Node* form_match(const Form*, const Scope*);
  Node* form_guard(const Form*, const Scope*);
  Node* form_protect(const Form*, const Scope*);
  Node* form_with_handler(const Form*, const Scope*);
  Node* form_with_limits(const Form*, const Scope*);
  Node* form_parameterize(const Form*, const Scope*);
  Node* form_test(const Form*, const Scope*);
  Node* form_el(const Form*, const Scope*);
  Node* form_raw(const Form*, const Scope*);
  Node* form_frag(const Form*, const Scope*);
  Node* form_doctype(const Form*, const Scope*);
  Node* form_perform(const Form*, const Scope*);
  Node* form_resume(const Form*, const Scope*);
  Node* form_resume_raise(const Form*, const Scope*);
  Node* form_apply(const Form*, const Scope*);
  Node* form_raise(const Form*, const Scope*);
  Node* form_error(const Form*, const Scope*);
  Node* form_fiber_new(const Form*, const Scope*);
  Node* form_fiber_step(const Form*, const Scope*);
  Node* form_fiber_cancel(const Form*, const Scope*);
  Node* form_fiber_copy(const Form*, const Scope*);
  Node* form_get_dynamic(const Form*, const Scope*);
  Node* form_set_dynamic(const Form*, const Scope*);
  Node* form_call_limited(const Form*, const Scope*);
  Node* form_call_handled(const Form*, const Scope*);
  Node* form_backtrace(const Form*, const Scope*);

 private:
  bool fits_all(const Form* pattern) const;
  bool check_match_shape(const Form* form);
  Node* clauses(const Form* form, std::size_t from, const Scope* scope, Node* otherwise);
  Node* thread(const Form* form, const Scope* scope, bool last);
  Node* element(const Form* form, const Scope* scope);
  Node* component_call(const Form* form, const Resolved& head, const Scope* scope);
  bool is_element(const Form* form, const Scope* scope);

  // Loops and named lets around the form being expanded, innermost last. Those from barrier_ on
  // see the current form in tail position.
  struct LoopScope {
    Node* node = nullptr;
    Var* name = nullptr;  // named let
    std::size_t arity = 0;
    std::vector<Node*> tail_calls;
    std::size_t other_uses = 0;
    bool is_function = false;  // a barrier: recur does not leave a function
  };
  class NonTail {
   public:
    explicit NonTail(Expander& e) : e_(e), saved_(e.barrier_) { e.barrier_ = e.loops_.size(); }
    ~NonTail() { e_.barrier_ = saved_; }
    NonTail(const NonTail&) = delete;

   private:
    Expander& e_;
    std::size_t saved_;
  };

  CompileServices services_;
  const CompileOptions& options_;
  Context& cx_;
  Forms forms_;
  std::optional<Error> error_;
  std::deque<Node> nodes_;
  std::deque<Var> vars_;
  std::deque<FnNode> fns_;
  std::deque<Scope> scopes_;
  std::deque<Signature> signatures_;
  std::deque<GlobalName> globals_;
  std::deque<TemplateImage> templates_;
  std::deque<LetrecScope> letrecs_;
  std::unordered_map<std::string, GlobalName*> global_names_;
  std::unordered_map<std::string_view, int> primitive_index_;

  std::string module_;  // "" for a script
  std::uint32_t module_symbol_ = 0;
  std::vector<const Form*> export_forms_;
  std::vector<const Form*> portable_forms_;
  std::vector<std::string> uses_;
  struct Visible {
    const Export* exported;
    const ModuleInterface* interface;
  };
  std::unordered_map<std::string, Visible> visible_;
  std::deque<Definition> definitions_;
  std::unordered_map<std::uint32_t, Definition*> definition_by_symbol_;
  std::unordered_map<GlobalName*, Definition*> definition_by_global_;
  std::vector<std::string> required_ops_;

  // Calls of local names: how the functions are called is checked when all is known about the
  // names.
  std::vector<std::pair<const Form*, const Var*>> local_calls_;
  std::vector<LoopScope> loops_;
  std::size_t barrier_ = 0;
  // Deeper nesting of expressions than any person writes; below it no C++ stack runs out.
  static constexpr int kNestingMax = 1000;
  int depth_ = 0;
  bool in_macro_ = false;  // templates rename their symbols
  std::size_t alias_definitions_ = 0;
};

const SpecialForm* find_special_form(std::string_view name);

// After expansion: owners, captures, cells, self calls.
void analyse_function(FnNode* fn);
// Code for the top-level nodes into image.functions[0] and for all functions within.
Result<void> generate_unit(const CompileServices& services, const std::vector<Node*>& top,
                           UnitImage& image);

}  // namespace sx
