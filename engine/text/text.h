// The text module: regular expressions (PCRE2) and Unicode (utf8proc) behind one function that
// takes and gives bytes. Natively it is linked; for the browser the same sources are a module of
// their own, text.wasm, with its own memory, so that a page fetches them only when it uses them.
// Either way the engine calls text_request: that is the whole border.
//
// A request is an op, two texts and two numbers. The reply is a value written as a little program
// for a stack, in bytes (numbers are 32 bits, little-endian):
//   n t f           push nil, true, false
//   i NUM           push an integer
//   p NUM           push the index, in code points, of a byte offset in the second text; nil for
//                   kNoOffset
//   s FROM TO       push bytes [FROM, TO) of the second text
//   x LEN BYTES     push a string
//   k LEN BYTES     push a keyword and remember it; K NUM: push the NUMth remembered one
//   v NUM / l NUM   pop NUM values, push a vector / a list of them
//   d NUM           pop NUM keys and values, push the dict
//   S NUM LEN…      push the list of NUM pieces of the second text that follow one another
//   w NUM           charge that much work (about 16 bytes or one step of matching each)
//   e LEN KIND LEN MESSAGE   pop the data of an error; the request failed
#pragma once

#include <cstdint>
#include <string_view>

namespace sx {

enum class TextOp : std::uint32_t {
  // Pattern and subject; first: byte offset where the search begins; second: kScan… below.
  // Replies [next match…]: where to go on, or nil after the last match.
  Scan = 1,
  Check = 2,  // a pattern: true, or the error in it
  // Of the second text.
  Normalize = 10,  // first: NormalForm
  FoldCase = 11,
  Upper = 12,
  Lower = 13,
  Title = 14,
  Graphemes = 15,
  Width = 16,
  // Of the code point `first`.
  Category = 20,
  Properties = 21,
};

enum class NormalForm : std::uint32_t { Nfc, Nfd, Nfkc, Nfkd, NfkcCasefold };

inline constexpr std::uint32_t kNoOffset = 0xFFFFFFFF;

// Scan's second number: how many matches at most (the low bits), and what is asked.
inline constexpr std::uint32_t kScanCountMask = 0xFFFF;
inline constexpr std::uint32_t kScanWhole =
    0x10000;                                         // the match must be the text from start to end
inline constexpr std::uint32_t kScanTest = 0x20000;  // matches are just `true`

// No text handed to the module may be longer, on either side.
inline constexpr std::size_t kTextRequestMax = std::size_t{64} << 20;

// The texts are valid UTF-8. The reply stays as it is until the next request of this thread; it
// begins with 0 when there is no text module (a page that has not loaded it).
std::string_view text_request(TextOp op, std::string_view a, std::string_view b,
                              std::uint32_t first, std::uint32_t second);

}  // namespace sx
