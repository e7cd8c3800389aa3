// OpenSSL does the hashing and the key derivation, libsodium the random bytes and the text forms.
#include "server/crypto/crypto.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sodium.h>

#include <cstdio>
#include <cstdlib>

#include "engine/base/str.h"

namespace sx {
namespace {

// These calls fail only when memory is gone or the library is broken: nothing can be answered then.
void require(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "sx: the crypto library failed in %s\n", what);
  std::abort();
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

// sodium_init picks the generator and the fast code paths; it is idempotent and thread-safe.
void start_sodium() {
  static const bool ready = sodium_init() >= 0;
  require(ready, "sodium_init");
}

}  // namespace

std::string random_bytes(std::size_t count) {
  start_sodium();
  std::string out(count, '\0');
  randombytes_buf(out.data(), out.size());
  return out;
}

std::string sha256(std::string_view data) {
  std::string out(kSha256Bytes, '\0');
  require(EVP_Digest(data.data(), data.size(), bytes_of(out), nullptr, EVP_sha256(), nullptr) == 1,
          "EVP_Digest");
  return out;
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  require(context_ != nullptr, "EVP_MD_CTX_new");
  require(EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), EVP_sha256(), nullptr) == 1,
          "EVP_DigestInit_ex");
}

Sha256::~Sha256() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_)); }

void Sha256::update(std::string_view piece) {
  require(EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), piece.data(), piece.size()) == 1,
          "EVP_DigestUpdate");
}

std::string Sha256::finish() {
  std::string out(kSha256Bytes, '\0');
  require(EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), bytes_of(out), nullptr) == 1,
          "EVP_DigestFinal_ex");
  return out;
}

std::string hmac_sha256(std::string_view key, std::string_view message) {
  std::string out(kSha256Bytes, '\0');
  // A null key means "reuse the last one" to OpenSSL; an empty key is a key.
  const char* key_data = key.empty() ? "" : key.data();
  unsigned int length = 0;
  require(HMAC(EVP_sha256(), key_data, static_cast<int>(key.size()), bytes_of(message),
               message.size(), bytes_of(out), &length) != nullptr &&
              length == kSha256Bytes,
          "HMAC");
  return out;
}

bool constant_time_equal(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  return a.empty() || sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string hkdf_sha256(std::string_view secret, std::string_view salt, std::string_view purpose,
                        std::size_t bytes) {
  require(bytes >= 1 && bytes <= 255 * kSha256Bytes, "hkdf_sha256: 1 to 8160 bytes");
  std::string out(bytes, '\0');
  EVP_KDF* kdf = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  require(kdf != nullptr, "EVP_KDF_fetch");
  EVP_KDF_CTX* context = EVP_KDF_CTX_new(kdf);
  EVP_KDF_free(kdf);
  require(context != nullptr, "EVP_KDF_CTX_new");
  char digest[] = "SHA256";
  // The parameter list takes pointers to non-const and only reads them.
  static unsigned char nothing = 0;
  const auto mutable_bytes = [](std::string_view text) -> void* {
    if (text.empty()) return &nothing;
    return const_cast<char*>(text.data());
  };
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, mutable_bytes(secret), secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, mutable_bytes(salt), salt.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, mutable_bytes(purpose),
                                        purpose.size()),
      OSSL_PARAM_construct_end(),
  };
  const bool derived = EVP_KDF_derive(context, bytes_of(out), out.size(), parameters) == 1;
  EVP_KDF_CTX_free(context);
  require(derived, "EVP_KDF_derive");
  return out;
}

std::string derive_key(std::string_view root_secret, std::string_view purpose) {
  return hkdf_sha256(root_secret, "sx/keys/v1", purpose, 32);
}

std::string hex_encode(std::string_view bytes) {
  std::string out(bytes.size() * 2 + 1, '\0');
  sodium_bin2hex(out.data(), out.size(), bytes_of(bytes), bytes.size());
  out.pop_back();
  return out;
}

Result<std::string> hex_decode(std::string_view text) {
  if (text.size() % 2 != 0)
    return Error{str("hex text of ", text.size(), " digits: two digits make a byte, one is left")};
  std::string out(text.size() / 2, '\0');
  std::size_t length = 0;
  const char* end = nullptr;
  if (sodium_hex2bin(bytes_of(out), out.size(), text.data(), text.size(), nullptr, &length, &end) !=
          0 ||
      length != out.size())
    return Error{str("not a hex digit at ", end == nullptr ? 0 : end - text.data(),
                     ": expected 0-9 and a-f")};
  return out;
}

std::string base64url_encode(std::string_view bytes) {
  constexpr int kVariant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string out(sodium_base64_ENCODED_LEN(bytes.size(), kVariant), '\0');
  sodium_bin2base64(out.data(), out.size(), bytes_of(bytes), bytes.size(), kVariant);
  out.pop_back();
  return out;
}

Result<std::string> base64url_decode(std::string_view text) {
  std::string out(text.size() / 4 * 3 + 3, '\0');
  std::size_t length = 0;
  const char* end = nullptr;
  if (sodium_base642bin(bytes_of(out), out.size(), text.data(), text.size(), nullptr, &length, &end,
                        sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
      end != text.data() + text.size())
    return Error{str("not base64url text of ", text.size(),
                     " characters: expected A-Z a-z 0-9 - _ without padding")};
  out.resize(length);
  return out;
}

std::string generate_token() { return base64url_encode(random_bytes(32)); }

}  // namespace sx
