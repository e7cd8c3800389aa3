// HTML as a plain tree, by the HTML5 parsing algorithm and within limits of memory, depth and time.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sx {

struct HtmlNode {
  std::string tag;                                              // lower case; empty for text
  std::string text;                                             // of a text node, entities decoded
  bool foreign = false;                                         // in SVG or MathML
  std::vector<std::pair<std::string, std::string>> attributes;  // names lower case
  std::vector<HtmlNode> children;

  bool is_text() const { return tag.empty(); }
  const std::string* attribute(std::string_view name) const;
};

// The children of a <div> holding `html` (valid UTF-8) as a browser would see them, comments left
// out; the root has the tag "div". nullopt for input beyond the limits.
std::optional<HtmlNode> parse_html_fragment(std::string_view html);

// The text of a node and all below it, as it stands.
std::string text_content(const HtmlNode& node);

}  // namespace sx
