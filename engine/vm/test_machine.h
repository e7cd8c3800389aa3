// Runs SX text in tests: an engine with the core library from its sources, plain or with a heap
// that moves every object at every allocation.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "engine/base/str.h"
#include "engine/reader/printer.h"
#include "engine/sx.h"
#include "engine/value/collections.h"

namespace sx {

inline std::string test_source(const std::string& path) {
  std::ifstream in(std::string(SX_TEST_ROOT) + "/" + path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

struct TestMachine {
  explicit TestMachine(bool stress, const VmConfig& config = {}) : engine(config) {
    engine.find_source = [this](std::string_view module) -> std::optional<SourceFile> {
      const std::string name(module);
      if (const auto found = files.find(name); found != files.end())
        return SourceFile{found->second, name + ".sx"};
      const std::string text = test_source("lib/" + name + "/" + name + ".sx");
      if (text.empty()) return std::nullopt;
      return SourceFile{text, "lib/" + name + "/" + name + ".sx"};
    };
    engine.runner.add("test/echo", [](IoCall& call) { call.reply(call.arg(0)); });
    engine.runner.add("test/fail", [](IoCall& call) { call.fail("io-error", "as asked"); });
    const auto core = engine.require_module("core");
    if (!core.ok()) FAIL(core.error().message);
    engine.cx().heap.set_stress(stress);
  }

  // The printed value, or "error: " and the first line of what a person would read.
  std::string run(std::string_view text) {
    const auto value = engine.eval(text, "t.sx");
    if (value.ok()) return print(engine.cx(), *value);
    return "error: " + value.error().message.substr(0, value.error().message.find('\n'));
  }
  // The whole text of the error.
  std::string failure(std::string_view text) {
    const auto value = engine.eval(text, "t.sx");
    return value.ok() ? "no error, but " + print(engine.cx(), *value) : value.error().message;
  }

  Engine engine;
  std::map<std::string, std::string> files;
};

// One machine of each sort for all cases of a test program: what one case damages, the next shows.
inline TestMachine& test_machine(bool stress) {
  static TestMachine plain(false), stressed(true);
  return stress ? stressed : plain;
}

}  // namespace sx

// The program's value prints as expected, also when every object moves all the time.
#define CHECK_SX(text, expected)                          \
  do {                                                    \
    CHECK(sx::test_machine(false).run(text) == expected); \
    CHECK(sx::test_machine(true).run(text) == expected);  \
  } while (0)
// For programs too long to collect at every step.
#define CHECK_SX_PLAIN(text, expected) CHECK(sx::test_machine(false).run(text) == expected)
