// Encoding, checking and decoding of constants, each with its own explicit stack.
#include "engine/bytecode/constant.h"

#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/bytecode/bytes.h"
#include "engine/value/collections.h"

namespace sx {
namespace {

void put_tag(std::string& out, ConstantTag tag) { out.push_back(static_cast<char>(tag)); }

Value set_members(Value set) { return set.as_object()->slots(0)[0]; }

// A collection whose parts are being written.
struct Open {
  enum class Kind : std::uint8_t { List, Vector, Dict, Set, Record } kind;
  Value rest;               // List: the pairs not yet written; Vector: the vector
  std::uint32_t index = 0;  // Vector
  DictCursor cursor;
  Value held = Value::unset();  // Dict: the value that follows its key
};

class Encoder {
 public:
  explicit Encoder(const Context& cx) : cx_(cx) {}

  Result<std::string> run(Value v) {
    SX_CHECK(put(v));
    while (!open_.empty()) {
      if (open_.size() > kConstantDepthMax)
        return Error{str("a constant is nested more than ", kConstantDepthMax, " deep")};
      Value next;
      if (next_part(open_.back(), next))
        SX_CHECK(put(next));
      else
        open_.pop_back();
    }
    return std::move(out_);
  }

 private:
  static bool next_part(Open& open, Value& next) {
    switch (open.kind) {
      case Open::Kind::List:
        if (open.rest.is_unset()) return false;
        if (is_pair(open.rest)) {
          next = car(open.rest);
          open.rest = cdr(open.rest);
          if (open.rest.is_empty_list()) open.rest = Value::unset();
        } else {
          next = open.rest;
          open.rest = Value::unset();
        }
        return true;
      case Open::Kind::Vector:
        if (open.index == vector_count(open.rest)) return false;
        next = vector_get(open.rest, open.index++);
        return true;
      case Open::Kind::Record:
        if (open.index + 2 >= open.rest.as_object()->words) return false;
        next = static_cast<Record*>(open.rest.as_object())->fields()[open.index++];
        return true;
      case Open::Kind::Dict:
        if (!open.held.is_unset()) {
          next = open.held;
          open.held = Value::unset();
          return true;
        }
        return open.cursor.next(next, open.held);
      case Open::Kind::Set: {
        Value ignored;
        return open.cursor.next(next, ignored);
      }
    }
    return false;
  }

  void enter(Open::Kind kind, Value v) {
    const bool dict = kind == Open::Kind::Dict || kind == Open::Kind::Set;
    open_.push_back({kind, v, 0, DictCursor(cx_, dict ? v : Value::nil())});
  }

  Result<void> put(Value v) {
    if (v.is_int()) {
      put_tag(out_, ConstantTag::Int);
      put_count(out_, zigzag(v.as_int()));
    } else if (v.is_double()) {
      put_tag(out_, ConstantTag::Double);
      put_u64(out_, Value::from_double(v.as_double()).bits);
    } else if (v.is_nil()) {
      put_tag(out_, ConstantTag::Nil);
    } else if (v.is_bool()) {
      put_tag(out_, v.truthy() ? ConstantTag::True : ConstantTag::False);
    } else if (v.is_empty_list()) {
      put_tag(out_, ConstantTag::EmptyList);
    } else if (v.is_char()) {
      put_tag(out_, ConstantTag::Char);
      put_count(out_, v.id());
    } else if (v.is_symbol()) {
      put_tag(out_, ConstantTag::Symbol);
      put_text(out_, cx_.symbols.name(v.id()));
    } else if (v.is_keyword()) {
      put_tag(out_, ConstantTag::Keyword);
      put_text(out_, cx_.symbols.name(v.id()));
    } else if (v.is_object()) {
      return put_object(v);
    } else {
      return refuse(v);
    }
    return {};
  }

  Result<void> put_object(Value v) {
    Object* o = v.as_object();
    switch (o->kind) {
      case Kind::String:
        put_tag(out_, ConstantTag::String);
        put_text(out_, as_string(v)->view());
        return {};
      case Kind::Bytes:
        put_tag(out_, ConstantTag::Bytes);
        put_text(out_, {reinterpret_cast<const char*>(as_bytes(v)->data()), as_bytes(v)->byte_len});
        return {};
      case Kind::BigInt:
        put_bigint(static_cast<BigInt*>(o));
        return {};
      case Kind::Raw:
        put_tag(out_, ConstantTag::Raw);
        put_text(out_, as_string(static_cast<RawMarkup*>(o)->text)->view());
        return {};
      case Kind::Pair: {
        std::uint64_t count = 0;
        Value rest = v;
        for (; is_pair(rest); rest = cdr(rest)) ++count;
        put_tag(out_, rest.is_empty_list() ? ConstantTag::List : ConstantTag::DottedList);
        put_count(out_, count);
        enter(Open::Kind::List, v);
        return {};
      }
      case Kind::Vector:
        put_tag(out_, ConstantTag::Vector);
        put_count(out_, vector_count(v));
        enter(Open::Kind::Vector, v);
        return {};
      case Kind::ShapeDict:
      case Kind::HashDict:
        put_tag(out_, ConstantTag::Dict);
        put_count(out_, dict_count(v));
        enter(Open::Kind::Dict, v);
        return {};
      case Kind::Set:
        put_tag(out_, ConstantTag::Set);
        put_count(out_, set_count(v));
        enter(Open::Kind::Set, set_members(v));
        return {};
      case Kind::Record: {
        const auto* type = static_cast<RecordType*>(static_cast<Record*>(o)->type.as_object());
        put_tag(out_, ConstantTag::Record);
        put_text(out_, cx_.symbols.name(type->name.id()));
        put_count(out_, type->field_count);
        for (std::uint32_t i = 0; i < type->field_count; ++i)
          put_text(out_, cx_.symbols.name(vector_get(type->fields, i).id()));
        enter(Open::Kind::Record, v);
        return {};
      }
      default:
        return refuse(v);
    }
  }

  void put_bigint(const BigInt* n) {
    std::int64_t small;
    if (to_int64(Value::object(n), small)) {
      put_tag(out_, ConstantTag::Int);
      put_count(out_, zigzag(small));
      return;
    }
    put_tag(out_, ConstantTag::BigInt);
    out_.push_back(n->negative != 0 ? 1 : 0);
    put_count(out_, n->limb_count);
    for (std::uint32_t i = 0; i < n->limb_count; ++i) put_u32(out_, n->limbs()[i]);
  }

  Result<void> refuse(Value v) {
    return Error{
        str("a value of type ", type_name(v),
            " cannot be a constant: only nil, booleans, numbers, strings, bytes, chars, "
            "symbols, keywords, raw markup, and lists, vectors, dicts, sets and records of these")};
  }

  const Context& cx_;
  std::string out_;
  std::vector<Open> open_;
};

// Reads the payload of everything but collections; false for a tag that is a collection or unknown.
bool skip_atom(ByteReader& in, ConstantTag tag) {
  switch (tag) {
    case ConstantTag::Nil:
    case ConstantTag::False:
    case ConstantTag::True:
    case ConstantTag::EmptyList:
      return true;
    case ConstantTag::Int:
      in.count();
      return true;
    case ConstantTag::Double: {
      const std::uint64_t bits = in.u64();
      const bool nan =
          (bits & 0x7FF0000000000000u) == 0x7FF0000000000000u && (bits & 0x000FFFFFFFFFFFFFu) != 0;
      if (nan && bits != 0x7FF8000000000000u) in.fail();
      return true;
    }
    case ConstantTag::BigInt: {
      if (in.u8() > 1) in.fail();
      const std::size_t limbs = in.count_of(4);
      std::uint64_t low = 0;
      std::uint32_t top = 0;
      for (std::size_t i = 0; i < limbs; ++i) {
        top = in.u32();
        if (i < 2) low |= static_cast<std::uint64_t>(top) << (32 * i);
      }
      // Beyond 64 bits with a sign: three limbs, or two with the top bit (but for the least int64,
      // whose magnitude is 2^63; a positive 2^63 is beyond).
      if (limbs < 2 || top == 0 || (limbs == 2 && low < std::uint64_t{1} << 63)) in.fail();
      return true;
    }
    case ConstantTag::Bytes:
      in.text();
      return true;
    case ConstantTag::String:
    case ConstantTag::Symbol:
    case ConstantTag::Keyword:
    case ConstantTag::Raw:
      if (!utf8_valid(in.text())) in.fail();
      return true;
    case ConstantTag::Char: {
      const std::uint64_t c = in.count();
      if (c > 0x10FFFF || !utf8_is_scalar(static_cast<std::uint32_t>(c))) in.fail();
      return true;
    }
    default:
      return false;
  }
}

// Reads the count of a collection as the number of values that follow.
bool read_parts(ByteReader& in, ConstantTag tag, std::uint64_t& parts) {
  switch (tag) {
    case ConstantTag::List:
    case ConstantTag::DottedList:
      parts = in.count_of(1);
      if (parts == 0) in.fail();
      if (tag == ConstantTag::DottedList) ++parts;
      return true;
    case ConstantTag::Vector:
    case ConstantTag::Set:
      parts = in.count_of(1);
      return true;
    case ConstantTag::Dict:
      parts = 2 * std::uint64_t{in.count_of(2)};
      return true;
    case ConstantTag::Record: {
      if (!utf8_valid(in.text())) in.fail();
      parts = in.count_of(2);
      for (std::uint64_t i = 0; i < parts && in.ok(); ++i)
        if (!utf8_valid(in.text())) in.fail();
      return true;
    }
    default:
      return false;
  }
}

void store_slot(Context& cx, Value object, std::size_t i, Value v) {
  object.as_object()->slots(0)[i] = v;
  cx.heap.write_barrier(object.as_object(), v);
}

// The values of the collections under construction, as a root source.
class Decoder {
 public:
  explicit Decoder(Context& cx) : cx_(cx) {
    cx_.heap.add_root_source(
        [](void* owner, Visitor& visitor) {
          auto& values = static_cast<Decoder*>(owner)->values_;
          visitor.visit_range(values.data(), values.data() + values.size());
        },
        this);
  }
  ~Decoder() { cx_.heap.remove_root_source(this); }

  // bytes have passed check_constant.
  Value run(std::string_view bytes) {
    ByteReader in(bytes);
    do {
      const auto tag = static_cast<ConstantTag>(in.u8());
      std::uint64_t parts;
      if (tag == ConstantTag::Record) {
        const Value type = type_of_record(in, parts);
        if (type.is_unset()) return type;
        open_.push_back({tag, parts, values_.size()});
        values_.push_back(type);
      } else if (read_parts(in, tag, parts)) {
        open_.push_back({tag, parts, values_.size()});
      } else {
        const Value v = atom(in, tag);
        values_.push_back(v);
        if (!open_.empty()) --open_.back().left;
      }
      while (!open_.empty() && open_.back().left == 0) close();
    } while (!open_.empty());
    return values_.back();
  }

 private:
  struct Pending {
    ConstantTag tag;
    std::uint64_t left;
    std::size_t first;  // index of its first part in values_
  };

  Value type_of_record(ByteReader& in, std::uint64_t& parts) {
    const Value name = cx_.symbol(in.text());
    parts = in.count();
    std::vector<Value> fields;
    for (std::uint64_t i = 0; i < parts; ++i) fields.push_back(cx_.keyword(in.text()));
    return record_type(cx_, name, fields);
  }

  Value atom(ByteReader& in, ConstantTag tag) {
    switch (tag) {
      case ConstantTag::False:
        return Value::fals();
      case ConstantTag::True:
        return Value::tru();
      case ConstantTag::EmptyList:
        return Value::empty_list();
      case ConstantTag::Int:
        return make_int(cx_, unzigzag(in.count()));
      case ConstantTag::Double: {
        const std::uint64_t bits = in.u64();
        double d;
        std::memcpy(&d, &bits, sizeof d);
        return Value::from_double(d);
      }
      case ConstantTag::BigInt:
        return bigint(in);
      case ConstantTag::String:
        return make_string(cx_, in.text());
      case ConstantTag::Bytes: {
        const std::string_view data = in.text();
        return make_bytes(cx_, {reinterpret_cast<const std::uint8_t*>(data.data()), data.size()});
      }
      case ConstantTag::Char:
        return Value::character(static_cast<std::uint32_t>(in.count()));
      case ConstantTag::Symbol:
        return cx_.symbol(in.text());
      case ConstantTag::Keyword:
        return cx_.keyword(in.text());
      case ConstantTag::Raw: {
        Root text(cx_.heap, make_string(cx_, in.text()));
        auto* raw = static_cast<RawMarkup*>(cx_.heap.alloc(Kind::Raw, 2));
        raw->text = text;
        return Value::object(raw);
      }
      default:
        return Value::nil();
    }
  }

  Value bigint(ByteReader& in) {
    const std::uint8_t negative = in.u8();
    const auto limbs = static_cast<std::uint32_t>(in.count());
    auto* n = static_cast<BigInt*>(cx_.heap.alloc_slots(Kind::BigInt, 2 + (limbs + 1) / 2));
    n->limb_count = limbs;
    n->negative = negative;
    if (limbs % 2 != 0) n->limbs()[limbs] = 0;
    for (std::uint32_t i = 0; i < limbs; ++i) n->limbs()[i] = in.u32();
    return Value::object(n);
  }

  // The parts of the innermost collection are complete: they become one value.
  void close() {
    const Pending done = open_.back();
    open_.pop_back();
    const std::size_t count = values_.size() - done.first;
    Root result(cx_.heap, Value::nil());
    switch (done.tag) {
      case ConstantTag::List:
      case ConstantTag::DottedList: {
        std::size_t i = values_.size();
        result = done.tag == ConstantTag::List ? Value::empty_list() : values_[--i];
        while (i > done.first) result = cx_.heap.cons(values_[--i], result);
        break;
      }
      case ConstantTag::Vector:
        result = make_vector(cx_, {values_.data() + done.first, count});
        break;
      case ConstantTag::Dict:
        result = empty_dict(cx_);
        for (std::size_t i = done.first; i < values_.size(); i += 2)
          result = dict_put(cx_, result, values_[i], values_[i + 1]);
        break;
      case ConstantTag::Record: {
        const auto words = static_cast<std::uint32_t>(1 + count);
        result = Value::object(cx_.heap.alloc_slots(Kind::Record, words));
        for (std::size_t i = 0; i < count; ++i) store_slot(cx_, result, i, values_[done.first + i]);
        break;
      }
      default:
        result = empty_set(cx_);
        for (std::size_t i = done.first; i < values_.size(); ++i)
          result = set_add(cx_, result, values_[i]);
        break;
    }
    values_.resize(done.first);
    values_.push_back(result);
    if (!open_.empty()) --open_.back().left;
  }

  Context& cx_;
  std::vector<Value> values_;
  std::vector<Pending> open_;
};

}  // namespace

Result<std::string> encode_constant(const Context& cx, Value v) { return Encoder(cx).run(v); }

Result<void> check_constant(std::string_view bytes) {
  ByteReader in(bytes);
  std::vector<std::uint64_t> left;  // parts still to come, per open collection
  do {
    const std::size_t at = in.at();
    const std::uint8_t code = in.u8();
    const auto tag = static_cast<ConstantTag>(code);
    std::uint64_t parts = 0;
    if (!left.empty()) --left.back();
    if (read_parts(in, tag, parts)) {
      left.push_back(parts);
      if (left.size() > kConstantDepthMax)
        return Error{str("a constant is nested more than ", kConstantDepthMax, " deep")};
    } else if (!skip_atom(in, tag)) {
      return Error{str("a constant has the unknown tag ", code, " at byte ", at)};
    }
    if (!in.ok())
      return Error{str("a constant is cut off or malformed at byte ", at, " of ", bytes.size(),
                       " (tag ", code, ")")};
    while (!left.empty() && left.back() == 0) left.pop_back();
  } while (!left.empty());
  if (!in.at_end())
    return Error{str("a constant ends at byte ", in.at(), " but has ", bytes.size(), " bytes")};
  return {};
}

Result<Value> decode_constant(Context& cx, std::string_view bytes, bool as_static) {
  SX_CHECK(check_constant(bytes));
  const Value v = Decoder(cx).run(bytes);
  if (v.is_unset()) return Error{"there are too many different record types"};
  return as_static ? cx.heap.copy_to_static(v) : v;
}

bool constant_keyword(std::string_view bytes, std::string_view& name) {
  ByteReader in(bytes);
  if (in.u8() != static_cast<std::uint8_t>(ConstantTag::Keyword)) return false;
  name = in.text();
  return in.ok();
}

bool constant_keywords(std::string_view bytes, std::vector<std::string_view>& names) {
  ByteReader in(bytes);
  if (in.u8() != static_cast<std::uint8_t>(ConstantTag::Vector)) return false;
  for (std::uint64_t left = in.count(); left > 0 && in.ok(); --left) {
    if (in.u8() != static_cast<std::uint8_t>(ConstantTag::Keyword)) return false;
    names.push_back(in.text());
  }
  return in.ok();
}

}  // namespace sx
