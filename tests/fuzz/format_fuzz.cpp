// libFuzzer target: any text through the formatter. What reads is formatted, reads as the same
// forms (the formatter compares them itself), and formatted again does not change.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/format/format.h"
#include "tests/fuzz/require.h"

using namespace sx;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // One context serves many inputs: names are never freed.
  static std::unique_ptr<Context> cx;
  static unsigned runs = 0;
  if (runs++ % 4096 == 0) {
    HeapConfig config;
    config.nursery_bytes = std::size_t{64} << 10;
    cx = std::make_unique<Context>(config, runs);
  }
  FormatOptions options;
  options.file = "f.sx";
  options.width = 20 + size % 81;  // narrow pages break more lines
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<std::string> formatted = format_source(*cx, text, options);
  if (!formatted.ok()) {
    // Texts may hold the words themselves, and errors quote what they found: the sentence after the
    // place is looked at.
    const std::string& message = formatted.error().message;
    const std::size_t sentence = message.find(": formatting would have changed the form");
    require(sentence == std::string::npos || message.find(": ") != sentence, "another text", text);
    return 0;
  }
  const Result<std::string> again = format_source(*cx, *formatted, options);
  require(again.ok(), "what was formatted does not read", *formatted);
  require(*again == *formatted, "formatted twice it differs", *formatted);
  return 0;
}
