// text_request in the kernel: the loader carries the request to text.wasm and the reply back.
#include <cstdlib>

#include "engine/text/text.h"

#define SX_IMPORT(name) extern "C" __attribute__((import_module("env"), import_name(#name)))

// The length of the reply, which then waits on the other side; 0 when there is no text module.
SX_IMPORT(sx_host_text)
std::uint32_t sx_host_text(std::uint32_t op, const char* a, std::uint32_t a_len, const char* b,
                           std::uint32_t b_len, std::uint32_t first, std::uint32_t second);
SX_IMPORT(sx_host_text_reply) void sx_host_text_reply(char* to);

namespace sx {

std::string_view text_request(TextOp op, std::string_view a, std::string_view b,
                              std::uint32_t first, std::uint32_t second) {
  static char* reply = nullptr;
  std::free(reply);
  reply = nullptr;
  const std::uint32_t length =
      sx_host_text(static_cast<std::uint32_t>(op), a.data(), static_cast<std::uint32_t>(a.size()),
                   b.data(), static_cast<std::uint32_t>(b.size()), first, second);
  if (length == 0) return {"", 1};
  reply = static_cast<char*>(std::malloc(length));
  if (!reply) return {"", 1};
  sx_host_text_reply(reply);
  return {reply, length};
}

}  // namespace sx
