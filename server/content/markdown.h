// Markdown to HTML that is safe to show: CommonMark with tables, strikethrough, autolinks, task
// lists and footnotes by cmark-gfm, then always sanitize.h, so raw HTML in Markdown meets the same
// allowlist as any other.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "server/content/sanitize.h"

namespace sx {

struct MarkdownOptions {
  bool smart_punctuation = false;  // "quotes" -- dashes … typographically
  bool hard_breaks = false;        // a line end is a <br>
  bool heading_ids = true;
  std::string id_prefix = "h-";
  int top_heading_level = 1;
  // Image (video, audio) name → URL; see SanitizeOptions.
  std::function<std::optional<std::string>(std::string_view source)> rewrite_media;
};

// Never fails. Invalid UTF-8 is replaced; text so deeply nested that no reader could mean it is
// shown as it stands.
std::string markdown_to_html(std::string_view text, const MarkdownOptions& options = {});

// Names what turns Markdown into HTML here: changes whenever the same text might give other HTML,
// by other rules or another library. HTML kept under another name is to be made again.
const std::string& markdown_renderer();

// The first paragraphs as plain text, at most `code_points_max` code points, cut at a word with
// "…". A line `<!--more-->` (or `<!-- more -->`) ends the excerpt.
std::string excerpt(std::string_view markdown, std::size_t code_points_max = 240);

// Words in plain text: runs of letters and digits; each Han, Hiragana or Katakana character counts
// as one.
std::size_t word_count(std::string_view text);

}  // namespace sx
