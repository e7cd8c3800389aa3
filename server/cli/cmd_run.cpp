// sx run, eval: programs on the command line.
#include <cstdio>
#include <filesystem>

#include "engine/base/str.h"
#include "engine/reader/printer.h"
#include "engine/value/collections.h"
#include "server/cli/cli.h"

namespace sx::cli {

namespace {

bool is_bundle(std::string_view bytes) { return bytes.substr(0, 4) == "SXBC"; }

// Calls the exported `main` with the arguments, if there is one.
int call_main(Engine& engine, const std::vector<std::string>& args) {
  Value main = engine.global("main");
  if (main.is_unset()) main = engine.global("#main");
  if (main.is_unset()) return 0;
  Vm::Pin fn(engine.vm, main);
  std::vector<std::unique_ptr<Vm::Pin>> pins;
  for (const std::string& arg : args)
    pins.push_back(std::make_unique<Vm::Pin>(engine.vm, make_string(engine.cx(), arg)));
  std::vector<Value> values;
  for (const auto& pin : pins) values.push_back(pin->get());
  const auto result =
      engine.runner.run_now(fn.get(), values.data(), static_cast<int>(values.size()));
  if (!result.ok()) {
    std::fflush(stdout);
    report_error(result.error().message);
    return 1;
  }
  return result.value().is_int() ? static_cast<int>(result.value().as_int() & 0xFF) : 0;
}

}  // namespace

int cmd_run(const std::string& file, const std::vector<std::string>& args, const std::string& store,
            const EngineOptions& options) {
  auto text = read_file(file);
  if (!text.ok()) {
    report_error(text.error().message);
    return 1;
  }
  EngineOptions near = options;
  near.near = file;
  std::unique_ptr<ScriptStore> script_store;  // the engine uses it to its end
  auto engine = make_engine(near);
  add_script_servicers(engine->runner);
  if (!store.empty()) {
    auto opened = open_script_store(store, StoreUse::Run);
    if (opened.ok()) script_store = opened.take();
    const Result<void> served = opened.ok() ? script_store->serve(engine->runner) : opened.error();
    if (!served.ok()) {
      report_error(served.error().message);
      return 1;
    }
  }
  if (is_bundle(text.value()) || file.ends_with(".sxbc")) {
    const auto added = engine->add_bundle(text.value(), file);
    if (!added.ok()) {
      report_error(added.error().message);
      return 1;
    }
    const auto ran = engine->require_module(engine->last_bundle_entry());
    if (!ran.ok()) {
      std::fflush(stdout);
      report_error(ran.error().message);
      return 1;
    }
  } else {
    const auto ran = engine->run_source({text.take(), std::filesystem::proximate(file).string()});
    if (!ran.ok()) {
      std::fflush(stdout);
      report_error(ran.error().message);
      return 1;
    }
  }
  const int status = call_main(*engine, args);
  std::fflush(stdout);
  return status;
}

int cmd_eval(const std::string& text, const EngineOptions& options) {
  EngineOptions near = options;
  if (near.near.empty()) near.near.assign(1, '.');
  auto engine = make_engine(near);
  add_script_servicers(engine->runner);
  const auto value = engine->eval(text);
  std::fflush(stdout);
  if (!value.ok()) {
    report_error(value.error().message, [&](const std::string& file) {
      return file == "<eval>" ? std::optional(text) : std::nullopt;
    });
    return 1;
  }
  std::printf("%s\n", print(engine->cx(), value.value()).c_str());
  return 0;
}

}  // namespace sx::cli
