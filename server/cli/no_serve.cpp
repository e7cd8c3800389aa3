// The stage-0 binary has the language's commands only.
#include "server/cli/serve_options.h"

namespace sx::cli {

void add_serve_commands(CLI::App&, int&) {}

}  // namespace sx::cli
