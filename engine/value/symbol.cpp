// The table of names.
#include "engine/value/symbol.h"

#include <cstring>
#include <utility>

#include "engine/base/hash.h"

namespace sx {

namespace {

// Names are short: a word at a time.
std::uint64_t hash_name(std::string_view name, std::uint64_t seed) {
  std::uint64_t h = seed + name.size();
  std::size_t at = 0;
  for (std::uint64_t word; at + 8 <= name.size(); at += 8) {
    std::memcpy(&word, name.data() + at, 8);
    h = hash_mix(h ^ word);
  }
  std::uint64_t last = 0;
  for (; at < name.size(); ++at) last = last << 8 | static_cast<unsigned char>(name[at]);
  return hash_mix(h ^ last);
}

}  // namespace

std::uint32_t SymbolTable::intern(std::string_view name) {
  const std::uint64_t hash = hash_name(name, seed_);
  const std::uint64_t upper = hash >> 32 << 32;
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  for (; slots_[at]; at = (at + 1) & mask) {
    const auto id = static_cast<std::uint32_t>(slots_[at]) - 1;
    if ((slots_[at] ^ upper) >> 32 == 0 && names_[id].text == name) return id;
  }
  const auto id = static_cast<std::uint32_t>(names_.size());
  names_.push_back({std::string(name)});
  slots_[at] = upper | (id + 1);
  if (++used_ * 2 > slots_.size()) grow();
  return id;
}

void SymbolTable::grow() {
  std::vector<std::uint64_t> wider(slots_.size() * 2);
  const std::size_t mask = wider.size() - 1;
  for (const std::uint64_t slot : slots_) {
    if (!slot) continue;
    std::size_t at = hash_name(names_[static_cast<std::uint32_t>(slot) - 1].text, seed_) & mask;
    while (wider[at]) at = (at + 1) & mask;
    wider[at] = slot;
  }
  slots_ = std::move(wider);
}

std::uint32_t SymbolTable::make_alias(std::uint32_t base, std::uint32_t module) {
  const auto id = static_cast<std::uint32_t>(names_.size());
  names_.push_back({names_[base].text, true, base, module});
  return id;
}

}  // namespace sx
