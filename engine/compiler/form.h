// Forms: source code as the compiler holds it, outside the SX heap.
//
// The reader's and the macros' values are copied into these nodes at once, so nothing in the
// compiler has to follow a moving collector; a form turns back into a value for a macro's
// arguments and for quoted constants. Both directions are iterative: quoted data may be as deep as
// memory allows.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/base/result.h"
#include "engine/gc/context.h"

namespace sx {

struct Position {
  std::uint32_t line = 0, column = 0;
};

struct Form {
  enum class Kind : std::uint8_t {
    Atom,    // value: an immediate (number, symbol, keyword, char, nil, true, false, ())
    Text,    // text: a string
    Heap,    // root: a big integer, bytes, or another value a macro put there
    List,    // items, and tail when dotted
    Vector,  // items
    Dict,    // items: key, value, key, value, …
    Set,     // items
    Record,  // value: the type (static); items: the values of its fields
  };
  Kind kind = Kind::Atom;
  Position at;
  Value value = Value::nil();
  std::uint32_t root = 0;
  std::string text;
  std::vector<Form*> items;
  Form* tail = nullptr;

  bool is_symbol() const { return kind == Kind::Atom && value.is_symbol(); }
  bool is_keyword() const { return kind == Kind::Atom && value.is_keyword(); }
  bool is_text() const { return kind == Kind::Text; }
  bool is_int() const { return kind == Kind::Atom && value.is_int(); }
  bool is_nil() const { return kind == Kind::Atom && value.is_nil(); }
  bool is_list() const { return kind == Kind::List && !tail; }  // not empty: () is an Atom
  bool is_empty() const { return kind == Kind::Atom && value.is_empty_list(); }
  bool is_proper() const { return is_list() || is_empty(); }
  std::size_t size() const { return items.size(); }
};

class Forms {
 public:
  explicit Forms(Context& cx);
  ~Forms();
  Forms(const Forms&) = delete;
  Forms& operator=(const Forms&) = delete;

  // A copy of v; places without a position of their own get `at`.
  Form* from_value(Value v, Position at);
  // The value a form stands for. With `plain`, aliases become their base symbols and pairs carry
  // no positions (quoted data); otherwise the form as a macro sees it. Root the result at once.
  Value to_value(const Form* form, bool plain);

  Form* symbol(std::uint32_t id, Position at);
  Form* symbol(std::string_view name, Position at) { return symbol(cx_.symbols.intern(name), at); }
  Form* list(std::vector<Form*> items, Position at);
  Form* text(std::string_view text, Position at);
  Form* atom(Value immediate, Position at);

  // The symbol as written: aliases resolved to the name they were made from.
  std::uint32_t base(std::uint32_t symbol) const;
  std::string_view base_name(const Form* symbol) const {
    return cx_.symbols.name(base(symbol->value.id()));
  }
  bool is_named(const Form* form, std::string_view name) const {
    return form->is_symbol() && base_name(form) == name;
  }

  // The form in one line, shortened to about `bytes_max`.
  std::string show(const Form* form, std::size_t bytes_max = 72) const;

  Value heap_value(const Form* form) const { return roots_[form->root]; }

 private:
  Form* make(Form::Kind kind, Position at);
  void fill(Form* form, Value v, std::vector<std::pair<Form*, Value>>& pending);
  void show(const Form* form, std::string& out, std::size_t bytes_max, int depth) const;

  Context& cx_;
  std::deque<Form> arena_;
  std::vector<Value> roots_;  // of Heap forms
  std::vector<Value> stack_;  // work in progress of to_value
};

}  // namespace sx
