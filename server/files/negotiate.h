// The small questions of HTTP semantics that files and dynamic answers share: which encoding, which
// type, does this ETag match, what is that date.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sx {

enum class Encoding : std::uint8_t { Brotli, Zstd, Gzip, Identity };
inline constexpr std::size_t kEncodings = 3;  // the compressing ones, in order of preference

std::string_view encoding_name(Encoding encoding);       // "br", "zstd", "gzip", "identity"
std::string_view encoding_extension(Encoding encoding);  // ".br", ".zst", ".gz", ""

// The compressing encodings a client takes, best first: by q-value, then br, zstd, gzip. Those it
// refuses (q=0) or likes less than the plain bytes are absent. Ends with Identity at `count`.
struct AcceptedEncodings {
  std::array<Encoding, kEncodings> order{};
  std::size_t count = 0;
};
AcceptedEncodings accepted_encodings(const std::string* accept_encoding);  // null: none

// By extension, any case; application/octet-stream when unknown. Text types name their charset.
std::string_view content_type_for(std::string_view file_name);
// True for types that shrink: text, JSON, JavaScript, WebAssembly, SVG, XML, SX.
bool compressible(std::string_view content_type);

// True when a list of entity tags (If-None-Match) names this one, comparing weakly; "*" matches.
bool etag_listed(std::string_view list, std::string_view etag);

// RFC 9110 dates. Written in the fixed form ("Sun, 06 Nov 1994 08:49:37 GMT"); the two obsolete
// forms are read as well.
std::string http_date(std::int64_t unix_seconds);
std::optional<std::int64_t> parse_http_date(std::string_view text);

}  // namespace sx
