// The stage-0 binary, which makes the bundles of the real one, has nothing embedded.
#include "server/cli/cli.h"

namespace sx::cli {

std::span<const EmbeddedFile> embedded_files() { return {}; }

}  // namespace sx::cli
