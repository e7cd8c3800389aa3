#include "engine/format/style.h"

#include <vector>

namespace sx::format {

namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// The elements of a usage line's form, "(" excluded, up to its closing bracket.
std::vector<std::string_view> elements_of(std::string_view usage) {
  std::vector<std::string_view> elements;
  int depth = 0;
  std::size_t from = 1;
  for (std::size_t i = 1; i < usage.size(); ++i) {
    const char c = usage[i];
    const bool end = depth == 0 && (c == ' ' || c == ')');
    if (end && i > from) elements.push_back(usage.substr(from, i - from));
    if (end) from = i + 1;
    if (end && c == ')') break;
    if (c == '(' || c == '{') ++depth;
    if (c == ')' || c == '}') --depth;
  }
  return elements;
}

Role role_of(std::string_view element) {
  if (element[0] != '(') return Role::Plain;
  if (contains(element, " value)…)")) return Role::Bindings;
  if (contains(element, " clause…)")) return Role::Clauses;
  if (contains(element, " param…)")) return Role::Plain;  // (name param…): like a call
  return Role::Data;
}

FormStyle style_of(std::string_view usage) {
  FormStyle style;
  const std::vector<std::string_view> elements = elements_of(usage);
  for (std::uint32_t i = 1; i < elements.size(); ++i) {
    const std::string_view element = elements[i];
    const bool clause = element[0] == '(' && contains(element, "body…");
    if (clause || element.substr(0, 4) == "body" || element == "\"doc\"") {
      style.body = true;
      style.head_args = i - 1;
      style.clauses = clause;
      break;
    }
    if (i <= FormStyle::kRolesMax) style.roles[i - 1] = role_of(element);
  }
  const std::string_view name = elements.empty() ? std::string_view() : elements[0];
  style.lists_are_data = name == "module";
  // A definition without a body stands on one line, or its value two columns in.
  if (!style.body && (name.substr(0, 3) == "def" || name == "module")) {
    style.body = true;
    style.head_args = 1;
  }
  return style;
}

struct NamedStyle {
  std::string_view name;
  FormStyle list_first, atom_first;
};

NamedStyle named_style(std::string_view name, std::string_view usage) {
  // "(define name value) or (define (name param…) body…)": one of them begins with a list.
  const std::size_t second = usage.find(") or (");
  const FormStyle first = style_of(usage);
  NamedStyle named{name, first, first};
  if (second == std::string_view::npos) return named;
  const std::string_view other_usage = usage.substr(second + 5);
  const auto begins_with_list = [](std::string_view text) {
    const std::vector<std::string_view> elements = elements_of(text);
    return elements.size() > 1 && elements[1][0] == '(';
  };
  (begins_with_list(other_usage) ? named.list_first : named.atom_first) = style_of(other_usage);
  return named;
}

}  // namespace

const FormStyle* form_style(std::string_view name, bool list_first) {
  static const std::vector<NamedStyle> table = {
// The forms that are functions as well are laid out like calls.
#define SX_INLINE_FORM(form, function, least, most, usage)
#define SX_FORM(form, function, least, most, usage) named_style(form, usage),
#include "engine/compiler/special_forms.def"
#undef SX_FORM
      // Macros of the core library. Those of other modules are laid out as their first use says.
      named_style("while", "(while test body…)"),
      named_style("dotimes", "(dotimes (name count) body…)"),
      named_style("doseq", "(doseq (clause…) body…)"),
      named_style("for", "(for (clause…) body…)"),
      named_style("if-let", "(if-let (name value) then else)"),
      named_style("when-let", "(when-let (name value) body…)"),
      named_style("lazy", "(lazy body…)"),
  };
  for (const NamedStyle& named : table)
    if (named.name == name) return list_first ? &named.list_first : &named.atom_first;
  return nullptr;
}

}  // namespace sx::format
