// How the forms of the language are laid out, read from their usage lines in special_forms.def: the
// elements before "body…" belong to the head, those from there on stand two columns in.
#pragma once

#include <cstdint>
#include <string_view>

namespace sx::format {

enum class Role : std::uint8_t {
  Plain,     // code
  Data,      // a list of names: (param…)
  Bindings,  // ((name value)…)
  Clause,    // (test body…)
  Clauses,   // (name clause…)
};

struct FormStyle {
  static constexpr std::uint32_t kRolesMax = 4;
  bool body = false;            // has a body
  std::uint32_t head_args = 0;  // elements between the name and the body
  bool clauses = false;         // the body is made of clauses
  bool lists_are_data = false;  // module
  Role roles[kRolesMax] = {};   // of the elements behind the name
  Role role(std::uint32_t element) const {
    if (lists_are_data) return Role::Data;
    if (body && element > head_args) return clauses ? Role::Clause : Role::Plain;
    return element >= 1 && element <= kRolesMax ? roles[element - 1] : Role::Plain;
  }
};

// The style of the special form of this name, or null. list_first: its first element is a list;
// (define (f) …) and (define x …) are laid out differently.
const FormStyle* form_style(std::string_view name, bool list_first);

}  // namespace sx::format
