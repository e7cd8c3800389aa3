// libFuzzer: any pattern against any text, and the text through every Unicode operation. A search
// in small slices must find what one in large slices finds; places lie in the text, between
// characters, and rise; what is put together again is the text; normal forms of normal forms are
// themselves.
#include <cstring>
#include <string>
#include <vector>

#include "engine/base/utf8.h"
#include "engine/text/text.h"
#include "tests/fuzz/require.h"

using namespace sx;

namespace {

// What a reply holds, checked against the text that it speaks of.
struct Reply {
  Reply(std::string_view bytes, std::string_view text) : bytes_(bytes) {
    while (at_ < bytes.size()) {
      switch (bytes[at_++]) {
        case 'n':
        case 't':
        case 'f':
          break;
        case 'i':
        case 'K':
        case 'v':
        case 'l':
        case 'd':
        case 'w':
          number();
          break;
        case 'p':
          places.push_back(number());
          break;
        case 's': {
          const std::uint32_t from = number(), to = number();
          require(from <= to && to <= text.size(), "a part outside the text");
          require(border(text, from) && border(text, to), "a part that splits a character");
          made = text.substr(from, to - from);
          break;
        }
        case 'S': {
          std::size_t end = 0;
          for (std::uint32_t n = number(); n > 0; --n) {
            const std::uint32_t length = number();
            require(length > 0, "an empty piece");
            end += length;
            require(end <= text.size() && border(text, end), "a piece that splits a character");
          }
          require(end == text.size(), "pieces that are not the text");
          break;
        }
        case 'x':
          made = string();
          break;
        case 'k':
          string();
          break;
        case 'e': {
          kind = string();
          require(!string().empty(), "an error without a message");
          require(at_ == bytes.size(), "an error that goes on");
          break;
        }
        default:
          require(false, "an unknown instruction");
      }
    }
  }
  static bool border(std::string_view text, std::size_t at) {
    return at >= text.size() || (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
  }

  std::vector<std::uint32_t> places;  // where to go on, then start and end of each match
  std::string made;                   // the last text in it
  std::string kind;                   // of the error

 private:
  std::uint32_t number() {
    require(at_ + 4 <= bytes_.size(), "a reply cut off");
    std::uint32_t n;
    std::memcpy(&n, bytes_.data() + at_, 4);
    at_ += 4;
    return n;
  }
  std::string string() {
    const std::uint32_t n = number();
    require(at_ + n <= bytes_.size(), "a reply cut off");
    std::string s(bytes_.substr(at_, n));
    require(utf8_valid(s), "a string that is not UTF-8");
    at_ += n;
    return s;
  }
  std::string_view bytes_;
  std::size_t at_ = 0;
};

// Start and end of all matches, or false after an error.
bool find_all(std::string_view pattern, std::string_view text, std::uint32_t slice,
              std::vector<std::uint32_t>& found) {
  for (std::uint32_t from = 0;;) {
    const Reply reply(text_request(TextOp::Scan, pattern, text, from, slice), text);
    if (!reply.kind.empty()) return false;
    const std::uint32_t next = reply.places.at(0);
    for (std::size_t i = 1; i + 1 < reply.places.size(); i += 2) {
      const std::uint32_t start = reply.places[i], end = reply.places[i + 1];
      require(start <= end && end <= text.size(), "a match outside the text");
      require(found.empty() || found.back() <= end, "a match before the last one");
      found.push_back(start);
      found.push_back(end);
    }
    if (next == kNoOffset) return true;
    require(next <= text.size() && Reply::border(text, next), "a search that goes on nowhere");
    require(next > from || reply.places.size() == 1, "a search that stands still");
    from = next;
  }
}

std::string of(TextOp op, std::string_view text, std::uint32_t first = 0) {
  const Reply reply(text_request(op, {}, text, first, 0), text);
  require(reply.kind.empty(), "an error of a valid text");
  return reply.made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  // The first byte is the length of the pattern.
  const std::size_t length = std::min<std::size_t>(data[0], size - 1);
  const auto* bytes = reinterpret_cast<const char*>(data + 1);
  const std::string pattern = utf8_replace_invalid({bytes, length});
  const std::string text = utf8_replace_invalid({bytes + length, size - 1 - length});

  std::vector<std::uint32_t> slow, fast;
  const bool done = find_all(pattern, text, 1, slow);
  if (find_all(pattern, text, 256, fast) && done)
    require(slow == fast, "a search in small slices that finds something else");
  const Reply whole(text_request(TextOp::Scan, pattern, text, 0, 1 | kScanWhole), text);
  if (whole.kind.empty() && whole.places.size() > 1)
    require(whole.places[1] <= whole.places[2] && whole.places[2] == text.size(),
            "a whole match that is not the whole text");

  for (std::uint32_t form = 0; form < 4; ++form) {
    const std::string normal = of(TextOp::Normalize, text, form);
    require(of(TextOp::Normalize, normal, form) == normal, "a normal form that is not normal");
  }
  of(TextOp::Normalize, text, static_cast<std::uint32_t>(NormalForm::NfkcCasefold));
  of(TextOp::FoldCase, text);
  of(TextOp::Lower, text);
  of(TextOp::Upper, text);
  of(TextOp::Title, text);
  of(TextOp::Graphemes, text);
  of(TextOp::Width, text);
  return 0;
}
