// Symbols and keywords are ids in one table per VM. Names are never freed.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace sx {

class SymbolTable {
 public:
  // The seed keeps strangers, whose texts name keywords, from choosing names that collide.
  explicit SymbolTable(std::uint64_t seed = 0) : seed_(seed) {}
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
  void grow();
  std::deque<Entry> names_;  // stable addresses: name() hands out views
  // Open addressing over a power of two: the upper half of the name's hash, then id + 1; 0: free.
  std::vector<std::uint64_t> slots_ = std::vector<std::uint64_t>(1024);
  std::size_t used_ = 0;
  std::uint64_t seed_;
};

}  // namespace sx
