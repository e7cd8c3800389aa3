// sx_reference CORE.sx… -- FILE…: evaluates the files in turn with the reference evaluator. The
// first ones make up the core library; what FILE prints goes to standard output. Status 1 and the
// error on standard error when nobody caught it. --forget before a FILE: see Machine::forgets.
#include <cstdio>
#include <cstring>
#include <string>

#include "engine/reference/machine.h"

namespace {

bool read_file(const char* path, std::string& out) {
  std::FILE* file = std::fopen(path, "rb");
  if (!file) return false;
  char buffer[65536];
  for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, file)) > 0;) out.append(buffer, n);
  std::fclose(file);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  sx::reference::Machine machine;
  sx::reference::Module* core = nullptr;
  bool in_core = true;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--") == 0) {
      if (core) machine.set_core(*core);
      in_core = false;
      continue;
    }
    if (std::strcmp(argv[i], "--forget") == 0) {
      machine.forgets = true;
      continue;
    }
    std::string text;
    if (!read_file(argv[i], text)) {
      std::fprintf(stderr, "sx_reference: cannot read %s\n", argv[i]);
      return 2;
    }
    if (in_core && !core) core = &machine.add_module("core");
    sx::reference::Module& module = in_core ? *core : machine.add_module("program");
    const sx::Result<void> ran = machine.run_file(text, argv[i], module);
    const std::string out = machine.take_output();
    std::fwrite(out.data(), 1, out.size(), stdout);
    if (!ran.ok()) {
      std::fprintf(stderr, "error: %s\n", ran.error().message.c_str());
      return 1;
    }
  }
  return 0;
}
