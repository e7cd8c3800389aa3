// Code as frozen fibers see it: units named by module and hash, points where frames stand still,
// and the parts of the machine that freezing and thawing reach into. Internal to engine/vm/freeze*
// and thaw*.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "engine/base/result.h"
#include "engine/base/sha256.h"
#include "engine/bytecode/tables.h"
#include "engine/bytecode/verify_frame.h"
#include "engine/vm/vm.h"

namespace sx {

// Kept with the unit, filled in when asked for.
struct CodeFacts {
  std::string hash;  // 32 bytes; "" : not computed
  std::unique_ptr<CaptureFacts> captures;
  std::unordered_map<std::uint64_t, CodePoint> points;  // (function, pc)
};

// SHA-256 of the unit as it would lie in a bundle of its own: the same wherever it came from.
const std::string& unit_hash(const Vm& vm, Unit& unit);
// Valid until the next call.
Result<const CodePoint*> code_point_of(Unit& unit, std::uint32_t function, std::uint32_t pc);
Result<const CaptureFacts*> capture_facts_of(Unit& unit);

struct FreezeAccess {
  static std::vector<std::unique_ptr<Unit>>& units(Vm& vm) { return vm.units_; }
  static StackPool& pool(Vm& vm) { return vm.pool_; }
  static std::size_t stack_bytes_max(const Vm& vm) { return vm.stack_bytes_max_; }
  // The code that returns register 0: what a frame runs that only waits to hand a value on.
  static const std::uint32_t* return_code(const Vm& vm) { return vm.return_stub_.code; }
  static Value return_closure(const Vm& vm) { return vm.return_stub_.closure; }
  static const Function& return_function(const Vm& vm) { return vm.return_stub_.function; }
};

// --- the format ----------------------------------------------------------------------------------
// All integers are little-endian or LEB128 (bytecode/bytes.h).
//
//   0   "SXFF"
//   4   u16 format version, u16 0
//   8   fingerprint of the tables, 32 bytes
//   40  content hash: SHA-256 over everything from byte 72 on
//   72  u32 size of the whole
//   76  u8 portable: 1 when the fiber was made to go to clients
//       names: count, texts              symbols and keywords refer to them
//       units: count; module, file, 32 bytes unit hash each
//       owns:  count; an OwnTag and what is needed to make the object, each
//       parts: count; a PartTag and its content, each
//       contents of the owns, in their order
//       the frozen fiber or continuation: a value
//
// Owns are objects with an identity: they are made first, empty, so that anything may refer to
// them. Parts are immutable: each refers to owns and to parts before it, so there is no circle
// among them. Shared objects are written once.

inline constexpr std::string_view kFrozenMagic = "SXFF";
inline constexpr std::uint16_t kFrozenFormat = 1;
inline constexpr std::size_t kFrozenHashAt = 40;
inline constexpr std::size_t kFrozenBodyAt = 72;

enum class ValueTag : std::uint8_t {
  Nil,
  False,
  True,
  EmptyList,
  Unset,  // in registers, captures and cells only
  Eof,
  Int,  // zigzag
  Double,
  Char,
  Symbol,   // name
  Keyword,  // name
  Primitive,
  Part,  // index; within parts: how many parts back
  Own,   // index
};

enum class PartTag : std::uint8_t {
  Pair,        // car cdr
  String,      // text
  Bytes,       // bytes
  BigInt,      // constant encoding (bytecode/constant.h)
  Vector,      // count, elements
  Dict,        // count, key value …
  Set,         // count, members
  RecordType,  // name (value), count, field names
  Record,      // type (value), count, fields
  Template,    // unit, template, count, holes
  Raw,         // string (value)
  Parameter,   // default, name
  Secret,      // value
};

enum class OwnTag : std::uint8_t {
  Cell,          // content: value
  Array,         // count; content: elements
  Table,         // content: count, key value …
  Closure,       // unit, function; content: captures
  Builder,       // text
  Typed,         // element type, count, bytes
  Fiber,         // FrozenState, portable, strands; content: strands
  Continuation,  // used, strands; content: strands
  Global,        // kind, name: what the global of this name holds where it is thawed
};

enum class FrozenState : std::uint8_t { Finished, Fresh, Suspended };

// A strand is one fiber of a chain, innermost first: u8 role, dynamic (value); Handled: handler
// (value); Limited: fuel, heap, depth, each + 1 or 0 for none; u8 whether its innermost frame waits
// for a value; frames: count, then from the outermost inwards
//   FrameTag::Code    handler, closure (value), unit, function, pc, count, live registers (values)
//   FrameTag::Return  handler
// where handler is 0, or 1 and the continuation (value) that the frame was called with as a
// handler.
enum class FrameTag : std::uint8_t { Code, Return };

// A global's value that is referred to by the global's name.
constexpr bool named_by_global(Kind kind) {
  return kind == Kind::Closure || kind == Kind::Cell || kind == Kind::Array ||
         kind == Kind::Table || kind == Kind::Parameter || kind == Kind::StringBuilder ||
         kind == Kind::TypedArray || kind == Kind::Primitive;
}

}  // namespace sx
