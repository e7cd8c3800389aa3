// The instruction set as C++: enum, formats, lengths, field access. Made from opcodes.def.
#pragma once

#include <cstdint>

namespace sx {

enum class Op : std::uint8_t {
#define SX_OP(code, name, format, meaning) name = code,
#include "engine/bytecode/opcodes.def"
#undef SX_OP
};

enum class Format : std::uint8_t {
  None,
  W,
  R,
  WR,
  WRR,
  RR,
  RRR,
  WI,
  WU,
  WRI,
  WRU,
  RRU,
  WK,
  WG,
  RG,
  RU,
  WF,
  J,
  RJ,
  RRJ,
  RIJ,
  CALL,
  CALLG,
  PRIM,
  KEY,
  LIT,
  TPL,
  WIN1,
  WIN2,
};

struct OpInfo {
  const char* name;
  Format format;
};
// nullptr for a code that is no instruction.
const OpInfo* op_info(std::uint8_t code);

// Words of an instruction, without the capture words of WF.
constexpr int base_words(Format f) {
  switch (f) {
    case Format::RRJ:
    case Format::RIJ:
    case Format::CALLG:
    case Format::PRIM:
    case Format::KEY:
    case Format::LIT:
    case Format::TPL:
      return 2;
    default:
      return 1;
  }
}

constexpr std::uint8_t ins_op(std::uint32_t w) { return static_cast<std::uint8_t>(w); }
constexpr std::uint8_t ins_a(std::uint32_t w) { return static_cast<std::uint8_t>(w >> 8); }
constexpr std::uint8_t ins_b(std::uint32_t w) { return static_cast<std::uint8_t>(w >> 16); }
constexpr std::uint8_t ins_c(std::uint32_t w) { return static_cast<std::uint8_t>(w >> 24); }
constexpr std::int8_t ins_bi(std::uint32_t w) { return static_cast<std::int8_t>(w >> 16); }
constexpr std::int8_t ins_ci(std::uint32_t w) { return static_cast<std::int8_t>(w >> 24); }
constexpr std::uint16_t ins_d(std::uint32_t w) { return static_cast<std::uint16_t>(w >> 16); }
constexpr std::int16_t ins_di(std::uint32_t w) { return static_cast<std::int16_t>(w >> 16); }
constexpr std::int32_t ins_e(std::uint32_t w) { return static_cast<std::int32_t>(w) >> 8; }

constexpr std::uint32_t enc_abc(Op op, unsigned a = 0, unsigned b = 0, unsigned c = 0) {
  return static_cast<std::uint32_t>(op) | (a & 0xFF) << 8 | (b & 0xFF) << 16 | (c & 0xFF) << 24;
}
constexpr std::uint32_t enc_ad(Op op, unsigned a, unsigned d) {
  return static_cast<std::uint32_t>(op) | (a & 0xFF) << 8 | (d & 0xFFFF) << 16;
}
constexpr std::uint32_t enc_e(Op op, std::int32_t e) {
  return static_cast<std::uint32_t>(op) | static_cast<std::uint32_t>(e) << 8;
}

inline constexpr unsigned kCallControl = 3;  // words from a window's start to its first argument
inline constexpr unsigned kRegistersMax = 250;

}  // namespace sx
