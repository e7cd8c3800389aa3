// Writes frozen fibers. Nothing here allocates on the heap, so objects stay where they are while
// they are walked; nothing recurses, so data may be of any depth.
#include "engine/vm/freeze.h"

#include <unordered_map>
#include <unordered_set>

#include "engine/base/str.h"
#include "engine/bytecode/bytes.h"
#include "engine/bytecode/constant.h"
#include "engine/prim/primitives.h"
#include "engine/reader/printer.h"
#include "engine/value/builder.h"
#include "engine/value/collections.h"
#include "engine/vm/frames.h"
#include "engine/vm/freeze_code.h"
#include "engine/vm/freeze_path.h"

namespace sx {

namespace {

constexpr std::uint16_t kUnwindToken = 0xC1EA;  // as in unwind.cpp

// Natives of extensions are known by the global that has them.
bool is_builtin(Value v) {
  return is_kind(v, Kind::Primitive) &&
         static_cast<PrimitiveObject*>(v.as_object())->index < primitive_count();
}

class Writer {
 public:
  Writer(Vm& vm, std::string& out) : vm_(vm), cx_(vm.cx), out_(out) {}

  bool run(Value root) {
    if (!is_kind(root, Kind::Fiber) && !is_kind(root, Kind::Continuation)) {
      cx_.fail_type("freeze", "fiber or continuation", root);
      return false;
    }
    portable_ =
        is_kind(root, Kind::Fiber) && as_fiber(root)->state() && as_fiber(root)->state()->portable;
    if (is_kind(root, Kind::Fiber) ? !as_fiber(root)->state() : as_continuation(root)->used != 0)
      return refuse(0, is_kind(root, Kind::Fiber)
                           ? "this fiber has finished; only a suspended one can be frozen"
                           : "this continuation was already resumed or cancelled");
    note_globals();
    if (!visit(root, 0)) return false;
    // Contents of what has an identity; each may bring more of it.
    for (std::size_t i = 0; i < owns_.size(); ++i)
      if (!content(i)) return false;
    if (portable_ && !check_portable()) return false;
    assemble(root);
    if (!cx_.heap.can_allocate(out_.size())) return too_large();
    consume();
    return true;
  }

 private:
  static constexpr std::uint64_t kBusy = UINT64_MAX;
  static constexpr std::uint64_t kOwn = std::uint64_t{1} << 63;

  // --- refusing ----------------------------------------------------------------------------------
  bool refuse(std::uint32_t step, std::string_view why) {
    const std::string path = path_.text(step, cx_.symbols);
    cx_.fail("freeze-error", str("freeze: ", why, path.empty() ? "" : ". Found in: ", path));
    return false;
  }
  bool refuse_value(std::uint32_t step, Value v, std::string_view why) {
    return refuse(step, str(print(cx_, v, {.bytes_max = 80}), " ", why));
  }
  bool too_large() {
    const Field which[] = {{"limit", cx_.keyword("heap")}};
    cx_.fail("limit", "freeze: the frozen bytes do not fit in the heap limit",
             make_dict(cx_, which));
    return false;
  }

  std::uint32_t step(std::uint32_t from, Way way, std::uint32_t n = 0, std::uint32_t frame = 0) {
    return path_.step(from, way, n, frame);
  }

  // --- what is known by name ---------------------------------------------------------------------
  void note_globals() {
    for (const Global& global : vm_.globals.all())
      if (global.value.is_object() && !is_builtin(global.value) &&
          named_by_global(global.value.as_object()->kind))
        globals_.emplace(global.value.as_object(), &global);
  }
  std::uint64_t name_index(std::uint32_t id) {
    const auto [at, fresh] = names_.emplace(id, names_.size());
    if (fresh) put_text(names_text_, cx_.symbols.name(id));
    return at->second;
  }
  std::uint64_t unit_index(Unit* unit) {
    const auto [at, fresh] = units_.emplace(unit, units_.size());
    if (fresh) unit_list_.push_back(unit);
    return at->second;
  }

  // --- values ------------------------------------------------------------------------------------
  static void put_tag(std::string& out, ValueTag tag) { out.push_back(static_cast<char>(tag)); }

  // What v refers to has been visited.
  void put(std::string& out, Value v) {
    if (v.is_int()) {
      put_tag(out, ValueTag::Int);
      put_count(out, zigzag(v.as_int()));
    } else if (v.is_double()) {
      put_tag(out, ValueTag::Double);
      put_u64(out, Value::from_double(v.as_double()).bits);
    } else if (v.is_char()) {
      put_tag(out, ValueTag::Char);
      put_count(out, v.id());
    } else if (v.is_symbol() || v.is_keyword()) {
      put_tag(out, v.is_symbol() ? ValueTag::Symbol : ValueTag::Keyword);
      put_count(out, name_index(v.id()));
    } else if (is_builtin(v)) {
      put_tag(out, ValueTag::Primitive);
      put_count(out, static_cast<PrimitiveObject*>(v.as_object())->index);
    } else if (v.is_object()) {
      const std::uint64_t ref = refs_.at(v.as_object());
      put_tag(out, (ref & kOwn) ? ValueTag::Own : ValueTag::Part);
      // Parts tell how far back, everything else which one.
      put_count(out, (ref & kOwn) ? ref & ~kOwn : &out == &parts_ ? part_count_ - ref : ref);
    } else {
      static constexpr std::pair<Value, ValueTag> kSpecials[] = {
          {Value::nil(), ValueTag::Nil},     {Value::fals(), ValueTag::False},
          {Value::tru(), ValueTag::True},    {Value::empty_list(), ValueTag::EmptyList},
          {Value::unset(), ValueTag::Unset}, {Value::eof(), ValueTag::Eof}};
      for (const auto& [special, tag] : kSpecials)
        if (v == special) put_tag(out, tag);
    }
  }

  struct Waiting {
    Object* object;
    std::uint32_t step;
    bool expanded;
  };

  // Writes every part that v consists of, and notes what has an identity.
  bool visit(Value v, std::uint32_t from) {
    push(v, from);
    while (!waiting_.empty()) {
      Waiting& top = waiting_.back();
      const Value object = Value::object(top.object);
      if (top.expanded) {
        waiting_.pop_back();
        put_part(object.as_object());
        refs_[object.as_object()] = part_count_++;
        continue;
      }
      const auto [ref, fresh] = refs_.emplace(top.object, kBusy);
      if (!fresh) {
        // Only what is mutable can be part of itself.
        if (ref->second == kBusy) return refuse_value(top.step, object, "contains itself");
        waiting_.pop_back();
        continue;
      }
      if ((refs_.size() & 0xFFF) == 0 && !room()) return too_large();
      cx_.charge(64);
      const std::uint32_t at = top.step;
      if (has_identity(top.object)) {
        waiting_.pop_back();
        ref->second = kOwn | owns_.size();
        owns_.push_back({object.as_object(), at});
        if (!put_own(object, at)) return false;
        continue;
      }
      if (!may_travel(top.object->kind)) return refuse_value(at, object, "cannot travel");
      if (portable_ && top.object->kind == Kind::Secret)
        return refuse(at, "a secret value does not go into a portable fiber");
      if (top.object->kind == Kind::Template && !template_unit(object, at)) return false;
      top.expanded = true;
      const std::size_t first = waiting_.size();
      each_part(object, [&](Value part, Way way, std::uint32_t n) {
        if (part.is_object()) push(part, at, way, n);
      });
      // The first part is to be written first.
      for (std::size_t i = first, k = waiting_.size(); i + 1 < k; ++i, --k)
        std::swap(waiting_[i], waiting_[k - 1]);
    }
    return true;
  }
  void push(Value v, std::uint32_t from) {
    if (needs_visit(v)) waiting_.push_back({v.as_object(), from, false});
  }
  void push(Value v, std::uint32_t from, Way way, std::uint32_t n) {
    if (needs_visit(v)) waiting_.push_back({v.as_object(), step(from, way, n), false});
  }
  bool needs_visit(Value v) const {
    return v.is_object() && !is_builtin(v) && !refs_done(v.as_object());
  }
  bool refs_done(const Object* object) const {
    const auto found = refs_.find(object);
    return found != refs_.end() && found->second != kBusy;
  }
  bool room() const {
    return cx_.heap.can_allocate(shells_.size() + parts_.size() + contents_.size() +
                                 refs_.size() * 48 + path_.bytes());
  }

  bool has_identity(const Object* object) const {
    switch (object->kind) {
      case Kind::Closure:
      case Kind::Cell:
      case Kind::Array:
      case Kind::Table:
      case Kind::StringBuilder:
      case Kind::TypedArray:
      case Kind::Fiber:
      case Kind::Continuation:
        return true;
      case Kind::Parameter:
      case Kind::Primitive:  // of an extension
        return globals_.count(object) != 0;
      default:
        return false;
    }
  }
  static bool may_travel(Kind kind) {
    switch (kind) {
      case Kind::Pair:
      case Kind::String:
      case Kind::Bytes:
      case Kind::BigInt:
      case Kind::Vector:
      case Kind::ShapeDict:
      case Kind::HashDict:
      case Kind::Set:
      case Kind::RecordType:
      case Kind::Record:
      case Kind::Template:
      case Kind::Raw:
      case Kind::Parameter:
      case Kind::Secret:
        return true;
      default:
        return false;
    }
  }

  template <class F>
  void each_part(Value v, F&& part) {
    Object* object = v.as_object();
    switch (object->kind) {
      case Kind::Pair:
        part(car(v), Way::Head, 0);
        part(cdr(v), Way::Tail, 0);
        break;
      case Kind::Vector:
        for (std::uint32_t i = 0; i < vector_count(v); ++i) part(vector_get(v, i), Way::Element, i);
        break;
      case Kind::ShapeDict:
      case Kind::HashDict:
        each_entry(v, [&](Value key, Value value, std::uint32_t n) {
          part(key, Way::Key, n);
          part(value, key.is_keyword() ? Way::Named : Way::Entry, key.is_keyword() ? key.id() : n);
        });
        break;
      case Kind::Set:
        each_entry(set_dict(v),
                   [&](Value key, Value, std::uint32_t n) { part(key, Way::Member, n); });
        break;
      case Kind::Record: {
        auto* record = static_cast<Record*>(object);
        part(record->type, Way::Content, 0);
        const auto* type = static_cast<const RecordType*>(record->type.as_object());
        for (std::uint32_t i = 0; i + 2 < object->words; ++i)
          part(record->fields()[i], Way::Named, vector_get(type->fields, i).id());
        break;
      }
      case Kind::Template: {
        auto* instance = static_cast<Template*>(object);
        for (std::uint32_t i = 0; i < instance->hole_count(); ++i)
          part(instance->holes()[i], Way::Hole, i);
        break;
      }
      case Kind::Parameter:
        part(static_cast<Parameter*>(object)->default_value, Way::Content, 0);
        part(static_cast<Parameter*>(object)->name, Way::Content, 0);
        break;
      case Kind::Raw:
      case Kind::Secret:
        part(object->slots(0)[0], Way::Content, 0);
        break;
      default:
        break;
    }
  }
  template <class F>
  void each_entry(Value dict, F&& entry) {
    DictCursor cursor(cx_, dict);
    Value key, value;
    for (std::uint32_t n = 0; cursor.next(key, value); ++n) entry(key, value, n);
  }

  void put_part(const Object* object) {
    const Value v = Value::object(object);
    const auto tag = [&](PartTag t) { parts_.push_back(static_cast<char>(t)); };
    const auto put_all = [&](std::uint64_t count) {
      put_count(parts_, count);
      each_part(v, [&](Value part, Way way, std::uint32_t) {
        if (way != Way::Content) put(parts_, part);
      });
    };
    switch (object->kind) {
      case Kind::Pair:
        tag(PartTag::Pair);
        put(parts_, car(v));
        put(parts_, cdr(v));
        break;
      case Kind::String:
        tag(PartTag::String);
        put_text(parts_, as_string(v)->view());
        cx_.charge(as_string(v)->byte_len);
        break;
      case Kind::Bytes:
        tag(PartTag::Bytes);
        put_text(parts_,
                 {reinterpret_cast<const char*>(as_bytes(v)->data()), as_bytes(v)->byte_len});
        cx_.charge(as_bytes(v)->byte_len);
        break;
      case Kind::BigInt:
        tag(PartTag::BigInt);
        put_text(parts_, *encode_constant(cx_, v));
        break;
      case Kind::Vector:
        tag(PartTag::Vector);
        put_all(vector_count(v));
        break;
      case Kind::ShapeDict:
      case Kind::HashDict:
        tag(PartTag::Dict);
        put_all(dict_count(v));
        break;
      case Kind::Set:
        tag(PartTag::Set);
        put_all(set_count(v));
        break;
      case Kind::RecordType: {
        auto* type = static_cast<const RecordType*>(object);
        tag(PartTag::RecordType);
        put(parts_, type->name);
        put_count(parts_, type->field_count);
        for (std::uint32_t i = 0; i < type->field_count; ++i)
          put_count(parts_, name_index(vector_get(type->fields, i).id()));
        break;
      }
      case Kind::Record:
        tag(PartTag::Record);
        put(parts_, static_cast<const Record*>(object)->type);
        put_all(object->words - 2);
        break;
      case Kind::Template: {
        const TemplateInfo* info = static_cast<const Template*>(object)->info();
        tag(PartTag::Template);
        put_count(parts_, unit_index(const_cast<Unit*>(info->unit)));
        put_count(parts_, info->index);
        put_all(static_cast<const Template*>(object)->hole_count());
        break;
      }
      case Kind::Parameter:
        tag(PartTag::Parameter);
        put(parts_, static_cast<const Parameter*>(object)->default_value);
        put(parts_, static_cast<const Parameter*>(object)->name);
        break;
      default:  // Raw, Secret
        tag(object->kind == Kind::Raw ? PartTag::Raw : PartTag::Secret);
        put(parts_, object->slots(0)[0]);
        break;
    }
  }

  bool template_unit(Value v, std::uint32_t at) {
    const TemplateInfo* info = static_cast<Template*>(v.as_object())->info();
    const bool own = info->unit && info->unit->image &&
                     info->index < info->unit->templates.size() &&
                     &info->unit->templates[info->index] == info;
    return own || refuse(at, "markup that was read from a wire has no bundle to be found in");
  }

  // --- what has an identity ----------------------------------------------------------------------
  struct OwnObject {
    Object* object;
    std::uint32_t step;
    bool by_name = false;
  };

  bool put_own(Value v, std::uint32_t at) {
    Object* object = v.as_object();
    const auto tag = [&](OwnTag t) { shells_.push_back(static_cast<char>(t)); };
    if (const auto found = globals_.find(object); found != globals_.end()) {
      tag(OwnTag::Global);
      shells_.push_back(static_cast<char>(object->kind));
      put_text(shells_, found->second->name);
      owns_.back().by_name = true;
      return true;
    }
    switch (object->kind) {
      case Kind::Cell:
        if (object->aux == kUnwindToken)
          return refuse(at, "a limit or a cancellation is ending this fiber; it cannot travel now");
        tag(OwnTag::Cell);
        return true;
      case Kind::Array:
        tag(OwnTag::Array);
        put_count(shells_, array_count(v));
        return true;
      case Kind::Table:
        tag(OwnTag::Table);
        return true;
      case Kind::Closure: {
        const Function& fn = *as_closure(v)->function();
        if (!fn.unit || !fn.unit->image)
          return refuse(at, "a function of the machine itself cannot travel");
        tag(OwnTag::Closure);
        put_count(shells_, unit_index(fn.unit));
        put_count(shells_, fn.index);
        return true;
      }
      case Kind::StringBuilder:
        tag(OwnTag::Builder);
        put_text(shells_, builder_text(v));
        cx_.charge(builder_text(v).size());
        return true;
      case Kind::TypedArray: {
        const auto* array = static_cast<const TypedArray*>(object);
        const std::size_t size = std::size_t{array->count} * element_bytes(array->element);
        tag(OwnTag::Typed);
        shells_.push_back(static_cast<char>(array->element));
        put_count(shells_, array->count);
        shells_.append(reinterpret_cast<const char*>(array->data()), size);
        cx_.charge(size);
        return true;
      }
      case Kind::Fiber:
        return put_fiber(v, at);
      default:
        return put_continuation(v, at);
    }
  }

  bool put_fiber(Value v, std::uint32_t at) {
    const FiberState* state = as_fiber(v)->state();
    shells_.push_back(static_cast<char>(OwnTag::Fiber));
    if (!state) {
      shells_.push_back(static_cast<char>(FrozenState::Finished));
      return true;
    }
    if (state->role != FiberRole::Stepped || state->status == FiberStatus::Running)
      return refuse(at, "this fiber is running; only a suspended one can be frozen");
    const bool fresh = state->status == FiberStatus::Fresh;
    shells_.push_back(static_cast<char>(fresh ? FrozenState::Fresh : FrozenState::Suspended));
    shells_.push_back(state->portable ? 1 : 0);
    const Value inner = as_fiber(v)->handler.is_nil() ? v : as_fiber(v)->handler;
    return put_chain_size(inner, v, at);
  }

  bool put_continuation(Value v, std::uint32_t at) {
    const Continuation* k = as_continuation(v);
    shells_.push_back(static_cast<char>(OwnTag::Continuation));
    shells_.push_back(k->used != 0 ? 1 : 0);
    if (k->used != 0) return true;
    return put_chain_size(k->inner, k->outer, at);
  }

  bool put_chain_size(Value inner, Value outer, std::uint32_t at) {
    std::uint64_t strands = 1;
    for (Value fiber = inner; !(fiber == outer); fiber = as_fiber(fiber)->parent) {
      const FiberState* state = as_fiber(fiber)->state();
      if (!state || state->role == FiberRole::Stepped || state->role == FiberRole::Task)
        return refuse(at,
                      "it ran out of fuel while it was stepping another fiber: step it on first");
      ++strands;
    }
    put_count(shells_, strands);
    return true;
  }

  // --- contents ----------------------------------------------------------------------------------
  bool content_value(Value v, std::uint32_t from, Way way, std::uint32_t n = 0,
                     std::uint32_t frame = 0) {
    if (needs_visit(v) && !visit(v, step(from, way, n, frame))) return false;
    put(contents_, v);
    return true;
  }

  bool content(std::size_t i) {
    const OwnObject own = owns_[i];
    if (own.by_name) return true;
    const Value v = Value::object(own.object);
    switch (own.object->kind) {
      case Kind::Cell:
        return content_value(as_cell(v)->value, own.step, Way::Content);
      case Kind::Array:
        for (std::uint32_t k = 0; k < array_count(v); ++k)
          if (!content_value(array_get(v, k), own.step, Way::Element, k)) return false;
        return true;
      case Kind::Table: {
        put_count(contents_, table_count(v));
        TableCursor cursor(v);
        Value key, value;
        for (std::uint32_t n = 0; cursor.next(key, value); ++n)
          if (!content_value(key, own.step, Way::Key, n) ||
              !content_value(value, own.step, key.is_keyword() ? Way::Named : Way::Entry,
                             key.is_keyword() ? key.id() : n))
            return false;
        return true;
      }
      case Kind::Closure: {
        if (own.object->words == 2) return true;
        const std::uint32_t noted = path_.frame(*as_closure(v)->function(), nullptr);
        for (std::uint32_t k = 0; k + 2 < own.object->words; ++k)
          if (!content_value(as_closure(v)->captures()[k], own.step, Way::Capture, k, noted))
            return false;
        return true;
      }
      case Kind::Fiber: {
        const Fiber* fiber = as_fiber(v);
        if (!fiber->state()) return true;
        return content_chain(fiber->handler.is_nil() ? v : fiber->handler, v, own.step);
      }
      case Kind::Continuation: {
        const Continuation* k = as_continuation(v);
        return k->used != 0 || content_chain(k->inner, k->outer, own.step);
      }
      default:
        return true;
    }
  }

  bool content_chain(Value inner, Value outer, std::uint32_t at) {
    for (Value fiber = inner;; fiber = as_fiber(fiber)->parent) {
      if (!content_strand(as_fiber(fiber), at)) return false;
      strands_.push_back(as_fiber(fiber));
      if (fiber == outer) return true;
    }
  }

  struct Frame {
    const Value* base;
    const std::uint32_t* pc;
    std::uint32_t link;
    const Value* caller;  // base of the frame below, or null
  };

  bool content_strand(const Fiber* fiber, std::uint32_t at) {
    const FiberState* state = fiber->state();
    if (state->on_reserve) return refuse(at, "a limit is ending this fiber; it cannot travel now");
    contents_.push_back(static_cast<char>(state->role));
    if (!content_value(fiber->dynamic, at, Way::Dynamic)) return false;
    if (state->role == FiberRole::Handled && !content_value(fiber->handler, at, Way::Handler))
      return false;
    if (state->role == FiberRole::Limited) {
      const std::size_t used = cx_.heap.used_bytes();
      const std::size_t heap = state->heap_limit > used ? state->heap_limit - used : 0;
      put_count(contents_, static_cast<std::uint64_t>(state->fuel_left + 1));
      put_count(contents_, state->heap_limit == 0 ? 0 : std::uint64_t{heap} + 1);
      put_count(contents_, state->depth_bytes_max);
    }
    contents_.push_back(state->dest == kNoDest ? 0 : 1);

    std::vector<Frame> frames;  // innermost first
    each_frame(state, [&](const Value* base, const std::uint32_t* pc, std::uint32_t link,
                          const Value* caller) {
      frames.push_back({base, pc, link, caller});
      return true;
    });
    put_count(contents_, frames.size());
    for (std::size_t i = frames.size(); i > 0; --i) {
      // Where the value it waits for goes: to the call that the next frame answers.
      std::uint8_t awaits = state->dest;
      if (i > 1) {
        const std::uint32_t above = frames[i - 2].link;
        awaits = static_cast<std::uint8_t>((above & kLinkDelta) - kCallControl -
                                           ((above & kLinkHandler) ? 1 : 0));
      }
      if (!content_frame(frames[i - 1], awaits, at)) return false;
    }
    return true;
  }

  bool content_frame(const Frame& frame, std::uint8_t awaits, std::uint32_t at) {
    const Value closure = frame.base[-3];
    const Function& fn = *as_closure(closure)->function();
    const bool returns = frame.pc == FreezeAccess::return_code(vm_) && awaits == 0;
    if (!returns && !fn.unit->image)
      return refuse(at, "a handler of it has ended and the cleanups run; it cannot travel now");
    const std::uint32_t noted = path_.frame(fn, frame.pc);
    if (!room_for_frame()) return too_large();
    contents_.push_back(static_cast<char>(returns ? FrameTag::Return : FrameTag::Code));
    contents_.push_back((frame.link & kLinkHandler) ? 1 : 0);
    if (frame.link & kLinkHandler) {
      // Below the handler's window lies the continuation, in the register the caller waits for.
      const Value k = frame.caller[(frame.link & kLinkDelta) - kCallControl - 1];
      if (!content_value(k, at, Way::Pending)) return false;
    }
    if (returns) return true;

    const std::uint32_t of_function = step(at, Way::Function, 0, noted);
    if (needs_visit(closure) && !visit(closure, of_function)) return false;
    put(contents_, closure);
    const auto pc = static_cast<std::uint32_t>(frame.pc - fn.code);
    put_count(contents_, unit_index(fn.unit));
    put_count(contents_, fn.index);
    put_count(contents_, pc);
    const Result<const CodePoint*> found = code_point_of(*fn.unit, fn.index, pc);
    if (!found.ok()) return refuse(of_function, found.error().message);
    const CodePoint& point = **found;
    if (awaits != kAwaitsNothing && awaits != point.awaits)
      return refuse(of_function, "this frame waits in a way that cannot be written");
    std::bitset<256> live = point.live;
    if (awaits != kAwaitsNothing) live.reset(awaits);
    put_count(contents_, live.count());
    for (std::uint32_t r = 0; r < fn.registers; ++r) {
      if (!live[r]) continue;
      const Value v = frame.base[r];
      if (needs_visit(v)) {
        if (!visit(v, step(at, Way::Register, r, noted))) return false;
      }
      put(contents_, v);
    }
    return true;
  }

  bool room_for_frame() { return (path_.frames() & 0xFFF) != 0 || room(); }

  // --- the end -----------------------------------------------------------------------------------
  // All code that a portable fiber can reach by its modules must be able to run at a client.
  bool check_portable() {
    std::vector<const Unit*> waiting(unit_list_.begin(), unit_list_.end());
    std::unordered_set<const Unit*> seen(waiting.begin(), waiting.end());
    while (!waiting.empty()) {
      const Unit* unit = waiting.back();
      waiting.pop_back();
      // The core library is at every client already, with wrappers of operations for all sides.
      const bool core = unit->module == "core";
      for (const std::string& op : unit->image->requires_ops)
        if (!core && is_server_op(op))
          return refuse(0, str("a portable fiber cannot take along ",
                               unit->module.empty() ? unit->file : unit->module,
                               ", which performs ", op, ", an operation of the server"));
      for (const std::string& use : unit->image->uses)
        for (const auto& other : FreezeAccess::units(vm_))
          if (other->module == use && seen.insert(other.get()).second)
            waiting.push_back(other.get());
    }
    return true;
  }
  static bool is_server_op(std::string_view op) {
#define SX_IO(name, side, contract) \
  if (op == name) return #side[0] == 'S' || #side[0] == 'T';  // Server, Tool
#include "engine/io/io_ops.def"
#undef SX_IO
    return false;
  }

  void assemble(Value root) {
    out_.assign(kFrozenMagic);
    out_.push_back(static_cast<char>(kFrozenFormat));
    out_.append(3, '\0');
    const Sha256Digest& tables = vm_.tables->fingerprint();
    out_.append(reinterpret_cast<const char*>(tables.data()), tables.size());
    out_.append(32 + 4, '\0');  // hash and size
    out_.push_back(portable_ ? 1 : 0);
    put_count(out_, names_.size());
    out_.append(names_text_);
    put_count(out_, unit_list_.size());
    for (Unit* unit : unit_list_) {
      put_text(out_, unit->module);
      put_text(out_, unit->file);
      out_.append(unit_hash(vm_, *unit));
    }
    put_count(out_, owns_.size());
    out_.append(shells_);
    put_count(out_, part_count_);
    out_.append(parts_);
    out_.append(contents_);
    put(out_, root);
    for (int i = 0; i < 4; ++i)
      out_[kFrozenBodyAt + static_cast<std::size_t>(i)] = static_cast<char>(out_.size() >> (8 * i));
    cx_.charge(out_.size());
    reseal_frozen(out_);
  }

  // What has been written lives on in the bytes alone.
  void consume() {
    for (Fiber* fiber : strands_) {
      FreezeAccess::pool(vm_).free_state(fiber->state());
      fiber->state_bits = 0;
      fiber->parent = Value::nil();
      fiber->handler = Value::nil();
    }
    for (const OwnObject& own : owns_)
      if (own.object->kind == Kind::Continuation) static_cast<Continuation*>(own.object)->used = 1;
  }

  Vm& vm_;
  Context& cx_;
  std::string& out_;
  bool portable_ = false;
  std::unordered_map<const Object*, std::uint64_t> refs_;  // part number, or kOwn | index
  std::unordered_map<const Object*, const Global*> globals_;
  std::unordered_map<std::uint32_t, std::uint64_t> names_;
  std::unordered_map<const Unit*, std::uint64_t> units_;
  std::vector<Unit*> unit_list_;
  std::vector<OwnObject> owns_;
  std::vector<Waiting> waiting_;
  FreezePath path_;
  std::vector<Fiber*> strands_;
  std::uint64_t part_count_ = 0;
  std::string names_text_, shells_, parts_, contents_;
};

}  // namespace

bool freeze(Vm& vm, Value fiber, std::string& out) { return Writer(vm, out).run(fiber); }

void reseal_frozen(std::string& bytes) {
  if (bytes.size() < kFrozenBodyAt) return;
  const Sha256Digest digest = content_sha256(std::string_view(bytes).substr(kFrozenBodyAt));
  bytes.replace(kFrozenHashAt, digest.size(), reinterpret_cast<const char*>(digest.data()),
                digest.size());
}

}  // namespace sx
