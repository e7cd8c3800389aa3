// The core language: what is left when macros and derived forms are expanded. One node type; the
// kind says which fields count. Nodes live as long as the compilation of their unit.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/bytecode/image.h"
#include "engine/bytecode/opcodes.h"
#include "engine/compiler/form.h"

namespace sx {

struct FnNode;
struct Node;
struct LetrecScope;

// A local variable.
struct Var {
  std::uint32_t symbol = 0;
  std::string name;
  FnNode* owner = nullptr;     // set by the analysis
  bool assigned = false;       // set! somewhere
  bool captured = false;       // used by a function inside its owner
  bool early = false;          // letrec: may be read before its definition has run
  bool component_key = false;  // a keyword parameter of a component: no shadowing of element tags
  FnNode* lambda = nullptr;    // the function it is bound to by letrec
  FnNode* function = nullptr;  // the function it is bound to, unless assigned
  int loop_arity = -1;         // named let: how many values a call takes
  std::string loop_usage;
  LetrecScope* letrec = nullptr;  // while its letrec's definitions are being expanded
  int letrec_index = -1;
  int loop = -1;  // named let: index in Expander::loops_ while its body is expanded
  int reg = -1;   // set by the code generator
  // In a cell: closures share it and it changes, or it is read before it is defined.
  bool boxed() const { return (captured && assigned) || early; }
  bool is_self() const { return lambda && !assigned && !early; }
};

enum class NodeKind : std::uint8_t {
  Const,      // value (an immediate), or text: an encoded constant when `encoded`
  Local,      // var
  Global,     // global
  SetLocal,   // var, kids[0]
  SetGlobal,  // global, kids[0]
  DefGlobal,  // global, kids[0]
  If,         // kids: test, then, else
  And,        // kids, at least one
  Or,         // kids, at least one
  Seq,        // kids, at least one
  Let,        // vars; kids: their values in order, then the body
  Letrec,     // vars (nullptr: an expression between definitions); kids: values, then the body
  Loop,       // vars; kids: first values, then the body
  Recur,      // target; kids: new values
  Lambda,     // fn
  Call,       // kids: function, arguments
  Apply,      // kids: function, arguments, list
  Prim,       // index; kids
  Dict,       // text: encoded vector of keywords; kids: values
  Guard,      // var; kids: body, handler
  Protect,    // kids: body, cleanup
  Effect,     // op; kids
  Template,   // markup; kids: holes
  Alt,        // kids: tried in order until one does not Fail
  Fail,       // go on with the next alternative of the Alt around
};

struct GlobalName;

struct Node {
  NodeKind kind;
  bool encoded = false;
  Op op = Op::Trap;
  std::uint16_t depth = 1;
  Position at;
  std::uint32_t index = 0;
  Value value = Value::nil();
  std::vector<Node*> kids;
  std::vector<Var*> vars;
  std::string text;
  Var* var = nullptr;
  FnNode* fn = nullptr;
  Node* target = nullptr;
  GlobalName* global = nullptr;
  TemplateImage* markup = nullptr;

  bool is_const() const { return kind == NodeKind::Const && !encoded; }
  bool is_int() const { return is_const() && value.is_int(); }
};

struct FnNode {
  std::string name, usage;
  Position at;
  std::vector<Var*> required, optional, keys;
  Var* rest = nullptr;
  std::vector<std::string> key_names;
  std::vector<std::pair<Var*, Node*>> defaults;  // of optional and key parameters that have one
  bool component = false;
  Node* body = nullptr;
  // Set by the analysis:
  FnNode* parent = nullptr;
  std::vector<Var*> captures;
  Var* self = nullptr;           // the letrec variable that holds this function
  GlobalName* global = nullptr;  // the top-level name, never assigned, that holds it
  bool self_tail = false;

  bool simple() const { return optional.empty() && keys.empty() && !rest; }
  std::vector<Var*> parameters() const {
    std::vector<Var*> all = required;
    all.insert(all.end(), optional.begin(), optional.end());
    all.insert(all.end(), keys.begin(), keys.end());
    if (rest) all.push_back(rest);
    return all;
  }
};

// How a function may be called, for checks at compile time.
struct Signature {
  int required = 0, optional = 0;
  std::vector<std::string> keys;
  bool rest = false;
  bool component = false;
  std::vector<std::string> names;  // of the required parameters
  std::string usage;
};

// A global as the compiler knows it.
struct GlobalName {
  std::string full;
  const Signature* signature = nullptr;
  bool own = false;       // defined by the unit being compiled
  bool assigned = false;  // set! somewhere in the unit
  FnNode* fn = nullptr;   // the function it is defined as
};

}  // namespace sx
