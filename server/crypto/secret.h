// The root secret of an installation. Every key is derived from it per purpose (crypto.h,
// derive_key), so there is one thing to keep and one thing to lose.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace sx {

inline constexpr std::string_view kSecretFileName = "secret";

// The 32-byte root secret.
//   - `configured` (the value of SX_SECRET) wins if it is set: 64 hex digits or 43 base64url
//     characters are taken as the bytes they spell; other text of at least 32 characters is hashed.
//   - else DIR/secret, 64 hex digits and a newline, mode 0600. Made at the first start: written to
//     a temporary file, synced and linked into place, so two processes starting at once agree and
//     a crash leaves no half file.
// Refused with a sentence: a file others may read or write, one that is not a regular file, one
// with other content. Makes DIR (mode 0700) if it is missing.
Result<std::string> load_or_create_secret(const std::string& dir,
                                          std::optional<std::string_view> configured);

// The same with SX_SECRET taken from the environment.
Result<std::string> load_or_create_secret(const std::string& dir);

}  // namespace sx
