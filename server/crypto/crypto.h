// Hashes, MACs, derived keys, random bytes and their text forms: OpenSSL and libsodium behind plain
// values, so that callers never touch either library. Passwords live in password.h, the root secret
// in secret.h.
//
// Bytes travel as std::string (owned) and std::string_view (borrowed): they may hold any byte.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace sx {

inline constexpr std::size_t kSha256Bytes = 32;

// `count` bytes from the operating system's generator. Aborts the process if that fails: nothing
// that needs random bytes may go on without them.
std::string random_bytes(std::size_t count);

// 32 raw bytes.
std::string sha256(std::string_view data);
std::string hmac_sha256(std::string_view key, std::string_view message);

// SHA-256 of data that arrives in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(std::string_view piece);
  std::string finish();  // 32 raw bytes; call once

 private:
  void* context_;  // EVP_MD_CTX
};

// True if both are equal; the time depends on the length only, never on where they differ.
bool constant_time_equal(std::string_view a, std::string_view b);

// HKDF-SHA256 (RFC 5869). `purpose` is the info: one key per purpose ("session", "csrf", …), so
// that a MAC made for one is worthless for another. 1 … 8160 bytes.
std::string hkdf_sha256(std::string_view secret, std::string_view salt, std::string_view purpose,
                        std::size_t bytes);

// The key of one purpose of the root secret: 32 bytes by HKDF with a fixed salt.
std::string derive_key(std::string_view root_secret, std::string_view purpose);

std::string hex_encode(std::string_view bytes);  // lower case
Result<std::string> hex_decode(std::string_view text);

// base64url without padding (RFC 4648 §5). Decoding refuses padding, foreign characters and
// non-zero spare bits, so that each byte string has exactly one spelling.
std::string base64url_encode(std::string_view bytes);
Result<std::string> base64url_decode(std::string_view text);

// A token of 256 random bits as 43 base64url characters: session ids, bearer tokens.
std::string generate_token();

}  // namespace sx
