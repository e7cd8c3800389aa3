// The command line: which command, which options, what wrong usage looks like.
#include "server/cli/cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string_view>

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

std::string known_commands(const CLI::App& app) {
  std::string known;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    if (!command->get_group().empty()) known += str(known.empty() ? "" : " ", command->get_name());
  return str("The commands are: ", known, ". `sx COMMAND --help` tells more.");
}

// Wrong usage: which command, what is wrong with it, how it is used.
void report_usage(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* command = &app;
  std::string name = "sx";
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
    name += str(" ", command->get_name());
  }
  std::string what = error.what();
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError)) {
    const std::string first = command->remaining().empty() ? "" : command->remaining().front();
    what = first.starts_with("-") ? str("there is no option ", first)
                                  : str("there is nothing for ", first, " to be");
  } else if (what == "A subcommand is required") {
    const std::vector<std::string> left = command->remaining();
    what = left.empty() || left[0].starts_with("-") ? "a command is missing"
                                                    : str("there is no command ", left[0]);
  }
  std::string usage = str(name, " [OPTIONS]");
  for (const CLI::Option* option : command->get_options([](const CLI::Option* each) {
         return each->get_positional() || each->get_required();
       })) {
    const std::string shown = option->get_positional()
                                  ? option->get_name(true)
                                  : str(option->get_name(), " ", option->get_type_name());
    usage += str(" ", option->get_required() ? shown : str("[", shown, "]"),
                 option->get_items_expected_max() > 1 ? "…" : "");
  }
  const bool group = !command->get_subcommands([](const CLI::App*) { return true; }).empty();
  report_error(str(name, ": ", what, ". ",
                   group ? known_commands(*command)
                         : str("Usage: ", usage, ". `", name, " --help` tells more.")));
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

  std::string file, text, name, out, store;
  std::vector<std::string> args, files;
  BuildOptions build_options;
  TestOptions test_options;
  FmtOptions fmt_options;
  bool json = false;

  auto* run = app.add_subcommand("run", "compile and run a source file or a bundle");
  run->add_option("FILE", file, "an .sx file or an .sxbc bundle")->required();
  run->add_option("ARG", args, "arguments given to (main …)");
  run->positionals_at_end();
  run->add_option("--store", store,
                  "give the program a store: sqlite:PATH, postgres://… or memory:")
      ->type_name("URL");
  common(run);
  run->callback([&] { status = cmd_run(file, args, store, options); });

  auto* eval = app.add_subcommand("eval", "print the value of an expression");
  eval->add_option("EXPR", text)->required();
  common(eval);
  eval->callback([&] { status = cmd_eval(text, options); });

  auto* test = app.add_subcommand("test", "run the tests in files or folders");
  test->add_option("PATH", files, "a file, or a folder whose *-test.sx are run")->required();
  test->add_option("--filter", test_options.filter, "only tests with this text in their names");
  test->add_flag("--json", test_options.json, "print one JSON object (docs/tools.md)");
  test->add_flag("--names", test_options.names, "print the name of every test");
  test->add_option("--engine", test_options.engine, "vm, or wasm: the kernel under Node.js")
      ->check(CLI::IsMember({"vm", "wasm", "jit"}));
  test->add_option(
          "--store", test_options.store,
          "give tests stores of this kind, each empty at first: sqlite:DIR, postgres://… or "
          "memory:")
      ->type_name("URL");
  common(test);
  test->callback([&] { status = cmd_test(files, test_options, options); });

  auto* repl = app.add_subcommand("repl", "read, evaluate, print");
  common(repl);
  repl->callback([&] { status = cmd_repl(options); });

  auto* fmt = app.add_subcommand("fmt", "format source files in place");
  fmt->add_option("FILE", files, "files, folders with .sx files, or - for stdin to stdout")
      ->required();
  fmt->add_flag("--check", fmt_options.check, "change nothing, status 1 if a file would change");
  fmt->add_flag("--diff", fmt_options.diff, "change nothing, show what would change");
  fmt->add_option("--width", fmt_options.width, "columns that a line may have (100)")
      ->check(CLI::Range(20, 1000));
  fmt->callback([&] { status = cmd_fmt(files, fmt_options); });

  auto* build = app.add_subcommand("build", "compile files and what they use into a bundle");
  build->add_option("FILE", files)->required();
  build->add_option("-o", out, "the bundle to write")->required()->type_name("OUT.sxbc");
  build->add_flag("--with-core", build_options.with_core, "include the standard library");
  build->add_flag("--no-names", build_options.no_names,
                  "leave out the names of local variables, which only errors show");
  build
      ->add_option("--beside", build_options.beside,
                   "leave out the modules of these bundles, which are loaded before this one")
      ->type_name("BUNDLE.sxbc");
  build->add_flag("--json", build_options.json, "print what was written as JSON");
  build->callback([&] { status = cmd_build(files, out, build_options, options); });

  auto* disasm = app.add_subcommand("disasm", "show the instructions of a source file or a bundle");
  disasm->add_option("FILE", file)->required();
  disasm->callback([&] { status = cmd_disasm(file, options); });

  auto* doc = app.add_subcommand("doc", "show the manual of a name");
  doc->add_option("NAME", name, "a function, form, component, IO op or module")->required();
  doc->add_flag("--json", json, "print it as JSON");
  doc->callback([&] { status = cmd_doc(name, json, options); });

  app.add_subcommand("version", "show the version and the fingerprint of the tables")
      ->callback([&] { std::printf("sx tables %s\n", table_fingerprint().c_str()); });

  // Part of the build: files as one block for server/cli/embedded.S.
  auto* pack = app.add_subcommand("pack", "")->group("");
  pack->add_option("NAME=PATH", files)->required();
  pack->add_option("-o", out)->required();
  pack->callback([&] { status = cmd_pack(files, out); });

  const bool all_options = std::any_of(
      argv, argv + argc, [](const char* given) { return std::string_view(given) == "--help-all"; });
  add_serve_commands(app, status, all_options);

  if (argc > 1 && argv[1][0] != '-' && !has_command(app, argv[1])) {
    report_error(str("unknown command '", argv[1], "'. ", known_commands(app)));
    return 2;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help
    report_usage(app, error);
    return 2;
  }
  return status;
}

}  // namespace sx::cli
