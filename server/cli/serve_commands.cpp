// The commands that need the server's parts. The stage-0 binary of the build has none of them.
#include <CLI/CLI.hpp>

#include "server/cli/serve_options.h"

namespace sx::cli {

void add_serve_commands(CLI::App&, int&) {}

}  // namespace sx::cli
