// Heap objects: the header and the layout of every kind. Allocation is in gc/heap.h.
//
// Addresses are not stable: any allocation may move any young object. Code that keeps an object
// across an allocation holds it in a VM register or a Root (gc/heap.h) and reads it again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "engine/value/value.h"

namespace sx {

struct Function;      // a loaded function, engine/bytecode/unit.h (not a heap object)
struct TemplateInfo;  // a loaded template, engine/bytecode/unit.h (not a heap object)
struct FiberState;    // engine/vm/fiber.h
struct BuilderState;  // engine/value/builder.h

enum class Kind : std::uint8_t {
#define SX_KIND(code, name, type_name, prefix, layout) name = code,
#include "engine/value/object_kinds.def"
#undef SX_KIND
};

enum class Layout : std::uint8_t { Slots, Raw, Special };

struct KindInfo {
  const char* name;       // "ShapeDict"
  const char* type_name;  // "dict"
  std::uint8_t prefix_words;
  Layout layout;
};
const KindInfo& kind_info(Kind kind);  // value/object.cpp

// What the collector needs of it, in reach of its loops.
struct KindLayout {
  std::uint8_t prefix_words = 0;
  Layout layout = Layout::Raw;
};
struct KindLayouts {
  KindLayout of[256] = {};
  constexpr KindLayouts() {
#define SX_KIND(code, name, type_name, prefix, layout) of[code] = {prefix, Layout::layout};
#include "engine/value/object_kinds.def"
#undef SX_KIND
  }
};
inline constexpr KindLayouts kKindLayouts;
SX_INLINE KindLayout kind_layout(Kind kind) {
  return kKindLayouts.of[static_cast<std::uint8_t>(kind)];
}

// Collector state of an object, in the header.
enum GcBits : std::uint8_t {
  kGcForwarded = 1,   // the word after the header is the new address
  kGcOld = 2,         // lives in the old generation (or is static)
  kGcMarked = 4,      // black or grey in the current mark
  kGcRemembered = 8,  // in the remembered set
  kGcStatic = 16,     // never traced, never freed: constants of bundles
};

struct Object {
  std::uint32_t words;  // whole object, header included, in 8-byte words; at least 2
  Kind kind;
  std::uint8_t gc;
  std::uint16_t aux;  // free for the kind

  std::uint64_t* raw() { return reinterpret_cast<std::uint64_t*>(this + 1); }
  const std::uint64_t* raw() const { return reinterpret_cast<const std::uint64_t*>(this + 1); }
  // Values start after the raw prefix.
  Value* slots(std::size_t prefix) { return reinterpret_cast<Value*>(this + 1) + prefix; }
  const Value* slots(std::size_t prefix) const {
    return reinterpret_cast<const Value*>(this + 1) + prefix;
  }
  std::uint32_t& u32(std::size_t i) { return reinterpret_cast<std::uint32_t*>(this + 1)[i]; }
  std::uint32_t u32(std::size_t i) const {
    return reinterpret_cast<const std::uint32_t*>(this + 1)[i];
  }
};
static_assert(sizeof(Object) == 8);

SX_INLINE bool is_kind(Value v, Kind k) { return v.is_object() && v.as_object()->kind == k; }

// --- Pairs ---------------------------------------------------------------------------------
struct Pair : Object {
  Value car, cdr;
  // Pairs made by the reader carry a third slot with their source position (reader/position.h).
  bool has_position() const { return words == 4; }
  Value position() const { return has_position() ? (&cdr)[1] : Value::nil(); }
};
SX_INLINE bool is_pair(Value v) { return is_kind(v, Kind::Pair); }
SX_INLINE Pair* as_pair(Value v) { return static_cast<Pair*>(v.as_object()); }
SX_INLINE Value car(Value v) { return as_pair(v)->car; }
SX_INLINE Value cdr(Value v) { return as_pair(v)->cdr; }

// --- Text and bytes ------------------------------------------------------------------------
struct String : Object {
  std::uint32_t byte_len;
  std::uint32_t char_len;  // == byte_len iff all ASCII: then indexing is O(1)
  std::uint64_t hash;      // 0: not computed yet
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }
  char* data() { return reinterpret_cast<char*>(this + 1); }
  std::string_view view() const { return {data(), byte_len}; }
  bool ascii() const { return byte_len == char_len; }
};
SX_INLINE bool is_string(Value v) { return is_kind(v, Kind::String); }
SX_INLINE String* as_string(Value v) { return static_cast<String*>(v.as_object()); }

struct Bytes : Object {
  std::uint32_t byte_len;
  std::uint32_t reserved;
  std::uint64_t hash;
  const std::uint8_t* data() const { return reinterpret_cast<const std::uint8_t*>(this + 1); }
  std::uint8_t* data() { return reinterpret_cast<std::uint8_t*>(this + 1); }
};
SX_INLINE bool is_bytes(Value v) { return is_kind(v, Kind::Bytes); }
SX_INLINE Bytes* as_bytes(Value v) { return static_cast<Bytes*>(v.as_object()); }

// --- Big integers: sign and magnitude, 32-bit limbs, no leading zero limb, never small -----
struct BigInt : Object {
  std::uint32_t limb_count;
  std::uint32_t negative;
  const std::uint32_t* limbs() const { return reinterpret_cast<const std::uint32_t*>(this + 1); }
  std::uint32_t* limbs() { return reinterpret_cast<std::uint32_t*>(this + 1); }
};
SX_INLINE bool is_bigint(Value v) { return is_kind(v, Kind::BigInt); }

// --- Persistent vectors: 32-way trie with a tail -------------------------------------------
struct Vector : Object {
  std::uint32_t count;
  std::uint32_t shift;  // 5 × height of the trie under root; 0 when root is nil
  Value root;           // VectorNode of nodes, or nil
  Value tail;           // VectorNode of 1…32 elements, or nil when empty
};
SX_INLINE bool is_vector(Value v) { return is_kind(v, Kind::Vector); }
SX_INLINE Vector* as_vector(Value v) { return static_cast<Vector*>(v.as_object()); }

// --- Dicts -----------------------------------------------------------------------------------
// Up to 8 keyword keys: values behind a shape (value/shape.h). Otherwise a hash trie from key to
// the index in a persistent vector of entries, which keeps the insertion order.
struct ShapeDict : Object {
  std::uint32_t shape;
  std::uint32_t reserved;
  Value* values() { return reinterpret_cast<Value*>(this + 1); }
  const Value* values() const { return reinterpret_cast<const Value*>(this + 1); }
};
struct HashDict : Object {
  std::uint32_t live;
  std::uint32_t reserved;
  Value root;     // TrieNode or nil
  Value entries;  // Vector of Pair (key . value), unset where deleted
};
SX_INLINE bool is_dict(Value v) {
  return is_kind(v, Kind::ShapeDict) || is_kind(v, Kind::HashDict);
}

// --- Functions -------------------------------------------------------------------------------
struct Closure : Object {
  std::uint64_t function_bits;  // Function*, wide enough on both targets
  Function* function() const {
    return reinterpret_cast<Function*>(static_cast<std::uintptr_t>(function_bits));
  }
  Value* captures() { return reinterpret_cast<Value*>(this + 1); }
};
SX_INLINE bool is_closure(Value v) { return is_kind(v, Kind::Closure); }
SX_INLINE Closure* as_closure(Value v) { return static_cast<Closure*>(v.as_object()); }

struct PrimitiveObject : Object {
  std::uint32_t index;
  std::uint32_t reserved;
};

// --- Mutable kinds ---------------------------------------------------------------------------
struct Cell : Object {
  Value value;
};
SX_INLINE Cell* as_cell(Value v) { return static_cast<Cell*>(v.as_object()); }

struct Array : Object {
  std::uint32_t count;
  std::uint32_t reserved;
  Value store;  // ArrayStore
};
// Numbers of one machine type, packed: bytes, 32- and 64-bit integers, doubles. A double is
// canonicalised when it is read (it may have come in as bytes).
enum class Element : std::uint32_t { U8, I32, I64, F64 };
struct TypedArray : Object {
  std::uint32_t count;
  Element element;
  std::uint8_t* data() { return reinterpret_cast<std::uint8_t*>(this + 1); }
  const std::uint8_t* data() const { return reinterpret_cast<const std::uint8_t*>(this + 1); }
};
constexpr std::uint32_t element_bytes(Element e) {
  return e == Element::U8 ? 1 : e == Element::I32 ? 4 : 8;
}
struct Table : Object {
  std::uint32_t live;
  std::uint32_t used;  // entries in the store, deleted ones included
  Value index;         // TableIndex
  Value entries;       // ArrayStore of key, value, key, value, …; key unset where deleted
};

// --- Markup ----------------------------------------------------------------------------------
struct Template : Object {
  std::uint64_t info_bits;  // TemplateInfo*
  TemplateInfo* info() const {
    return reinterpret_cast<TemplateInfo*>(static_cast<std::uintptr_t>(info_bits));
  }
  Value* holes() { return reinterpret_cast<Value*>(this + 1); }
  const Value* holes() const { return reinterpret_cast<const Value*>(this + 1); }
  std::size_t hole_count() const { return words - 2; }
};
struct RawMarkup : Object {
  Value text;
};

// --- Records, parameters, handles ------------------------------------------------------------
struct RecordType : Object {
  std::uint32_t field_count;
  std::uint32_t reserved;
  Value name;
  Value fields;  // vector of keywords
};
// Types are interned by name and fields (collections.h), so instances made by different bundles,
// or read from text, are of one type.
struct Record : Object {
  Value type;
  Value* fields() { return reinterpret_cast<Value*>(this + 1); }
  const Value* fields() const { return reinterpret_cast<const Value*>(this + 1); }
};
struct Parameter : Object {
  Value default_value;
  Value name;
};
struct Handle : Object {
  std::uint32_t id;
  std::uint32_t reserved;
  Value type;
};

// --- Effects ---------------------------------------------------------------------------------
struct Fiber : Object {
  std::uint64_t state_bits;  // FiberState*: the stack segments live outside the heap
  Value parent;   // the fiber below (whose with-handler or fiber/step started this), or nil
  Value handler;  // the handler function, or nil (fiber/new and host fibers)
  Value dynamic;  // parameter bindings: list of (parameter . value)
  FiberState* state() const {
    return reinterpret_cast<FiberState*>(static_cast<std::uintptr_t>(state_bits));
  }
};
struct Continuation : Object {
  std::uint32_t used;
  std::uint32_t reserved;
  Value inner;  // the fiber that performed
  Value outer;  // the fiber directly above the handler
};

// --- String builders: text grows outside the heap ------------------------------------------
struct StringBuilder : Object {
  std::uint64_t state_bits;
  BuilderState* state() const {
    return reinterpret_cast<BuilderState*>(static_cast<std::uintptr_t>(state_bits));
  }
};

// The word used by error messages: "list", "string", "nil", "integer", …
const char* type_name(Value v);

}  // namespace sx
