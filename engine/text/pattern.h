// Compiled patterns and the cache of them.
#pragma once

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/reply.h"

namespace sx::text {

struct PatternName {
  std::string name;
  std::vector<std::uint32_t> groups;  // more than one where (?J) allows it
};

struct Pattern {
  ~Pattern() { pcre2_code_free(code); }
  std::string source;
  pcre2_code* code = nullptr;
  std::uint32_t groups = 0;        // captures, the whole match not counted
  bool has_references = false;     // \1 and its kin
  std::vector<PatternName> names;  // in order of their first group
  // Backtracking points at one time. Counted so that both sides stop at the same one, whatever the
  // size of their pointers; the bytes follow from it.
  std::uint32_t depth_max = 0;
  std::uint32_t heap_kib_max = 0;
};

// The compiled pattern, from the cache of this thread where it is; it stays until the next call.
// nullptr: the error is in the reply.
const Pattern* find_pattern(Reply& reply, std::string_view source);

}  // namespace sx::text
