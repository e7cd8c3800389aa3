// UTF-8, table hashing and SHA-256.
#include <doctest/doctest.h>
#include <openssl/sha.h>

#include <set>
#include <string>

#include "engine/base/hash.h"
#include "engine/base/sha256.h"
#include "engine/base/utf8.h"

using namespace sx;

TEST_CASE("every scalar value encodes and decodes to itself, and surrogates are ill-formed") {
  for (std::uint32_t c = 0; c <= 0x10FFFF; ++c) {
    char bytes[4];
    const int n = utf8_encode(c, bytes);
    const std::string_view text(bytes, static_cast<std::size_t>(n));
    if (!utf8_is_scalar(c)) {
      if (utf8_valid(text)) FAIL("surrogate accepted: " << c);
      continue;
    }
    std::size_t at = 0;
    if (!utf8_valid(text) || utf8_decode(text, at) != c || at != text.size() ||
        utf8_count(text) != 1 || utf8_size(c) != n)
      FAIL("code point " << c);
  }
}

TEST_CASE("overlong forms, stray and missing continuation bytes, and F5…FF are ill-formed") {
  for (const char* bad :
       {"\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\x80", "\xC3", "\xE2\x82",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC3(", "\xE2(\xA1"})
    CHECK_FALSE(utf8_valid(bad));
  CHECK(utf8_valid(""));
  CHECK(utf8_valid_prefix("plain ascii text \xC3\xA9 then \xFF") == 25);
}

TEST_CASE("each maximal ill-formed part becomes one replacement character") {
  // The example of Unicode 15, table 3-8.
  CHECK(utf8_replace_invalid("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64") ==
        "a\uFFFD\uFFFD\uFFFDb\uFFFDc\uFFFD\uFFFDd");
  CHECK(utf8_replace_invalid("gr\u00FC\u00DFe") == "gr\u00FC\u00DFe");
}

TEST_CASE("the fast path of validation and the careful one agree on every sequence of odd bytes") {
  static constexpr unsigned char kBytes[] = {'a',  0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0,
                                             0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1,
                                             0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF4, 0xF5};
  std::uint64_t state = 1;
  for (int round = 0; round < 200'000; ++round) {
    std::string text;
    for (std::size_t n = round % 24; n > 0; --n) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      // Mostly well-formed text, so that runs are long enough for the fast path.
      const auto pick = static_cast<std::size_t>(state >> 33);
      if (pick % 5 == 0) {
        text.push_back(static_cast<char>(kBytes[pick / 5 % sizeof kBytes]));
      } else {
        text += pick % 5 < 3 ? "\u6F22" : "\u00E9";
      }
    }
    std::size_t careful = 0;
    while (careful < text.size()) {
      std::size_t next = careful;
      const std::uint32_t c = utf8_decode_lossy(text, next);
      if (c == kReplacementChar) break;
      careful = next;
    }
    if (utf8_valid_prefix(text) != careful) FAIL("round " << round << ": " << text);
  }
}

TEST_CASE("counting looks at words and at the odd bytes at the end alike") {
  std::string text;
  for (std::size_t i = 0; i < 40; ++i) {
    CHECK(utf8_count(text) == i);
    text += i % 3 == 0 ? "\u20AC" : i % 3 == 1 ? "x" : "\U0001F600";
  }
}

TEST_CASE("the hash depends on the key, on every byte and on the length") {
  std::set<std::uint64_t> seen;
  std::string text;
  for (int i = 0; i < 64; ++i) {
    seen.insert(hash_bytes(text, 1));
    seen.insert(hash_bytes(text, 2));
    text.push_back('\0');
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string other = text;
    other[i] = 1;
    seen.insert(hash_bytes(other, 1));
  }
  CHECK(seen.size() == 64 * 2 + 64);
  CHECK(hash_int(7, 1) != hash_int(7, 2));
  CHECK(hash_combine(hash_combine(0, 1), 2) != hash_combine(hash_combine(0, 2), 1));
}

TEST_CASE("SHA-256 gives the digests of FIPS 180-4") {
  CHECK(hex(content_sha256("")) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hex(content_sha256("abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex(content_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(hex(content_sha256(std::string(1000000, 'a')), 8) == "cdc76e5c9914fb92");
}

TEST_CASE("SHA-256 agrees with OpenSSL for every length and however the message is cut") {
  std::string message;
  for (int i = 0; i < 300; ++i) {
    ContentHash cut;
    cut.update(std::string_view(message).substr(0, message.size() / 3));
    cut.update(std::string_view(message).substr(message.size() / 3));
    Sha256Digest expected;
    SHA256(reinterpret_cast<const unsigned char*>(message.data()), message.size(), expected.data());
    CHECK(content_sha256(message) == expected);
    CHECK(cut.finish() == expected);
    message.push_back(static_cast<char>(i * 7));
  }
}
