// Published test vectors and the edges of the text forms.
#include "server/crypto/crypto.h"

#include <doctest/doctest.h>

#include <set>

using namespace sx;

namespace {
std::string unhex(std::string_view text) { return hex_decode(text).take(); }
}  // namespace

TEST_CASE("sha256 gives the published digests") {
  CHECK(hex_encode(sha256("")) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hex_encode(sha256("abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("sha256 in pieces equals sha256 at once") {
  Sha256 hash;
  hash.update("a");
  hash.update("");
  hash.update("bc");
  CHECK(hash.finish() == sha256("abc"));
}

TEST_CASE("hmac_sha256 gives the digests of RFC 4231") {
  CHECK(hex_encode(hmac_sha256(unhex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"), "Hi There")) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(hex_encode(hmac_sha256("Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hex_encode(hmac_sha256(std::string(131, '\xaa'),
                               "Test Using Larger Than Block-Size Key - Hash Key First")) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("an empty hmac key is a key, not the one used before") {
  const std::string empty = hmac_sha256("", "");
  CHECK(hex_encode(empty) == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
  CHECK(hmac_sha256("other", "") != empty);
  CHECK(hmac_sha256("", "") == empty);
}

TEST_CASE("hkdf_sha256 gives the keys of RFC 5869") {
  CHECK(hex_encode(hkdf_sha256(unhex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"),
                               unhex("000102030405060708090a0b0c"), unhex("f0f1f2f3f4f5f6f7f8f9"),
                               42)) ==
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  CHECK(
      hex_encode(hkdf_sha256(unhex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"), "", "", 42)) ==
      "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST_CASE("keys of different purposes and secrets differ, the same ones agree") {
  CHECK(derive_key("root", "session") == derive_key("root", "session"));
  CHECK(derive_key("root", "session") != derive_key("root", "csrf"));
  CHECK(derive_key("root", "session") != derive_key("toor", "session"));
  CHECK(derive_key("root", "session").size() == 32);
}

TEST_CASE("constant_time_equal compares content and length") {
  CHECK(constant_time_equal("", ""));
  CHECK(constant_time_equal("abc", "abc"));
  CHECK_FALSE(constant_time_equal("abc", "abd"));
  CHECK_FALSE(constant_time_equal("abc", "abcd"));
  CHECK(constant_time_equal(std::string_view("a\0b", 3), std::string_view("a\0b", 3)));
  CHECK_FALSE(constant_time_equal(std::string_view("a\0b", 3), std::string_view("a\0c", 3)));
}

TEST_CASE("hex goes there and back and refuses what is not hex") {
  CHECK(hex_encode(std::string_view("\x00\xff\x10", 3)) == "00ff10");
  CHECK(unhex("00FF10") == std::string("\x00\xff\x10", 3));
  CHECK(unhex("").empty());
  CHECK_FALSE(hex_decode("abc").ok());
  CHECK_FALSE(hex_decode("zz").ok());
  CHECK_FALSE(hex_decode("a b0").ok());
  CHECK(hex_decode("12g4").error().message.find("expected 0-9 and a-f") != std::string::npos);
}

TEST_CASE("base64url goes there and back for every length") {
  for (std::size_t size = 0; size < 70; ++size) {
    const std::string bytes = random_bytes(size);
    const std::string text = base64url_encode(bytes);
    CHECK(text.find_first_of("+/=") == std::string::npos);
    REQUIRE(base64url_decode(text).ok());
    CHECK(base64url_decode(text).value() == bytes);
  }
}

TEST_CASE("base64url refuses padding, foreign characters and second spellings") {
  CHECK(base64url_encode("f") == "Zg");
  CHECK_FALSE(base64url_decode("Zg==").ok());
  CHECK_FALSE(base64url_decode("Zh").ok());  // spare bits set: another spelling of "f"
  CHECK_FALSE(base64url_decode("Z").ok());
  CHECK_FALSE(base64url_decode("Zm 9v").ok());
  CHECK_FALSE(base64url_decode("Zm+v").ok());
  CHECK_FALSE(base64url_decode("Zm/v").ok());
}

TEST_CASE("tokens are 43 characters and never repeat") {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string token = generate_token();
    CHECK(token.size() == 43);
    CHECK(seen.insert(token).second);
  }
}
