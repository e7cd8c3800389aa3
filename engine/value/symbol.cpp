// The table of names.
#include "engine/value/symbol.h"

namespace sx {

std::uint32_t SymbolTable::intern(std::string_view name) {
  if (const auto found = ids_.find(name); found != ids_.end()) return found->second;
  const auto id = static_cast<std::uint32_t>(names_.size());
  names_.push_back({std::string(name)});
  ids_.emplace(names_.back().text, id);
  return id;
}

std::uint32_t SymbolTable::make_alias(std::uint32_t base, std::uint32_t module) {
  const auto id = static_cast<std::uint32_t>(names_.size());
  names_.push_back({names_[base].text, true, base, module});
  return id;
}

}  // namespace sx
