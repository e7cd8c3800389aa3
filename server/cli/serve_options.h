// Adds the commands that need the server's parts (serve, blog, user, store) to the command line.
#pragma once

namespace CLI {
class App;
}

namespace sx::cli {

// all_options: make the options of all commands, not of the one that is met.
void add_serve_commands(CLI::App& app, int& status, bool all_options);

}  // namespace sx::cli
