// The command line: which command, which options, what wrong usage looks like.
#include "server/cli/cli.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "engine/base/str.h"
#include "server/cli/pack.h"
#include "server/cli/serve_options.h"

namespace sx::cli {

namespace {

bool has_command(const CLI::App& app, std::string_view name) {
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    if (command->get_name() == name) return true;
  return false;
}

// Names the command that does not exist and those that do.
std::string unknown_command(const CLI::App& app, std::string_view typed) {
  std::string known;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    if (!command->get_group().empty()) known += str(known.empty() ? "" : " ", command->get_name());
  return str("unknown command '", typed, "'. The commands are: ", known,
             ". `sx COMMAND --help` tells more.");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"SX: one language for server and browser. `sx COMMAND --help` tells more."};
  app.require_subcommand(1);
  app.set_help_all_flag("--help-all", "show the options of every command");
  EngineOptions options;
  int status = 0;

  auto common = [&](CLI::App* command) {
    command->add_flag("--gc-stress", options.gc_stress, "collect at every allocation (for tests)");
    command->add_flag("--source", options.source_only,
                      "compile the library sources, ignore built-in bundles");
  };

  std::string file, text, name, out;
  std::vector<std::string> args, files;
  bool with_core = false;

  auto* run = app.add_subcommand("run", "compile and run a source file or a bundle");
  run->add_option("FILE", file, "an .sx file or an .sxbc bundle")->required();
  run->add_option("ARG", args, "arguments given to (main …)");
  run->positionals_at_end();
  common(run);
  run->callback([&] { status = cmd_run(file, args, options); });

  auto* eval = app.add_subcommand("eval", "print the value of an expression");
  eval->add_option("EXPR", text)->required();
  common(eval);
  eval->callback([&] { status = cmd_eval(text, options); });

  auto* test = app.add_subcommand("test", "run the tests in files or folders");
  test->add_option("PATH", files)->required();
  common(test);
  test->callback([&] { status = cmd_test(files, options); });

  auto* repl = app.add_subcommand("repl", "read, evaluate, print");
  common(repl);
  repl->callback([&] { status = cmd_repl(options); });

  auto* build = app.add_subcommand("build", "compile files and what they use into a bundle");
  build->add_option("FILE", files)->required();
  build->add_option("-o", out, "the bundle to write")->required();
  build->add_flag("--with-core", with_core, "include the standard library");
  build->callback([&] { status = cmd_build(files, out, with_core, options); });

  auto* disasm = app.add_subcommand("disasm", "show the instructions of a source file or a bundle");
  disasm->add_option("FILE", file)->required();
  disasm->callback([&] { status = cmd_disasm(file, options); });

  auto* doc = app.add_subcommand("doc", "show the manual of a name");
  doc->add_option("NAME", name)->required();
  doc->callback([&] { status = cmd_doc(name, options); });

  app.add_subcommand("version", "show the version and the fingerprint of the tables")
      ->callback([&] { std::printf("sx tables %s\n", table_fingerprint().c_str()); });

  // Part of the build: files as one block for server/cli/embedded.S.
  auto* pack = app.add_subcommand("pack", "")->group("");
  pack->add_option("NAME=PATH", files)->required();
  pack->add_option("-o", out)->required();
  pack->callback([&] { status = cmd_pack(files, out); });

  add_serve_commands(app, status);

  if (argc > 1 && argv[1][0] != '-' && !has_command(app, argv[1])) {
    report_error(unknown_command(app, argv[1]));
    return 2;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  }
  return status;
}

}  // namespace sx::cli
