// The root secret of an installation. Every key is derived from it per purpose (crypto.h,
// derive_key), so there is one thing to keep and one thing to lose.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace sx {

inline constexpr std::string_view kSecretFileName = "secret";

// The root secrets of an installation, 32 bytes each. The first signs; what one of the others
// signed still verifies, so that a secret can be changed without logging everybody out.
using RootSecrets = std::vector<std::string>;

// The bytes that a configured secret stands for: 64 hex digits or 43 base64url characters are taken
// as the bytes they spell; other text of at least 32 characters is hashed.
Result<std::string> read_root_secret(std::string_view text);

// The root secrets, at least one.
//   - `configured` (the value of SX_SECRET) wins if it is set.
//   - else DIR/secret, 64 hex digits a line, the newest first, mode 0600. Made at the first start:
//     written to a temporary file, synced and linked into place, so two processes starting at once
//     agree and a crash leaves no half file.
// Refused with a sentence: a file others may read or write, one that is not a regular file, one
// with other content. Makes DIR (mode 0700) if it is missing.
Result<RootSecrets> load_or_create_secrets(const std::string& dir,
                                           std::optional<std::string_view> configured);

// Puts a new secret before those in DIR/secret and keeps `before_max` of them. The file is replaced
// as a whole. How many it then holds.
Result<std::size_t> rotate_secret(const std::string& dir, std::size_t before_max);

}  // namespace sx
