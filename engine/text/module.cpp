// text.wasm, which web/text makes: the text module behind three exports. The loader copies the two
// texts of a request into what text_input gives, one behind the other, calls text_call and copies
// the reply out.
#include <cstdlib>

#include "engine/text/text.h"

#define SX_EXPORT(name) extern "C" __attribute__((export_name(#name))) auto name

namespace {

char* input = nullptr;
std::size_t room = 0;
std::string_view reply;

}  // namespace

// Room for `size` bytes, or 0 when there is not so much memory.
SX_EXPORT(text_input)(std::uint32_t size)->char* {
  if (size > room) {
    std::free(input);
    input = static_cast<char*>(std::malloc(size));
    room = input ? size : 0;
  }
  return input;
}

// The reply's address; its length is text_reply_length.
SX_EXPORT(text_call)
(std::uint32_t op, std::uint32_t a_len, std::uint32_t b_len, std::uint32_t first,
 std::uint32_t second)
    ->const char* {
  reply = sx::text_request(static_cast<sx::TextOp>(op), {input, a_len}, {input + a_len, b_len},
                           first, second);
  // A long text is not kept: the next request is likely a short one.
  if (room > (std::size_t{1} << 20)) {
    std::free(input);
    input = nullptr;
    room = 0;
  }
  return reply.data();
}
SX_EXPORT(text_reply_length)()->std::uint32_t { return static_cast<std::uint32_t>(reply.size()); }
