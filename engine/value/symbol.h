// Symbols and keywords are ids in one table per VM. Names are never freed.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sx {

class SymbolTable {
 public:
  std::uint32_t intern(std::string_view name);
  std::string_view name(std::uint32_t id) const { return names_[id].text; }
  std::size_t size() const { return names_.size(); }

  // A symbol that a macro template introduced: a fresh id that prints as `base` and that no source
  // text can spell. The expander binds it apart from `base` and, where nothing binds it, resolves
  // it as `base` in the module of the macro (renaming, Clinger & Rees 1991, "Macros that work").
  std::uint32_t make_alias(std::uint32_t base, std::uint32_t module);
  bool is_alias(std::uint32_t id) const { return names_[id].alias; }
  std::uint32_t alias_base(std::uint32_t id) const { return names_[id].base; }
  std::uint32_t alias_module(std::uint32_t id) const { return names_[id].module; }

 private:
  struct Entry {
    std::string text;
    bool alias = false;
    std::uint32_t base = 0;
    std::uint32_t module = 0;
  };
  std::deque<Entry> names_;  // stable addresses: the map's keys are views into them
  std::unordered_map<std::string_view, std::uint32_t> ids_;
};

}  // namespace sx
