// How far apart two names are, for "did you mean".
#pragma once

#include <string_view>

namespace sx {

// Edits (insert, delete, replace, swap neighbours) that turn a into b, or limit + 1 when it takes
// more, or one of them is longer than 64 bytes. Optimal string alignment (Damerau 1964).
int edit_distance(std::string_view a, std::string_view b, int limit);

}  // namespace sx
