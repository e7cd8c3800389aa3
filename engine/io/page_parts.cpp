#include "engine/io/page_parts.h"

#include "engine/bytecode/bundle.h"
#include "engine/bytecode/tables.h"

namespace sx {

Result<PageBundle> make_page_bundle(const std::vector<const UnitImage*>& units,
                                    const Tables& tables) {
  if (units.empty()) return Error{"none of these modules is left for it: every page has them all"};
  std::string bytes = encode_bundle(units, static_cast<std::uint32_t>(units.size() - 1), tables);
  SX_TRY(const Bundle bundle, decode_bundle(bytes, tables, "a bundle for pages"));
  return PageBundle{std::move(bytes), bundle.hash};
}

}  // namespace sx
