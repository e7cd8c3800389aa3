// Where the last line goes: stderr, or the log import of the kernel.
#include "engine/base/fatal.h"

#ifdef __wasm__
#include <cstdint>
extern "C" __attribute__((import_module("env"), import_name("sx_host_log"))) void sx_host_log(
    std::uint32_t level, const char* text, std::uint32_t len);
#else
#include <cstdio>
#endif

#include <string>

namespace sx {

void fatal(std::string_view message) {
  std::string line = "sx: ";
  line += message;
#ifdef __wasm__
  sx_host_log(3, line.data(), static_cast<std::uint32_t>(line.size()));
#else
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
#endif
  __builtin_trap();
}

}  // namespace sx
