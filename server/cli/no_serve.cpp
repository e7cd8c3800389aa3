// The stage-0 binary has the language's commands only.
#include "server/cli/cli.h"
#include "server/cli/serve_options.h"

namespace sx::cli {

void add_serve_commands(CLI::App&, int&, bool) {}
void add_host_servicers(Runner&) {}
Result<std::unique_ptr<ScriptStore>> open_script_store(const std::string&, StoreUse) {
  return Error{"--store: this binary has no stores"};
}

}  // namespace sx::cli
