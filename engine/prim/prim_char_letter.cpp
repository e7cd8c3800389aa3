// Which characters are letters: apart from the other predicates, because the table is large.
#include <algorithm>
#include <iterator>

#include "engine/prim/char_tables.h"
#include "engine/prim/support.h"

namespace sx {
namespace {

bool char_is_letter(std::uint32_t c) {
  if (c < 0x80) return (c | 32) >= 'a' && (c | 32) <= 'z';
  const auto* end = std::end(kLetterRanges);
  const auto* at = std::upper_bound(std::begin(kLetterRanges), end, c);
  const auto index = at - std::begin(kLetterRanges);  // bounds that are ≤ c
  return index % 2 == 1 || (index > 0 && at[-1] == c);
}

}  // namespace

SX_PRIMITIVE(prim_char_is_alphabetic) {
  if (!args[0].is_char()) return cx.fail_type("char/alphabetic?", "char", args[0]);
  return Value::boolean(char_is_letter(args[0].id()));
}

}  // namespace sx
