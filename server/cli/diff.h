// Two texts compared line by line.
#pragma once

#include <string>
#include <string_view>

namespace sx::cli {

// The difference as `diff -u` shows it, with `name` in its head; empty when there is none.
std::string unified_diff(std::string_view before, std::string_view after, std::string_view name);

}  // namespace sx::cli
