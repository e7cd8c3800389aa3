// Adds the commands that need the server's parts (serve, blog, user, store) to the command line.
#pragma once

namespace CLI {
class App;
}

namespace sx::cli {

void add_serve_commands(CLI::App& app, int& status);

}  // namespace sx::cli
