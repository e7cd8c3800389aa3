// Reads frozen fibers. The bytes come from outside: every count is compared with what is left,
// every index with its table, every register with what the verifier wants to find in it. No
// recursion: objects with an identity are made first and filled last, all others refer to earlier
// ones only.
#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/bytecode/bytes.h"
#include "engine/bytecode/constant.h"
#include "engine/prim/primitives.h"
#include "engine/value/builder.h"
#include "engine/value/collections.h"
#include "engine/value/root_list.h"
#include "engine/vm/freeze.h"
#include "engine/vm/freeze_code.h"
#include "engine/vm/thaw_stack.h"

namespace sx {

namespace {

std::string short_hash(std::string_view digest) {
  Sha256Digest d{};
  for (std::size_t i = 0; i < d.size() && i < digest.size(); ++i)
    d[i] = static_cast<std::uint8_t>(digest[i]);
  return hex(d, 6);
}

// The header, without what the units need to be compared with.
Result<void> check_header(const Vm& vm, std::string_view bytes) {
  ByteReader in(bytes);
  if (bytes.substr(0, 4) != kFrozenMagic)
    return Error{
        "these bytes are no frozen fiber: expected them to begin with SXFF, as freeze "
        "makes them"};
  if (bytes.size() < kFrozenBodyAt + 4)
    return Error{
        str("cut off: ", bytes.size(), " bytes, the header alone has ", kFrozenBodyAt + 4)};
  in.take(4);
  const std::uint32_t version = in.u32();
  if ((version & 0xFFFF) != kFrozenFormat)
    return Error{str("frozen in format ", version & 0xFFFF, ", this engine thaws format ",
                     kFrozenFormat, ": thaw it with the version of sx that froze it")};
  if (version >> 16 != 0) return Error{"the header is damaged: use the bytes as freeze gave them"};
  const std::string_view tables = in.take(32);
  const std::string_view stated = in.take(32);
  const Sha256Digest& ours = vm.tables->fingerprint();
  const std::string_view own(reinterpret_cast<const char*>(ours.data()), ours.size());
  if (tables != own)
    return Error{str("frozen by an engine with the tables ", short_hash(tables), ", this one has ",
                     short_hash(own), ": thaw it with the version of sx that froze it")};
  const Sha256Digest digest = content_sha256(bytes.substr(kFrozenBodyAt));
  const std::string_view found(reinterpret_cast<const char*>(digest.data()), digest.size());
  if (stated != found) {
    const std::uint32_t size = in.u32();
    if (size > bytes.size())
      return Error{str("cut off: ", bytes.size(), " of ", size, " bytes are here")};
    return Error{str("damaged: the content has the hash ", short_hash(found), ", the header says ",
                     short_hash(stated), ": use the bytes as freeze gave them")};
  }
  return {};
}

class Reader : private ThawValues {
 public:
  Reader(Vm& vm, std::string_view bytes)
      : vm_(vm),
        cx_(vm.cx),
        in_(bytes),
        owns_(vm.cx.heap),
        parts_(vm.cx.heap),
        strands_(vm.cx.heap),
        scratch_(vm.cx.heap) {}

  bool run(Value& root) {
    cx_.charge(2 * in_.left());
    in_.take(kFrozenBodyAt);
    const std::uint32_t size = in_.u32();
    if (size != in_.at() + in_.left()) return bad(str("the header says ", size, " bytes"));
    bool portable;
    if (!read_flag(portable) || !read_names() || !read_units() || !read_owns() || !read_parts() ||
        !read_contents())
      return false;
    if (!value(root) || !cut()) return false;
    if (!in_.at_end()) return bad("there is something behind the end");
    if (!is_kind(root, Kind::Fiber) && !is_kind(root, Kind::Continuation))
      return bad("they hold no fiber");
    const FiberState* state =
        is_kind(root, Kind::Fiber) ? static_cast<Fiber*>(root.as_object())->state() : nullptr;
    if (portable != (state && state->portable))
      return bad("they are portable and their fiber is not, or the other way round");
    return true;
  }

 private:
  // --- refusing ----------------------------------------------------------------------------------
  bool bad(std::string_view what) override {
    cx_.fail("thaw-error",
             str("thaw: the frozen bytes are damaged at byte ", in_.at(), ": ", what));
    return false;
  }
  bool refuse(std::string_view what) {
    cx_.fail("thaw-error", str("thaw: ", what));
    return false;
  }
  bool cut() { return in_.ok() || bad("cut off, or a number is not written in its shortest form"); }
  bool too_large() {
    const Field which[] = {{"limit", cx_.keyword("heap")}};
    cx_.fail("limit", "thaw: the fiber does not fit in the heap limit", make_dict(cx_, which));
    return false;
  }
  // Called now and then while things are made.
  bool room() override {
    cx_.charge(64);
    if (!cx_.heap.over_limit()) return true;
    cx_.heap.collect_full();
    if (!cx_.heap.over_limit()) return true;
    return too_large();
  }
  bool room_for(std::size_t bytes) {
    if (cx_.heap.can_allocate(bytes)) return true;
    return too_large();
  }

  // --- tables ------------------------------------------------------------------------------------
  bool read_names() {
    const std::size_t count = in_.count_of(1);
    for (std::size_t i = 0; i < count && in_.ok(); ++i) {
      const std::string_view name = in_.text();
      if (!utf8_valid(name)) return bad("a name is not UTF-8");
      names_.push_back(cx_.symbols.intern(name));
    }
    return cut();
  }

  bool read_units() {
    const std::size_t count = in_.count_of(34);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string_view module = in_.text(), file = in_.text(), hash = in_.take(32);
      if (!cut()) return false;
      Unit* found = nullptr;
      Unit* other = nullptr;
      const auto& units = FreezeAccess::units(vm_);
      for (auto at = units.rbegin(); at != units.rend() && !found; ++at) {
        if ((*at)->module != module || (*at)->file != file) continue;
        if (unit_hash(vm_, **at) == hash) {
          found = at->get();
        } else if (!other) {
          other = at->get();
        }
      }
      if (found) {
        units_.push_back(found);
        continue;
      }
      const std::string name(module.empty() ? file : module);
      if (!other)
        return refuse(str("it runs in ", utf8_valid(name) ? name : "?", " (", short_hash(hash),
                          "), which is not loaded here: load the bundle that it was frozen with"));
      return refuse(str("it runs in ", name, " as of ", short_hash(hash), ", here ", name, " is ",
                        short_hash(unit_hash(vm_, *other)),
                        ": load the bundle that it was frozen with"));
    }
    return cut();
  }

  bool unit_at(Unit*& unit) override {
    const std::uint64_t i = in_.count();
    if (i >= units_.size()) return bad("it names a module that is not listed");
    unit = units_[static_cast<std::size_t>(i)];
    return cut();
  }
  bool function_at(Unit*& unit, std::uint32_t& function) override {
    if (!unit_at(unit)) return false;
    const std::uint64_t i = in_.count();
    if (i >= unit->functions.size())
      return bad("it names a function that its module does not have");
    function = static_cast<std::uint32_t>(i);
    return cut();
  }

  // --- values ------------------------------------------------------------------------------------
  bool value(Value& v, bool may_be_unset = false) override {
    v = Value::nil();
    const std::uint8_t tag = in_.u8();
    if (!cut()) return false;
    switch (static_cast<ValueTag>(tag)) {
      case ValueTag::Nil:
        return true;
      case ValueTag::False:
        v = Value::fals();
        return true;
      case ValueTag::True:
        v = Value::tru();
        return true;
      case ValueTag::EmptyList:
        v = Value::empty_list();
        return true;
      case ValueTag::Unset:
        v = Value::unset();
        return may_be_unset || bad("a value is missing where there must be one");
      case ValueTag::Eof:
        v = Value::eof();
        return true;
      case ValueTag::Int: {
        const std::int64_t n = unzigzag(in_.count());
        if (!cut()) return false;
        if (!Value::fits_small(n)) return bad("a small integer is too large");
        v = Value::small_int(n);
        return true;
      }
      case ValueTag::Double: {
        const std::uint64_t bits = in_.u64();
        double d;
        std::memcpy(&d, &bits, sizeof d);
        v = Value::from_double(d);
        return v.bits == bits ? cut() : bad("a float is not written in its one form");
      }
      case ValueTag::Char: {
        const std::uint64_t c = in_.count();
        if (c > 0x10FFFF || !utf8_is_scalar(static_cast<std::uint32_t>(c)))
          return bad("a character is none");
        v = Value::character(static_cast<std::uint32_t>(c));
        return cut();
      }
      case ValueTag::Symbol:
      case ValueTag::Keyword: {
        std::uint32_t id;
        if (!name(id)) return false;
        v = static_cast<ValueTag>(tag) == ValueTag::Symbol ? Value::symbol(id) : Value::keyword(id);
        return true;
      }
      case ValueTag::Primitive: {
        const std::uint64_t i = in_.count();
        if (i >= primitive_count()) return bad("it names a primitive that there is not");
        const Global* global =
            vm_.globals.find(str("primitive#", primitives()[static_cast<std::size_t>(i)].name));
        if (!global) return bad("it names a primitive that is not defined here");
        v = global->value;
        return cut();
      }
      case ValueTag::Part: {
        std::uint64_t i = in_.count();
        if (in_parts_) i = parts_.size() - i;
        if (i >= parts_.size()) return bad("it refers to a value that is not there yet");
        v = parts_[static_cast<std::size_t>(i)];
        return cut();
      }
      case ValueTag::Own: {
        const std::uint64_t i = in_.count();
        if (i >= owns_.size()) return bad("it refers to an object that there is not");
        v = owns_[static_cast<std::size_t>(i)];
        return cut();
      }
    }
    return bad(str("a value has the unknown tag ", unsigned{tag}));
  }
  bool name(std::uint32_t& id) {
    const std::uint64_t i = in_.count();
    if (i >= names_.size()) return bad("it uses a name that is not listed");
    id = names_[static_cast<std::size_t>(i)];
    return cut();
  }
  std::uint8_t byte() override { return in_.u8(); }
  std::uint64_t number() override { return in_.count(); }
  std::size_t count_of(std::size_t bytes_each) override { return in_.count_of(bytes_each); }
  bool ok() override { return cut(); }

  // --- what has an identity, empty ---------------------------------------------------------------
  bool read_owns() {
    const std::size_t count = in_.count_of(1);
    if (!cut() || !room_for(count * 40)) return false;
    owns_.reserve(count);
    tags_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint8_t tag = in_.u8();
      if (tag > static_cast<std::uint8_t>(OwnTag::Global)) return bad("an object of unknown kind");
      tags_.push_back({static_cast<OwnTag>(tag), strands_.size(), 0});
      Value v = Value::nil();
      if (!read_own(tags_.back(), v) || !cut() || !room()) return false;
      owns_.push(v);
    }
    return cut();
  }

  struct Shell {
    OwnTag tag;
    std::size_t strand;  // its first one in strands_
    std::uint32_t count;
    FrozenState state = FrozenState::Finished;
    bool portable = false;
  };

  bool read_own(Shell& shell, Value& v) {
    switch (shell.tag) {
      case OwnTag::Cell:
        v = cx_.heap.make_cell(Value::nil());
        return true;
      case OwnTag::Array: {
        const std::size_t n = in_.count_of(1);
        if (!cut()) return false;
        shell.count = static_cast<std::uint32_t>(n);
        v = make_array(cx_, shell.count, Value::nil());
        return !v.is_unset();
      }
      case OwnTag::Table:
        v = make_table(cx_);
        return true;
      case OwnTag::Closure: {
        Unit* unit;
        std::uint32_t index;
        if (!function_at(unit, index)) return false;
        const Function& fn = unit->functions[index];
        Object* object = cx_.heap.alloc_slots(Kind::Closure, 2u + fn.captures);
        static_cast<Closure*>(object)->function_bits = reinterpret_cast<std::uintptr_t>(&fn);
        v = Value::object(object);
        return true;
      }
      case OwnTag::Builder: {
        const std::string_view text = in_.text();
        if (!cut()) return false;
        if (!utf8_valid(text)) return bad("a text is not UTF-8");
        v = make_builder(cx_);
        Root root(cx_.heap, v);
        if (!builder_add(cx_, v, text)) return false;
        v = root;
        return true;
      }
      case OwnTag::Typed: {
        const std::uint8_t element = in_.u8();
        if (element > static_cast<std::uint8_t>(Element::F64))
          return bad("a typed array of no type");
        const std::size_t n = in_.count_of(element_bytes(static_cast<Element>(element)));
        if (!cut()) return false;
        if (n > kTypedArrayCountMax) return bad("a typed array is too long");
        const std::size_t size = n * element_bytes(static_cast<Element>(element));
        if (!room_for(size)) return false;
        v = make_typed_array(cx_, static_cast<Element>(element), static_cast<std::uint32_t>(n));
        if (v.is_unset()) return false;
        const std::string_view bytes = in_.take(size);
        std::memcpy(static_cast<TypedArray*>(v.as_object())->data(), bytes.data(), size);
        return true;
      }
      case OwnTag::Fiber: {
        const std::uint8_t state = in_.u8();
        if (state > static_cast<std::uint8_t>(FrozenState::Suspended))
          return bad("a fiber in no known state");
        shell.state = static_cast<FrozenState>(state);
        if (shell.state == FrozenState::Finished) {
          v = new_fiber();
          return true;
        }
        return read_flag(shell.portable) && read_strands(shell, v);
      }
      case OwnTag::Continuation: {
        bool used;
        if (!read_flag(used)) return false;
        Value outer = Value::nil();
        if (!used && !read_strands(shell, outer)) return false;
        auto* k = static_cast<Continuation*>(cx_.heap.alloc(Kind::Continuation, 4));
        k->aux = 0;
        k->used = 1;  // until it is complete
        k->reserved = 0;
        k->inner = Value::nil();
        k->outer = Value::nil();
        v = Value::object(k);
        return true;
      }
      case OwnTag::Global:
        return read_global(v);
    }
    return false;
  }

  bool read_flag(bool& flag) {
    const std::uint8_t n = in_.u8();
    flag = n != 0;
    return n <= 1 ? cut() : bad("a flag is neither 0 nor 1");
  }
  // A fiber without a stack.
  Value new_fiber() {
    auto* fiber = static_cast<Fiber*>(cx_.heap.alloc(Kind::Fiber, 5));
    fiber->state_bits = 0;
    fiber->parent = Value::nil();
    fiber->handler = Value::nil();
    fiber->dynamic = Value::empty_list();
    return Value::object(fiber);
  }
  // The fibers of a chain; `outermost` is the last one.
  bool read_strands(Shell& shell, Value& outermost) {
    const std::size_t n = in_.count_of(4);
    if (!cut()) return false;
    if (n == 0) return bad("a fiber without a stack");
    shell.count = static_cast<std::uint32_t>(n);
    for (std::size_t i = 0; i < n; ++i) {
      strands_.push(new_fiber());
      if (!room()) return false;
    }
    outermost = strands_.back();
    return true;
  }

  bool read_global(Value& v) {
    const auto kind = static_cast<Kind>(in_.u8());
    const std::string_view name = in_.text();
    if (!cut()) return false;
    if (!named_by_global(kind) || !utf8_valid(name)) return bad("a global of no possible kind");
    const Global* global = vm_.globals.find(name);
    if (!global || global->value.is_unset())
      return refuse(str("it uses ", name,
                        ", which is not defined here: load the module that defines "
                        "it first"));
    if (!is_kind(global->value, kind))
      return refuse(str("it uses ", name, " as a ", kind_info(kind).type_name, ", here that is a ",
                        type_name(global->value)));
    v = global->value;
    return true;
  }

  // --- what is immutable -------------------------------------------------------------------------
  bool read_parts() {
    const std::size_t count = in_.count_of(1);
    if (!cut() || !room_for(count * 8)) return false;
    parts_.reserve(count);
    in_parts_ = true;
    for (std::size_t i = 0; i < count; ++i) {
      Value v = Value::nil();
      if (!read_part(v)) return false;
      parts_.push(v);
      scratch_.truncate(0);
      if (!room()) return false;
    }
    in_parts_ = false;
    return cut();
  }

  // n values into scratch_.
  bool read_values(std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      Value v;
      if (!value(v)) return false;
      scratch_.push(v);
    }
    return true;
  }

  bool read_part(Value& v) {
    const std::uint8_t tag = in_.u8();
    if (!cut()) return false;
    switch (static_cast<PartTag>(tag)) {
      case PartTag::Pair: {
        Value head, tail;
        if (!value(head) || !value(tail)) return false;
        v = cx_.heap.cons(head, tail);
        return true;
      }
      case PartTag::String: {
        const std::string_view text = in_.text();
        if (!cut() || !room_for(text.size())) return false;
        if (!utf8_valid(text)) return bad("a text is not UTF-8");
        v = make_string(cx_, text);
        return !v.is_unset();
      }
      case PartTag::Bytes: {
        const std::string_view bytes = in_.text();
        if (!cut() || !room_for(bytes.size())) return false;
        v = make_bytes(cx_, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
        return !v.is_unset();
      }
      case PartTag::BigInt: {
        const std::string_view bytes = in_.text();
        if (!cut() || !room_for(bytes.size())) return false;
        const Result<Value> number = decode_constant(cx_, bytes, false);
        if (!number.ok() || !is_kind(*number, Kind::BigInt)) return bad("a large integer is none");
        v = *number;
        return true;
      }
      case PartTag::Vector: {
        const std::size_t n = in_.count_of(1);
        if (!cut() || !read_values(n)) return false;
        v = make_vector_rooted(cx_, scratch_.data(), static_cast<std::uint32_t>(n));
        return true;
      }
      case PartTag::Dict: {
        const std::size_t n = in_.count_of(2);
        if (!cut() || !read_values(2 * n)) return false;
        v = dict_from_entries(cx_, scratch_.data(), static_cast<std::uint32_t>(n));
        return dict_count(v) == n || bad("a dict has a key twice");
      }
      case PartTag::Set: {
        const std::size_t n = in_.count_of(1);
        if (!cut() || !read_values(n)) return false;
        Root set(cx_.heap, empty_set(cx_));
        for (std::size_t i = 0; i < n; ++i) set = set_add(cx_, set, scratch_[i]);
        v = set;
        return set_count(v) == n || bad("a set has a member twice");
      }
      case PartTag::RecordType: {
        Value type_name;
        if (!value(type_name)) return false;
        const std::size_t n = in_.count_of(1);
        if (!cut()) return false;
        if (!type_name.is_symbol()) return bad("a record type without a name");
        std::vector<Value> fields;
        for (std::size_t i = 0; i < n; ++i) {
          std::uint32_t id;
          if (!name(id)) return false;
          fields.push_back(Value::keyword(id));
        }
        v = record_type(cx_, type_name, fields);
        return !v.is_unset();
      }
      case PartTag::Record: {
        Value type;
        if (!value(type)) return false;
        const std::size_t n = in_.count_of(1);
        if (!cut()) return false;
        if (!is_kind(type, Kind::RecordType) ||
            static_cast<RecordType*>(type.as_object())->field_count != n)
          return bad("a record does not have the fields of its type");
        scratch_.push(type);
        if (!read_values(n)) return false;
        v = fill(cx_.heap.alloc_slots(Kind::Record, static_cast<std::uint32_t>(2 + n)), 0);
        return true;
      }
      case PartTag::Template: {
        Unit* unit;
        if (!unit_at(unit)) return false;
        const std::uint64_t index = in_.count();
        if (index >= unit->templates.size()) return bad("markup of no template");
        const TemplateInfo& info = unit->templates[static_cast<std::size_t>(index)];
        const std::size_t n = in_.count_of(1);
        if (!cut()) return false;
        if (n != info.holes) return bad("markup does not fill the holes of its template");
        if (!read_values(n)) return false;
        Object* object = cx_.heap.alloc_slots(Kind::Template, static_cast<std::uint32_t>(2 + n));
        static_cast<Template*>(object)->info_bits = reinterpret_cast<std::uintptr_t>(&info);
        v = fill(object, 1);
        return true;
      }
      case PartTag::Raw: {
        if (!read_values(1)) return false;
        if (!is_string(scratch_[0])) return bad("raw markup without text");
        v = fill(cx_.heap.alloc_slots(Kind::Raw, 2), 0);
        return true;
      }
      case PartTag::Parameter:
        if (!read_values(2)) return false;
        v = fill(cx_.heap.alloc_slots(Kind::Parameter, 3), 0);
        return true;
      case PartTag::Secret:
        if (!read_values(1)) return false;
        v = fill(cx_.heap.alloc_slots(Kind::Secret, 2), 0);
        return true;
    }
    return bad(str("a part has the unknown tag ", unsigned{tag}));
  }

  // The values in scratch_ go into the slots of a fresh object.
  Value fill(Object* object, std::size_t prefix) {
    for (std::size_t i = 0; i < scratch_.size(); ++i) {
      object->slots(prefix)[i] = scratch_[i];
      cx_.heap.write_barrier(object, scratch_[i]);
    }
    return Value::object(object);
  }

  // --- what the empty ones hold ------------------------------------------------------------------
  bool read_contents() {
    for (std::size_t i = 0; i < tags_.size(); ++i) {
      if (!read_content(i) || !cut() || !room()) return false;
      scratch_.truncate(0);
    }
    return true;
  }

  bool read_content(std::size_t i) {
    const Shell& shell = tags_[i];
    switch (shell.tag) {
      case OwnTag::Cell: {
        Value v;
        if (!value(v, true)) return false;
        as_cell(owns_[i])->value = v;
        cx_.heap.write_barrier(owns_[i].as_object(), v);
        return true;
      }
      case OwnTag::Array:
        for (std::uint32_t k = 0; k < shell.count; ++k) {
          Value v;
          if (!value(v)) return false;
          array_set(cx_, owns_[i], k, v);
        }
        return true;
      case OwnTag::Table: {
        const std::size_t n = in_.count_of(2);
        for (std::size_t k = 0; k < n; ++k) {
          Value key, v;
          if (!value(key) || !value(v)) return false;
          table_put(cx_, owns_[i], key, v);
          if (!room()) return false;
        }
        return table_count(owns_[i]) == n || bad("a table has a key twice");
      }
      case OwnTag::Closure:
        return read_captures(i);
      case OwnTag::Fiber: {
        if (shell.state == FrozenState::Finished) return true;
        // The fiber itself is the outermost of its strands.
        const bool fresh = shell.state == FrozenState::Fresh;
        bool budget = false;
        return thaw_chain(vm_, *this, strands_, shell.strand, shell.count,
                          fresh ? ChainOf::FreshFiber : ChainOf::Fiber, shell.portable, budget);
      }
      case OwnTag::Continuation: {
        if (shell.count == 0) return true;
        bool budget = false;
        if (!thaw_chain(vm_, *this, strands_, shell.strand, shell.count, ChainOf::Continuation,
                        false, budget))
          return false;
        auto* k = static_cast<Continuation*>(owns_[i].as_object());
        k->aux = budget ? 1 : 0;
        k->inner = strands_[shell.strand];
        k->outer = strands_[shell.strand + shell.count - 1];
        k->used = 0;
        cx_.heap.write_barrier(k, k->inner);
        cx_.heap.write_barrier(k, k->outer);
        return true;
      }
      default:
        return true;
    }
  }

  bool read_captures(std::size_t i) {
    const Function& fn = *as_closure(owns_[i])->function();
    if (fn.captures == 0) return true;
    const Result<const CaptureFacts*> facts = capture_facts_of(*fn.unit);
    if (!facts.ok()) return refuse(facts.error().message);
    const std::vector<bool>& cells = (*facts)->must_be_cell[fn.index];
    for (std::uint16_t k = 0; k < fn.captures; ++k) {
      Value v;
      if (!value(v, true)) return false;
      if (cells[k] && !is_kind(v, Kind::Cell)) return bad("a closure lacks the cell of a variable");
      as_closure(owns_[i])->captures()[k] = v;
      cx_.heap.write_barrier(owns_[i].as_object(), v);
    }
    return true;
  }

  Vm& vm_;
  Context& cx_;
  ByteReader in_;
  std::vector<std::uint32_t> names_;
  std::vector<Unit*> units_;
  std::vector<Shell> tags_;  // by own
  bool in_parts_ = false;
  RootList owns_, parts_, strands_, scratch_;
};

}  // namespace

Value thaw(Vm& vm, std::string_view bytes) {
  const Result<void> header = check_header(vm, bytes);
  if (!header.ok()) return vm.cx.fail("thaw-error", str("thaw: ", header.error().message));
  Value root = Value::nil();
  if (!Reader(vm, bytes).run(root)) return Value::unset();
  return root;
}

Result<FrozenInfo> frozen_info(const Vm& vm, std::string_view bytes) {
  SX_CHECK(check_header(vm, bytes));
  FrozenInfo info;
  ByteReader in(bytes);
  in.take(kFrozenBodyAt + 4);
  info.portable = in.u8() != 0;
  const std::size_t names = in.count_of(1);
  for (std::size_t i = 0; i < names && in.ok(); ++i) in.text();
  const std::size_t units = in.count_of(34);
  for (std::size_t i = 0; i < units && in.ok(); ++i) {
    FrozenUnit unit;
    unit.module = in.text();
    unit.file = in.text();
    unit.hash = in.take(32);
    info.units.push_back(std::move(unit));
  }
  if (!in.ok()) return Error{"the frozen bytes are damaged: their list of modules is cut off"};
  return info;
}

}  // namespace sx
