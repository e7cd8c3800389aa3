// sx run, eval, test: programs on the command line.
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

int cmd_run(const std::string& file, const std::vector<std::string>& args,
            const EngineOptions& options) {
  auto text = read_file(file);
  if (!text.ok()) {
    report_error(text.error().message);
    return 1;
  }
  EngineOptions near = options;
  near.near = file;
  auto engine = make_engine(near);
  if (is_bundle(text.value())) {
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
  if (near.near.empty()) near.near = ".";
  auto engine = make_engine(near);
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

int cmd_test(const std::vector<std::string>& paths, const EngineOptions& options) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  std::error_code ec;
  for (const std::string& path : paths) {
    if (fs::is_directory(path, ec)) {
      for (const auto& entry : fs::recursive_directory_iterator(path, ec)) {
        const std::string name = entry.path().string();
        // In a folder of tests every script is one; beside library code only *-test.sx.
        if (entry.is_regular_file() && name.size() > 3 && name.ends_with(".sx") &&
            (name.ends_with("-test.sx") || name.find("conformance") != std::string::npos) &&
            name.find("/modules/") == std::string::npos)
          files.push_back(name);
      }
    } else if (fs::is_regular_file(path, ec)) {
      files.push_back(path);
    } else {
      report_error(str(path, ": no such file or folder"));
      return 2;
    }
  }
  std::sort(files.begin(), files.end());
  if (files.empty()) {
    report_error("no test files found: expected *-test.sx, or a folder with them");
    return 2;
  }
  long passed = 0, failed = 0;
  for (const std::string& file : files) {
    EngineOptions near = options;
    near.near = file;
    auto engine = make_engine(near);
    auto fail_file = [&](std::string_view message) {
      std::fflush(stdout);
      std::printf("FAIL %s: does not load\n", file.c_str());
      std::fflush(stdout);
      report_error(message);
      ++failed;
    };
    auto text = read_file(file);
    if (!text.ok()) {
      fail_file(text.error().message);
      continue;
    }
    const auto loaded = engine->require_module("test");
    if (!loaded.ok()) {
      fail_file(loaded.error().message);
      continue;
    }
    const auto ran = engine->run_source({text.take(), fs::proximate(file).string()});
    if (!ran.ok()) {
      fail_file(ran.error().message);
      continue;
    }
    // (test/run-all) runs the registered cases and returns {:passed n :failed n}.
    Vm::Pin run_all(engine->vm, engine->global("test/run-all"));
    const auto result = engine->runner.run_now(run_all.get(), nullptr, 0);
    if (!result.ok()) {
      fail_file(result.error().message);
      continue;
    }
    const Value counts = result.value();
    std::int64_t p = 0, f = 0;
    if (is_dict(counts)) {
      to_int64(dict_get(engine->cx(), counts, engine->cx().keyword("passed")), p);
      to_int64(dict_get(engine->cx(), counts, engine->cx().keyword("failed")), f);
    }
    if (p + f == 0) {
      fail_file(str(file, ": has no tests"));
      continue;
    }
    passed += p;
    failed += f;
  }
  std::printf("%ld passed, %ld failed\n", passed, failed);
  std::fflush(stdout);
  return failed == 0 ? 0 : 1;
}

}  // namespace sx::cli
