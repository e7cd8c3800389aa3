// Which value do the clauses of a match miss? Asked where the shape of the value is known.
#pragma once

#include <optional>
#include <string>

#include "engine/compiler/expander.h"

namespace sx {

// A value that certainly fits no clause, as text with _ for "anything": "[() (cons _ _)]". Nothing
// where every clause that could be missing depends on a shape that is open, or where the answer
// would take too long. form: the whole match, already compiled without an error.
std::optional<std::string> missed_by_match(Expander& expander, const Form* form,
                                           const Scope* scope);

}  // namespace sx
