// The source formatter: indentation, spaces, blank lines, lines that are too long. Line breaks of
// the author stay; comments stay; what the text reads as stays (it is read again and compared).
//
//   special forms    their body two columns in:  (when test⏎  body)
//   calls            arguments under the first, or two columns in if the author began so
//   data             elements under the first
//   closing brackets behind what they close
//   a line over the width is broken at the outermost form where that helps
//
// Formatting what it made changes nothing. Not part of the kernel.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/gc/context.h"

namespace sx {

struct FormatOptions {
  std::string file = "<input>";  // shown in errors
  std::uint32_t width = 100;
};

// Text that does not read is refused with the reader's error.
Result<std::string> format_source(Context& cx, std::string_view text,
                                  const FormatOptions& options = {});

}  // namespace sx
