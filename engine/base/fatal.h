// The end of the process for faults that no program can cause: one line to the operator, then a
// stop. The engine writes nowhere else by itself, so that the kernel carries no stdio.
#pragma once

#include <string_view>

namespace sx {

// "sx: " and the message on stderr; in the kernel, the page's log.
[[noreturn]] void fatal(std::string_view message);

}  // namespace sx
