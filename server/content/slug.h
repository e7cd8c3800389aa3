// Slugs: the last part of a post's address, made from its title.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sx {

inline constexpr std::size_t kSlugCodePointsMax = 80;

// 'Gig Night' → "gig-night". Lower case and NFC by Unicode's rules; letters, marks and digits of
// every script stay as they are (also Latin diacritics), apostrophes vanish, every other run of
// characters becomes one '-'. At most 80 code points, cut at a '-' where there is one. Never empty:
// a title without a letter or digit gives "post".
std::string slugify(std::string_view title);

// True if `slug` is what slugify() could have made: non-empty and slugify(slug) == slug.
bool is_slug(std::string_view slug);

}  // namespace sx
