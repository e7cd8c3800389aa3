// What author HTML may hold: the elements, their attributes and the addresses in them. sanitize.cpp
// applies it and keeps the content model.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sx {

enum class ElementRule : unsigned char {
  Unwrap,    // the tags go, the content stays: unknown elements
  Drop,      // goes with everything in it
  Block,     // div, p, lists, tables and their parts, …
  Inline,    // text-level, with content
  Void,      // br, wbr, img, source, hr
  Embedded,  // picture, audio, video: inline, with children of their own kind
};

struct ElementPolicy {
  ElementRule rule = ElementRule::Unwrap;
  std::string_view name;  // as it is written out; "strike" becomes "s"
};

ElementPolicy element_policy(std::string_view tag);

// True for elements that hold text-level content only: p, h1 … h6, pre, summary, caption, dt and
// every inline element but a, ins and del (which hold what their parent may hold).
bool holds_phrasing_only(std::string_view name);

bool is_heading(std::string_view name);

// The value of an attribute as it may be written, or nullopt to leave it out. Addresses (href, src,
// srcset, poster, cite), id, class, rel and alt are not decided here.
std::optional<std::string> plain_attribute(std::string_view element, std::string_view attribute,
                                           std::string_view value);

// The classes of an element that may stay: language-* on code, and the names that Markdown's
// footnotes, task lists and table alignment use.
std::string allowed_classes(std::string_view element, std::string_view classes);

// An address for an href, cleaned as a browser would read it and percent-encoded where HTML asks
// for it; nullopt if its scheme is not allowed.
std::optional<std::string> clean_link_url(std::string_view url);
// The same for src and poster; `allow_data` admits data: of png, jpeg, gif and webp.
std::optional<std::string> clean_media_url(std::string_view url, bool allow_data);

// True if the (cleaned) address leaves this site.
bool is_external_url(std::string_view url);

// An id that can stand in a link and a selector: letters, digits, '-', '_', '.', any non-ASCII.
bool is_plain_id(std::string_view id);

}  // namespace sx
