// sx test: runs the tests of files and folders, each file in an engine of its own.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>

#include "engine/base/str.h"
#include "engine/value/collections.h"
#include "server/cli/cli.h"

namespace sx::cli {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

std::int64_t ms_since(Clock::time_point from) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - from).count();
}

struct FileResult {
  std::string file;
  std::int64_t passed = 0, failed = 0, skipped = 0, ms = 0;
  std::string error;  // why the file as a whole failed
  std::string cases;  // JSON, when asked for
};

// The options of test/run-all (lib/test/test.sx).
Value run_options(Context& cx, const TestOptions& options) {
  Root made(cx.heap, empty_dict(cx));
  const auto put = [&](std::string_view key, Value value) {
    Root held(cx.heap, value);
    const Value name = cx.keyword(key);
    made = dict_put(cx, made, name, held);
  };
  if (!options.filter.empty()) put("filter", make_string(cx, options.filter));
  if (options.json) put("json", Value::tru());
  if (options.names && !options.json) put("names", Value::tru());
  return made;
}

FileResult run_file(const std::string& file, const TestOptions& options,
                    const EngineOptions& engine_options, ScriptStore* store) {
  FileResult result;
  result.file = file;
  const auto failed = [&](std::string_view message) {
    result.error = message;
    result.failed = 1;
    return result;
  };
  EngineOptions near = engine_options;
  near.near = file;
  auto engine = make_engine(near);
  add_script_servicers(engine->runner);
  Context& cx = engine->cx();
  if (store) {
    const auto served = store->serve(engine->runner);
    if (!served.ok()) return failed(served.error().message);
  }
  if (options.json)  // what tests print is not mixed with the report
    engine->runner.add("console/write", [](IoCall& call) {
      std::string text;
      if (!call.text(0, text)) return;
      std::fwrite(text.data(), 1, text.size(), stderr);
      call.reply(Value::nil());
    });
  auto text = read_file(file);
  if (!text.ok()) return failed(text.error().message);
  const auto loaded = engine->require_module("test");
  if (!loaded.ok()) return failed(loaded.error().message);
  const auto ran = engine->run_source({text.take(), fs::proximate(file).string()});
  if (!ran.ok()) return failed(ran.error().message);
  Vm::Pin run_all(engine->vm, engine->global("test/run-all"));
  const Value arguments[] = {run_options(cx, options)};
  const auto counts = engine->runner.run_now(run_all.get(), arguments, 1);
  if (!counts.ok()) return failed(counts.error().message);
  Root dict(cx.heap, *counts);
  const auto number = [&](std::string_view key, std::int64_t& n) {
    to_int64(dict_get(cx, dict, cx.keyword(key)), n);
  };
  number("passed", result.passed);
  number("failed", result.failed);
  number("skipped", result.skipped);
  if (result.passed + result.failed + result.skipped == 0)
    return failed(str(file, ": has no tests: expected (test \"name\" (check …))"));
  if (options.json) result.cases = as_string(dict_get(cx, dict, cx.keyword("report")))->view();
  return result;
}

std::string json_report(const std::vector<FileResult>& results, std::int64_t ms) {
  std::int64_t passed = 0, failed = 0, skipped = 0;
  std::string files;
  for (const FileResult& result : results) {
    passed += result.passed;
    failed += result.failed;
    skipped += result.skipped;
    files += str(files.empty() ? "" : ",\n  ", "{\"file\":", json_text(result.file),
                 ",\"ms\":", result.ms);
    if (!result.error.empty()) files += str(",\"error\":", json_text(result.error));
    files += str(",\"cases\":", result.cases.empty() ? "[]" : result.cases.c_str(), "}");
  }
  return str("{\"passed\":", passed, ",\"failed\":", failed, ",\"skipped\":", skipped,
             ",\"ms\":", ms, ",\"files\":[\n  ", files, "]}\n");
}

// The tests in the WASM kernel: the same command under Node.js, beside this binary's sources.
int run_in_wasm(const std::vector<std::string>& paths, const TestOptions& options,
                const EngineOptions& engine_options) {
  std::error_code ec;
  const fs::path binary = fs::read_symlink("/proc/self/exe", ec);
  fs::path script;
  for (fs::path at = binary.parent_path(); at.has_relative_path(); at = at.parent_path())
    if (fs::exists(at / "scripts/sx-wasm", ec)) {
      script = at / "scripts/sx-wasm";
      break;
    }
  if (script.empty()) {
    report_error(
        "--engine wasm: scripts/sx-wasm was not found in the folders above this program; "
        "run it in a source tree where scripts/build wasm has been run");
    return 1;
  }
  std::vector<std::string> words = {script.string(), "test"};
  if (!options.filter.empty()) words.insert(words.end(), {"--filter", options.filter});
  if (options.json) words.push_back("--json");
  if (options.names) words.push_back("--names");
  if (engine_options.gc_stress) words.push_back("--gc-stress");
  if (engine_options.source_only) words.push_back("--source");
  words.push_back("--");
  words.insert(words.end(), paths.begin(), paths.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execv(script.c_str(), argv.data());
  report_error(str(script.string(), ": cannot be run"));
  return 1;
}

// In a folder of language cases every script is one; beside library code only *-test.sx.
bool is_test_file(const std::string& path) {
  return (path.ends_with("-test.sx") || path.find("conformance") != std::string::npos) &&
         path.find("/modules/") == std::string::npos;
}

}  // namespace

int cmd_test(const std::vector<std::string>& paths, const TestOptions& options,
             const EngineOptions& engine_options) {
  if (options.engine == "jit") {
    report_error("--engine jit: there is no compiler to machine code yet; expected vm or wasm");
    return 2;
  }
  if (options.engine == "wasm" && !options.store.empty()) {
    report_error("--engine wasm: the kernel under Node.js has no stores; leave out --store");
    return 2;
  }
  if (options.engine == "wasm") return run_in_wasm(paths, options, engine_options);
  const auto files = source_files(paths, is_test_file);
  if (!files.ok()) {
    report_error(files.error().message);
    return 2;
  }
  if (files->empty()) {
    report_error("no test files found: expected *-test.sx, or a folder with them");
    return 2;
  }
  std::unique_ptr<ScriptStore> store;
  if (!options.store.empty()) {
    auto opened = open_script_store(options.store, StoreUse::Test);
    if (!opened.ok()) {
      report_error(opened.error().message);
      return 2;
    }
    store = opened.take();
  }
  const auto start = Clock::now();
  std::vector<FileResult> results;
  std::int64_t passed = 0, failed = 0, skipped = 0;
  for (const std::string& file : *files) {
    const auto file_start = Clock::now();
    if (options.names && !options.json) std::printf("# %s\n", file.c_str());
    FileResult result = run_file(file, options, engine_options, store.get());
    result.ms = ms_since(file_start);
    passed += result.passed;
    failed += result.failed;
    skipped += result.skipped;
    if (!options.json && !result.error.empty()) {
      std::printf("FAIL %s: does not load\n", file.c_str());
      std::fflush(stdout);
      report_error(result.error);
    }
    results.push_back(std::move(result));
  }
  const std::int64_t ms = ms_since(start);
  if (passed + failed == 0) {
    report_error(str("no test has ", options.filter, " in its name (", skipped, " were skipped)"));
    return 2;
  }
  if (options.json) {
    std::fputs(json_report(results, ms).c_str(), stdout);
  } else {
    const std::string left_out = skipped > 0 ? str(", ", skipped, " skipped") : "";
    std::printf("# %zu file%s, %lld ms%s\n", files->size(), files->size() == 1 ? "" : "s",
                static_cast<long long>(ms), left_out.c_str());
    std::printf("%lld passed, %lld failed\n", static_cast<long long>(passed),
                static_cast<long long>(failed));
  }
  std::fflush(stdout);
  return failed == 0 ? 0 : 1;
}

}  // namespace sx::cli
