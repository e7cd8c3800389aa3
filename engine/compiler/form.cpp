// Values to forms and back, and forms as one line of text.
#include "engine/compiler/form.h"

#include "engine/reader/printer.h"
#include "engine/reader/reader.h"
#include "engine/value/collections.h"

namespace sx {

Forms::Forms(Context& cx) : cx_(cx) {
  cx_.heap.add_root_source(
      [](void* owner, Visitor& visitor) {
        auto* self = static_cast<Forms*>(owner);
        visitor.visit_range(self->roots_.data(), self->roots_.data() + self->roots_.size());
        visitor.visit_range(self->stack_.data(), self->stack_.data() + self->stack_.size());
      },
      this);
}

Forms::~Forms() { cx_.heap.remove_root_source(this); }

Form* Forms::make(Form::Kind kind, Position at) {
  arena_.emplace_back();
  Form* form = &arena_.back();
  form->kind = kind;
  form->at = at;
  return form;
}

Form* Forms::symbol(std::uint32_t id, Position at) { return atom(Value::symbol(id), at); }

Form* Forms::atom(Value immediate, Position at) {
  Form* form = make(Form::Kind::Atom, at);
  form->value = immediate;
  return form;
}

Form* Forms::list(std::vector<Form*> items, Position at) {
  if (items.empty()) return atom(Value::empty_list(), at);
  Form* form = make(Form::Kind::List, at);
  form->items = std::move(items);
  return form;
}

Form* Forms::text(std::string_view text, Position at) {
  Form* form = make(Form::Kind::Text, at);
  form->text = text;
  return form;
}

std::uint32_t Forms::base(std::uint32_t symbol) const {
  while (cx_.symbols.is_alias(symbol)) symbol = cx_.symbols.alias_base(symbol);
  return symbol;
}

// Fills one node; children are left in `pending`. Nothing here allocates on the SX heap.
void Forms::fill(Form* form, Value v, std::vector<std::pair<Form*, Value>>& pending) {
  auto child = [&](Value value, Position at) {
    Form* made = make(Form::Kind::Atom, at);
    pending.emplace_back(made, value);
    return made;
  };
  if (!v.is_object()) {
    form->value = v;
    return;
  }
  switch (v.as_object()->kind) {
    case Kind::Pair: {
      form->kind = Form::Kind::List;
      bool first = true;
      for (; is_pair(v); v = cdr(v)) {
        Position at = form->at;
        if (Value p = as_pair(v)->position(); p.is_int()) {
          at = {position_line(p), position_column(p)};
          if (first) {
            form->at = at;
            ++at.column;
          }
        }
        form->items.push_back(child(car(v), at));
        first = false;
      }
      if (!v.is_empty_list()) form->tail = child(v, form->at);
      return;
    }
    case Kind::String:
      form->kind = Form::Kind::Text;
      form->text = as_string(v)->view();
      return;
    case Kind::Vector:
      form->kind = Form::Kind::Vector;
      for (std::uint32_t i = 0; i < vector_count(v); ++i)
        form->items.push_back(child(vector_get(v, i), form->at));
      return;
    case Kind::ShapeDict:
    case Kind::HashDict: {
      form->kind = Form::Kind::Dict;
      DictCursor cursor(cx_, v);
      Value key, value;
      while (cursor.next(key, value)) {
        form->items.push_back(child(key, form->at));
        form->items.push_back(child(value, form->at));
      }
      return;
    }
    case Kind::Set: {
      form->kind = Form::Kind::Set;
      DictCursor cursor(cx_, v.as_object()->slots(0)[0]);
      Value key, value;
      while (cursor.next(key, value)) form->items.push_back(child(key, form->at));
      return;
    }
    case Kind::Record: {
      const auto* record = static_cast<Record*>(v.as_object());
      form->kind = Form::Kind::Record;
      form->value = record->type;
      for (std::uint32_t i = 0; i + 2 < record->words; ++i)
        form->items.push_back(child(record->fields()[i], form->at));
      return;
    }
    default:
      form->kind = Form::Kind::Heap;
      form->root = static_cast<std::uint32_t>(roots_.size());
      roots_.push_back(v);
      return;
  }
}

Form* Forms::from_value(Value v, Position at) {
  Form* result = make(Form::Kind::Atom, at);
  std::vector<std::pair<Form*, Value>> pending{{result, v}};
  while (!pending.empty()) {
    auto [form, value] = pending.back();
    pending.pop_back();
    fill(form, value, pending);
    // Vectors and dicts carry no position: their parts get the one of the form around them, and
    // lists found later bring their own.
  }
  return result;
}

Value Forms::to_value(const Form* form, bool plain) {
  const std::size_t base_size = stack_.size();
  struct Step {
    const Form* form;
    bool build;
  };
  std::vector<Step> steps{{form, false}};
  while (!steps.empty()) {
    Step step = steps.back();
    steps.pop_back();
    const Form* f = step.form;
    const std::size_t n = f->items.size();
    if (!step.build) {
      switch (f->kind) {
        case Form::Kind::Atom:
          stack_.push_back(plain && f->value.is_symbol() ? Value::symbol(base(f->value.id()))
                                                         : f->value);
          break;
        case Form::Kind::Text:
          stack_.push_back(make_string(cx_, f->text));
          break;
        case Form::Kind::Heap:
          stack_.push_back(roots_[f->root]);
          break;
        default:
          steps.push_back({f, true});
          if (f->tail) steps.push_back({f->tail, false});
          for (std::size_t i = n; i-- > 0;) steps.push_back({f->items[i], false});
          break;
      }
      continue;
    }
    // The parts lie on top of the stack, in order.
    const std::size_t first = stack_.size() - n - (f->tail ? 1 : 0);
    Value built = Value::nil();
    if (f->kind == Form::Kind::List) {
      if (!f->tail) stack_.push_back(Value::empty_list());
      for (std::size_t i = n; i-- > 0;) {
        if (plain) {
          stack_.back() = cx_.heap.cons(stack_[first + i], stack_.back());
        } else {
          const Position at = i == 0 ? f->at : f->items[i]->at;
          auto* pair = static_cast<Pair*>(cx_.heap.alloc(Kind::Pair, 4));
          pair->car = stack_[first + i];
          pair->cdr = stack_.back();
          (&pair->cdr)[1] = make_position(at.line, at.column);
          stack_.back() = Value::object(pair);
        }
      }
      built = stack_.back();
    } else if (f->kind == Form::Kind::Vector) {
      std::vector<Value> values(stack_.begin() + static_cast<std::ptrdiff_t>(first), stack_.end());
      built = make_vector(cx_, values);
    } else if (f->kind == Form::Kind::Record) {
      auto* record = static_cast<Record*>(
          cx_.heap.alloc_slots(Kind::Record, static_cast<std::uint32_t>(2 + n)));
      record->type = f->value;
      for (std::size_t i = 0; i < n; ++i) {
        record->fields()[i] = stack_[first + i];
        cx_.heap.write_barrier(record, stack_[first + i]);
      }
      built = Value::object(record);
    } else {
      const bool dict = f->kind == Form::Kind::Dict;
      stack_.push_back(dict ? empty_dict(cx_) : empty_set(cx_));
      for (std::size_t i = 0; i < n; i += dict ? 2 : 1) {
        const Value collection = stack_.back();
        stack_.back() = dict ? dict_put(cx_, collection, stack_[first + i], stack_[first + i + 1])
                             : set_add(cx_, collection, stack_[first + i]);
      }
      built = stack_.back();
    }
    stack_.resize(first);
    stack_.push_back(built);
  }
  const Value result = stack_.back();
  stack_.resize(base_size);
  return result;
}

std::string Forms::show(const Form* form, std::size_t bytes_max) const {
  std::string out;
  show(form, out, bytes_max, 0);
  if (out.size() > bytes_max) {
    std::size_t cut = bytes_max;
    while (cut > 0 && (static_cast<unsigned char>(out[cut]) & 0xC0) == 0x80) --cut;
    out.resize(cut);
    out += "…";
  }
  return out;
}

void Forms::show(const Form* form, std::string& out, std::size_t bytes_max, int depth) const {
  if (out.size() > bytes_max) return;
  if (depth > 30) {
    out += "…";
    return;
  }
  auto items = [&](const char* open, const char* close) {
    out += open;
    for (std::size_t i = 0; i < form->items.size() && out.size() <= bytes_max; ++i) {
      if (i) out += ' ';
      show(form->items[i], out, bytes_max, depth + 1);
    }
    if (form->tail) {
      out += " . ";
      show(form->tail, out, bytes_max, depth + 1);
    }
    out += close;
  };
  switch (form->kind) {
    case Form::Kind::Atom:
      out += form->value.is_symbol() ? std::string(base_name(form)) : print(cx_, form->value);
      return;
    case Form::Kind::Text:
      out += '"';
      for (char c : form->text) {
        if (c == '"' || c == '\\') out += '\\';
        if (c == '\n')
          out += "\\n";
        else
          out += c;
        if (out.size() > bytes_max) return;
      }
      out += '"';
      return;
    case Form::Kind::Heap:
      out += print(cx_, roots_[form->root], {.bytes_max = bytes_max});
      return;
    case Form::Kind::List:
      return items("(", ")");
    case Form::Kind::Vector:
      return items("[", "]");
    case Form::Kind::Dict:
      return items("{", "}");
    case Form::Kind::Set:
      return items("#{", "}");
    case Form::Kind::Record:
      out += '#';
      out += record_name(cx_, static_cast<const RecordType*>(form->value.as_object()));
      return items("{", "}");
  }
}

}  // namespace sx
