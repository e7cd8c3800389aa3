// Bundles (.sxbc): linked-together-later units as bytes, the same on every side. All integers are
// little-endian.
//
//   0   "SXBC"
//   4   u16 format version, u16 0
//   8   fingerprint of the tables the bundle was made for (bytecode/tables.h), 32 bytes
//   40  content hash: SHA-256 over everything from byte 72 on
//   72  u32 size of the whole file, u32 units, u32 entry unit, u32 sections
//   88  section table: u32 kind, u32 unit, u32 offset, u32 size for each
//   …   sections, each at a multiple of 8, zero bytes between them
//
// Each unit has one section of every kind, in the order of SectionKind. Code is a section of plain
// 32-bit words, so that it can be used where it lies. There is exactly one encoding of a list of
// units: whatever differs from it is refused.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/bytecode/image.h"
#include "engine/bytecode/tables.h"

namespace sx {

inline constexpr std::string_view kBundleMagic = "SXBC";
inline constexpr std::uint16_t kBundleFormat = 2;

enum class SectionKind : std::uint32_t {
  Head = 1,          // module, file, source hash
  Dependencies = 2,  // uses, required ops
  Exports = 3,
  Constants = 4,
  Globals = 5,
  Functions = 6,  // everything about functions but code and lines
  Code = 7,
  Templates = 8,
  Lines = 9,  // and, behind them, names of local variables, where the bundle has them
};
inline constexpr std::uint32_t kSectionKinds = 9;

struct Bundle {
  std::vector<std::unique_ptr<UnitImage>> units;
  std::uint32_t entry = 0;  // the unit whose main is called; == units.size(): none
  std::string hash;         // content hash, hexadecimal, as computed here
};

// names: also the names of local variables, which errors show. They are no part of what a unit is:
// frozen fibers name their code by the hash without them.
std::string encode_bundle(const std::vector<const UnitImage*>& units, std::uint32_t entry,
                          const Tables& tables, bool names = false);

// Reads untrusted bytes. The units are well-formed as data but must pass verify_unit before they
// are linked. `name` is the file name used in errors. Unchecked, the fingerprint of the tables and
// the content hash are taken as stated: for what is part of the program itself.
Result<Bundle> decode_bundle(std::string_view bytes, const Tables& tables,
                             std::string_view name = "bundle", bool checked = true);

// Writes the content hash that belongs to the bytes into them (tests and fuzzing need bundles that
// are wrong elsewhere). No effect on what is shorter than a header.
void reseal_bundle(std::string& bytes);

}  // namespace sx
