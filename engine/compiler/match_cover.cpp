// The usefulness of one more clause, after L. Maranget, "Warnings for pattern matching" (2007):
// rows are clauses, columns the places of the value still to be looked at. A column is taken apart
// by each constructor that can stand there; where no row is left, the constructors on the way are a
// value that fits no clause.
//
// SX has no static types, so what can stand at a place is known in two ways only: from the form of
// the value (a vector written out, a call of a function that answers true or false), or from the
// clauses, when they name every constructor of a closed family at this place: true and false, ()
// and a pair, all lengths of vectors. At other places a value counts as possible when a clause
// names it, or when a clause takes anything there.
//
// What cannot be looked into (a test by a function, :when) counts as fitting, so a value that is
// reported fits no clause for certain.
#include "engine/compiler/match_cover.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

#include "engine/base/str.h"

namespace sx {

namespace {

// Cells that may be looked at: beyond it the clauses count as complete.
constexpr std::size_t kWorkMax = 200'000;
constexpr int kSubjectDepthMax = 20;

enum class Family : std::uint8_t {
  True,
  False,
  Empty,    // ()
  Pair,     // first, rest
  Vector,   // n elements
  Record,   // text: the type
  Literal,  // text: as written
  Kind,     // text: what a predicate of the language tells, like "string?"
  Dict,
};

struct Constructor {
  Family family;
  std::uint32_t arity = 0;
  std::uint32_t text = 0;  // index in MatchCover::texts_
  bool operator==(const Constructor&) const = default;
  // Of a family that some place can be known to hold alone.
  bool closed() const { return family <= Family::Vector; }
};
using Constructors = std::vector<Constructor>;

bool holds(const Constructors& list, const Constructor& c) {
  return std::find(list.begin(), list.end(), c) != list.end();
}
void add(Constructors& list, const Constructor& c) {
  if (!holds(list, c)) list.push_back(c);
}

struct Pattern {
  enum class Is : std::uint8_t { Made, AtLeast, Any, AnyOf, AllOf };
  Is is = Is::Any;
  Constructor made{Family::Dict};  // Made; AtLeast: a vector of at least so many elements
  std::vector<const Pattern*> parts;
};

// A place in the value: what the clauses name there, and what the value is known to be.
struct Place {
  Constructors named;
  Constructors at_least;  // vectors with a rest, of the elements before it
  Constructors known;     // all that can stand here, from the form of the value
  struct Part {
    Constructor of;
    std::uint32_t index;
    Place* place;
  };
  std::vector<Part> parts;
};

using Slot = std::vector<const Pattern*>;  // all of them are to fit; none: anything does
using Row = std::vector<Slot>;

struct Decision {
  std::size_t before;  // index in the list of decisions + 1; 0: none
  Constructor made;
};

struct State {
  std::vector<Place*> columns;
  std::vector<Row> rows;
  std::size_t decision = 0;
};

}  // namespace

class MatchCover {
 public:
  MatchCover(Expander& e, const Scope* scope) : e_(e), scope_(scope) {}

  std::optional<std::string> run(const Form* form) {
    Place* const root = place();
    know(form->items[1], root, 0);
    State start;
    start.columns = {root};
    for (std::size_t i = 2; i < form->size(); ++i) {
      const Pattern* p = read(form->items[i]->items[0]);
      note(p, root);
      start.rows.push_back({Slot{p}});
    }
    std::vector<State> waiting;
    waiting.push_back(std::move(start));
    while (!waiting.empty()) {
      State state = std::move(waiting.back());
      waiting.pop_back();
      if (state.rows.empty()) return text_of(state.decision);
      if (state.columns.empty()) continue;
      if (!split_head(state)) return std::nullopt;
      std::vector<State> next;
      if (!take_apart(state, next)) return std::nullopt;
      // The first constructor is looked at first.
      for (std::size_t i = next.size(); i > 0; --i) waiting.push_back(std::move(next[i - 1]));
    }
    return std::nullopt;
  }

 private:
  Place* place() { return &places_.emplace_back(); }
  Place* part(Place* of, const Constructor& c, std::uint32_t i) {
    // Elements of vectors are the same place whatever the length.
    const Constructor key = c.family == Family::Vector ? Constructor{Family::Vector} : c;
    for (const Place::Part& have : of->parts)
      if (have.index == i && have.of == key) return have.place;
    Place* const made = place();
    of->parts.push_back({key, i, made});
    return made;
  }

  // --- patterns ------------------------------------------------------------------------------
  Pattern* pattern(Pattern::Is is) {
    patterns_.emplace_back();
    patterns_.back().is = is;
    return &patterns_.back();
  }
  const Pattern* any() { return pattern(Pattern::Is::Any); }
  const Pattern* made(Family family, std::vector<const Pattern*> parts = {},
                      std::string_view text = {}) {
    Pattern* p = pattern(Pattern::Is::Made);
    p->made = {family, static_cast<std::uint32_t>(parts.size()), text_id(text)};
    p->parts = std::move(parts);
    return p;
  }
  std::uint32_t text_id(std::string_view text) {
    std::uint32_t i = 0;
    while (i < texts_.size() && texts_[i] != text) ++i;
    if (i == texts_.size()) texts_.emplace_back(text);
    return i;
  }
  const Pattern* together(Pattern::Is is, std::vector<const Pattern*> parts) {
    Pattern* p = pattern(is);
    p->parts = std::move(parts);
    return p;
  }

  const Pattern* datum(const Form* form) {
    if (form->is_empty()) return made(Family::Empty);
    if (form->kind == Form::Kind::Atom && form->value.is_bool())
      return made(form->value.truthy() ? Family::True : Family::False);
    if (form->kind == Form::Kind::List || form->kind == Form::Kind::Vector)
      return any();  // quoted data: taken as fitting
    return made(Family::Literal, {}, e_.forms_.show(form));
  }

  // Patterns nest as deep as the compiler of patterns lets them, some hundred levels.
  const Pattern* read(const Form* p) {
    switch (p->kind) {
      case Form::Kind::Atom:
        return p->value.is_symbol() ? any() : datum(p);
      case Form::Kind::Vector: {
        std::vector<const Pattern*> parts;
        for (const Form* item : p->items) {
          if (e_.forms_.is_named(item, "&")) {
            Pattern* rest = pattern(Pattern::Is::AtLeast);
            rest->made = {Family::Vector, static_cast<std::uint32_t>(parts.size())};
            rest->parts = std::move(parts);
            return rest;
          }
          parts.push_back(read(item));
        }
        return made(Family::Vector, std::move(parts));
      }
      case Form::Kind::Dict:
        return made(Family::Dict);
      case Form::Kind::List:
        return read_form(p);
      default:
        return datum(p);
    }
  }

  const Pattern* read_form(const Form* p) {
    const std::string head = e_.text_of(p->items[0]);
    if (head == "quote") return datum(p->items[1]);
    if (head == "cons") return made(Family::Pair, {read(p->items[1]), read(p->items[2])});
    if (head == "list") {
      std::size_t end = p->size();
      const Pattern* list = nullptr;
      if (end > 2 && e_.forms_.is_named(p->items[end - 2], "&")) {
        list = read(p->items[end - 1]);
        end -= 2;
      } else {
        list = made(Family::Empty);
      }
      while (end-- > 1) list = made(Family::Pair, {read(p->items[end]), list});
      return list;
    }
    if (head == "?") {
      const Pattern* kind = of_kind(p->items[1]);
      return p->size() == 2 ? kind : together(Pattern::Is::AllOf, {kind, read(p->items[2])});
    }
    std::vector<const Pattern*> parts;
    for (std::size_t i = 1; i < p->size(); ++i) parts.push_back(read(p->items[i]));
    if (head == "and") return together(Pattern::Is::AllOf, std::move(parts));
    if (head == "or") return together(Pattern::Is::AnyOf, std::move(parts));
    return made(Family::Record, std::move(parts), head);
  }

  // What a predicate of the language says about the shape; of other tests nothing is known.
  const Pattern* of_kind(const Form* test) {
    if (!is_primitive(test)) return any();
    const std::string name = e_.text_of(test);
    if (name == "nil?") return made(Family::Literal, {}, "nil");
    if (name == "boolean?")
      return together(Pattern::Is::AnyOf, {made(Family::True), made(Family::False)});
    if (name == "pair?") return made(Family::Pair, {any(), any()});
    if (name == "list?")
      return together(Pattern::Is::AnyOf,
                      {made(Family::Empty), made(Family::Pair, {any(), any()})});
    if (name == "vector?") {
      Pattern* rest = pattern(Pattern::Is::AtLeast);
      rest->made = {Family::Vector};
      return rest;
    }
    for (const char* kind : {"number?", "integer?", "float?", "string?", "symbol?", "keyword?",
                             "char?", "dict?", "set?", "bytes?", "cell?", "array?", "table?"})
      if (name == kind) return made(Family::Kind, {}, name);
    return any();
  }

  bool is_primitive(const Form* symbol) {
    return symbol->is_symbol() &&
           e_.resolve(symbol->value.id(), scope_).kind == Resolved::Kind::Primitive;
  }

  // --- what is known ----------------------------------------------------------------------------
  // What the clauses name, place by place.
  void note(const Pattern* p, Place* at) {
    switch (p->is) {
      case Pattern::Is::Any:
        return;
      case Pattern::Is::AnyOf:
      case Pattern::Is::AllOf:
        for (const Pattern* part : p->parts) note(part, at);
        return;
      case Pattern::Is::AtLeast:
        add(at->at_least, p->made);
        break;
      case Pattern::Is::Made:
        add(at->named, p->made);
        break;
    }
    for (std::size_t i = 0; i < p->parts.size(); ++i)
      note(p->parts[i], part(at, p->made, static_cast<std::uint32_t>(i)));
  }

  // What the form of the value tells.
  void know(const Form* form, Place* at, int depth) {
    if (depth > kSubjectDepthMax) return;
    const auto parts = [&](const Constructor& c, const std::vector<Form*>& items,
                           std::size_t from) {
      at->known = {c};
      for (std::uint32_t i = 0; i < c.arity; ++i) know(items[from + i], part(at, c, i), depth + 1);
    };
    switch (form->kind) {
      case Form::Kind::Atom:
        if (form->value.is_bool())
          at->known = {{form->value.truthy() ? Family::True : Family::False}};
        if (form->is_empty()) at->known = {{Family::Empty}};
        return;
      case Form::Kind::Vector:
        return parts({Family::Vector, static_cast<std::uint32_t>(form->size())}, form->items, 0);
      case Form::Kind::List:
        break;
      default:
        return;
    }
    if (form->tail || !form->items[0]->is_symbol()) return;
    const Resolved head = e_.resolve(form->items[0]->value.id(), scope_, true);
    const std::string name = e_.text_of(form->items[0]);
    if (head.kind == Resolved::Kind::Global && head.global->signature &&
        is_record(name, *head.global->signature, form->size() - 1))
      return parts({Family::Record, static_cast<std::uint32_t>(form->size() - 1), text_id(name)},
                   form->items, 1);
    if (head.kind != Resolved::Kind::Primitive) return;
    if (name == "cons" && form->size() == 3) return parts({Family::Pair, 2}, form->items, 1);
    if (name == "vector")
      return parts({Family::Vector, static_cast<std::uint32_t>(form->size() - 1)}, form->items, 1);
    if (name == "list") {
      for (std::size_t i = 1; i < form->size(); ++i) {
        const Constructor pair{Family::Pair, 2};
        at->known = {pair};
        know(form->items[i], part(at, pair, 0), depth + 1);
        at = part(at, pair, 1);
      }
      at->known = {{Family::Empty}};
      return;
    }
    const auto is = [&](auto... names) { return ((name == names) || ...); };
    if (name.back() == '?' || is("not", "=", "not=", "==", "<", "<=", ">", ">="))
      at->known = {{Family::True}, {Family::False}};
  }

  // A defrecord makes name, name? and an accessor for each field.
  bool is_record(const std::string& name, const Signature& s, std::size_t arguments) {
    if (s.optional > 0 || s.rest || !s.keys.empty() || s.names.size() != arguments ||
        s.names.empty())
      return false;
    const auto defined = [&](const std::string& related) {
      const std::uint32_t id = e_.cx_.symbols.intern(related);
      const auto found = e_.definition_by_symbol_.find(id);
      return found != e_.definition_by_symbol_.end() &&
             found->second->kind == Definition::Kind::Record;
    };
    if (!defined(name + "?")) return false;
    for (const std::string& field : s.names)
      if (!defined(name + "-" + field)) return false;
    return true;
  }

  // --- taking the first column apart ---------------------------------------------------------
  bool work(std::size_t cells) {
    work_ += cells + 1;
    return work_ <= kWorkMax;
  }

  // Afterwards the first cells hold neither AnyOf nor AllOf nor Any.
  bool split_head(State& state) {
    std::vector<Row> rows;
    std::vector<Row> waiting(state.rows.rbegin(), state.rows.rend());
    while (!waiting.empty()) {
      Row row = std::move(waiting.back());
      waiting.pop_back();
      if (!work(row.size())) return false;
      Slot flat;
      bool split = false;
      Slot open(row[0].rbegin(), row[0].rend());
      while (!open.empty() && !split) {
        const Pattern* p = open.back();
        open.pop_back();
        switch (p->is) {
          case Pattern::Is::Any:
            break;
          case Pattern::Is::AllOf:
            open.insert(open.end(), p->parts.rbegin(), p->parts.rend());
            break;
          case Pattern::Is::AnyOf:
            split = true;
            for (std::size_t i = p->parts.size(); i > 0; --i) {
              Row one = row;
              one[0] = flat;
              one[0].push_back(p->parts[i - 1]);
              one[0].insert(one[0].end(), open.rbegin(), open.rend());
              if (!work(one.size())) return false;
              waiting.push_back(std::move(one));
            }
            break;
          default:
            flat.push_back(p);
        }
      }
      if (split) continue;
      row[0] = std::move(flat);
      rows.push_back(std::move(row));
    }
    state.rows = std::move(rows);
    return true;
  }

  static bool fits(const Pattern* p, const Constructor& c) {
    if (p->is == Pattern::Is::AtLeast)
      return c.family == Family::Vector && c.arity >= p->made.arity;
    if (p->made == c) return true;
    if (p->made.family == Family::Dict && c.family == Family::Record) return true;
    // One value can be of several open kinds.
    return !p->made.closed() && !c.closed() && p->made.family != Family::Record &&
           c.family != Family::Record &&
           (p->made.family == Family::Kind || c.family == Family::Kind);
  }

  // All that can stand at a place, where that is known; and what the rows name beside it.
  void constructors(const State& state, Constructors& closed, Constructors& open) const {
    const Place& at = *state.columns[0];
    if (!at.known.empty()) {
      closed = at.known;
      return;
    }
    const auto family = [&](const Constructor& a, const Constructor& b) {
      if (!holds(at.named, a) || !holds(at.named, b)) return;
      closed.push_back(a);
      closed.push_back(b);
    };
    family({Family::True}, {Family::False});
    family({Family::Empty}, {Family::Pair, 2});
    bool vectors = !at.at_least.empty();
    if (vectors) {
      // Every length below the least rest is named: then all vectors are.
      std::uint32_t least = UINT32_MAX, longest = 0;
      for (const Constructor& c : at.at_least) {
        least = std::min(least, c.arity);
        longest = std::max(longest, c.arity);
      }
      for (std::uint32_t n = 0; n < least && vectors; ++n)
        vectors = holds(at.named, {Family::Vector, n});
      for (const Constructor& c : at.named)
        if (c.family == Family::Vector) longest = std::max(longest, c.arity + 1);
      if (vectors)
        for (std::uint32_t n = 0; n <= longest; ++n) closed.push_back({Family::Vector, n});
    }
    for (const Row& row : state.rows)
      for (const Pattern* p : row[0]) {
        const bool in_closed = p->is == Pattern::Is::AtLeast ? vectors : holds(closed, p->made);
        if (!in_closed) add(open, p->made);
      }
  }

  bool take_apart(const State& state, std::vector<State>& next) {
    Constructors closed, open;
    constructors(state, closed, open);
    for (std::size_t i = 0; i < closed.size() + open.size(); ++i) {
      State one;
      const bool certain = i < closed.size();
      if (!specialise(state, certain ? closed[i] : open[i - closed.size()], one)) return false;
      // That an open place holds this value says a row alone: it is there.
      if (certain || !one.rows.empty()) next.push_back(std::move(one));
    }
    // Anything else, where clauses take anything; but a place of which the clauses name a closed
    // family alone is taken for one of that family.
    const Place& at = *state.columns[0];
    if (!at.known.empty()) return true;
    bool mixed = closed.empty();
    for (const Constructor& c : at.named) mixed = mixed || !holds(closed, c);
    if (!mixed) return true;
    State rest;
    rest.columns.assign(state.columns.begin() + 1, state.columns.end());
    rest.decision = decide(state.decision, {Family::Dict});
    for (const Row& row : state.rows) {
      if (!row[0].empty()) continue;
      if (!work(row.size())) return false;
      rest.rows.emplace_back(row.begin() + 1, row.end());
    }
    if (!rest.rows.empty()) next.push_back(std::move(rest));
    return true;
  }

  bool specialise(const State& state, const Constructor& c, State& out) {
    for (std::uint32_t i = 0; i < c.arity; ++i) out.columns.push_back(part(state.columns[0], c, i));
    out.columns.insert(out.columns.end(), state.columns.begin() + 1, state.columns.end());
    if (!work(out.columns.size())) return false;
    for (const Row& row : state.rows) {
      if (!work(row.size() + c.arity)) return false;
      Row inner(c.arity);
      bool possible = true;
      for (const Pattern* p : row[0]) {
        possible = possible && fits(p, c);
        if (!possible) break;
        for (std::size_t i = 0; i < p->parts.size() && i < c.arity; ++i)
          inner[i].push_back(p->parts[i]);
      }
      if (!possible) continue;
      inner.insert(inner.end(), row.begin() + 1, row.end());
      out.rows.push_back(std::move(inner));
    }
    out.decision = decide(state.decision, c);
    return true;
  }

  // --- the value as text -----------------------------------------------------------------------
  std::size_t decide(std::size_t before, const Constructor& c) {
    decisions_.push_back({before, c});
    return decisions_.size();
  }

  // Decisions are the value in prefix order; what was not decided is anything.
  std::string text_of(std::size_t last) const {
    std::vector<const Decision*> way;
    for (; last != 0; last = decisions_[last - 1].before) way.push_back(&decisions_[last - 1]);
    std::size_t used = 0;
    std::string out;
    write(way, used, out, 0);
    return out;
  }
  void write(const std::vector<const Decision*>& way, std::size_t& used, std::string& out,
             int depth) const {
    if (used >= way.size()) {
      out += "_";
      return;
    }
    const Constructor& d = way[way.size() - ++used]->made;
    const auto parts = [&](std::string_view open, std::string_view close) {
      out += open;
      for (std::uint32_t i = 0; i < d.arity; ++i) {
        if (i > 0 || open.size() > 1) out += " ";
        write(way, used, out, depth + 1);
      }
      out += close;
    };
    switch (d.family) {
      case Family::True:
        out += "true";
        break;
      case Family::False:
        out += "false";
        break;
      case Family::Empty:
        out += "()";
        break;
      case Family::Pair:
        parts("(cons", ")");
        break;
      case Family::Vector:
        parts("[", "]");
        break;
      case Family::Record:
        parts(str("(", texts_[d.text]), ")");
        break;
      case Family::Literal:
        out += texts_[d.text];
        break;
      case Family::Kind:
      case Family::Dict:
        out += "_";
        break;
    }
  }

  Expander& e_;
  const Scope* scope_;
  std::deque<Pattern> patterns_;
  std::deque<Place> places_;
  std::vector<Decision> decisions_;
  std::vector<std::string> texts_ = {""};
  std::size_t work_ = 0;
};

std::optional<std::string> missed_by_match(Expander& expander, const Form* form,
                                           const Scope* scope) {
  return MatchCover(expander, scope).run(form);
}

}  // namespace sx
