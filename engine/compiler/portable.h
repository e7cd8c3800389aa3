// Portable components: those whose calls may travel (docs/decisions/portable-components.md).
#pragma once

#include "engine/base/result.h"
#include "engine/compiler/compiler.h"

namespace sx {

// Refuses, with the way to the place, if one of the unit's portable components is not pure: the
// code that was generated is followed through the functions it makes, reads and calls, those of
// other modules too. Then gives each the hash that names it for other programs: over its name, the
// sources of its module and of all that this one uses, and the primitives.
Result<void> finish_portable(const CompileServices& services, UnitImage& image);

}  // namespace sx
