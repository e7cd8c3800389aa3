// The allowlist that every piece of author HTML passes before it is shown.
//
// HTML is parsed by an HTML5 parser and written anew from the tree: what is not on the list cannot
// come out, whatever the input looked like. The output is valid HTML in the sense of the content
// model (no block in a paragraph, list items in lists, one caption …), and sanitising it again
// changes nothing. No SVG, MathML, noscript or template content survives, so that a browser parses
// the output into the very tree it was written from.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sx {

struct SanitizeOptions {
  // Gives every heading an id made from its text ("h-" + slug, unique in the document) and lets
  // links to "#name" find "#h-name". Off: ids that begin with "h-" are kept, all others dropped.
  bool heading_ids = false;
  // Every id begins with it; it must begin with "h-". A page that shows several documents gives
  // each its own.
  std::string id_prefix = "h-";
  // Replaces the address of an image, video or audio before it is checked: name → URL. nullopt
  // leaves it as it is.
  std::function<std::optional<std::string>(std::string_view source)> rewrite_media;
  // Lowers headings so that the highest level is this one (1 … 6): a page has its own h1.
  int top_heading_level = 1;
};

// Beyond these an input is not parsed but shown as text: nothing legitimate comes near.
inline constexpr std::size_t kSanitizeBytesMax = 8u << 20;
inline constexpr std::size_t kSanitizeDepthMax = 256;

// The allowed part of `html` as a valid HTML fragment. Never fails: hopeless input comes out as
// escaped text.
std::string sanitize_html(std::string_view html, const SanitizeOptions& options = {});

// The same, but nullopt for input beyond the limits.
std::optional<std::string> try_sanitize_html(std::string_view html,
                                             const SanitizeOptions& options = {});

// The text of an HTML fragment as a reader sees it: blocks separated by newlines, white space
// collapsed, script and style left out.
std::string plain_text(std::string_view html);

// True if `url` may stand in an href: http, https, mailto, tel or a relative address.
bool is_safe_link_url(std::string_view url);
// True if `url` may stand in a src: http, https, relative, or data: of a raster image.
bool is_safe_media_url(std::string_view url);

// The five characters that matter in text and quoted attributes, escaped; control characters and
// invalid UTF-8 replaced.
std::string escape_html(std::string_view text);

}  // namespace sx
