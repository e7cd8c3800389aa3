// The tree between the filter and the serialiser of sanitize.h: only allowed elements and
// attributes, nesting not yet put right.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/content/html_tree.h"
#include "server/content/sanitize.h"

namespace sx {

struct Piece {
  std::string tag;   // empty for text
  std::string text;  // of a text piece
  std::vector<std::pair<std::string, std::string>> attributes;
  std::vector<Piece> children;
  bool has_block = false;  // a block element is somewhere below

  bool is_text() const { return tag.empty(); }
  const std::string* attribute(std::string_view name) const;
  void set(std::string_view name, std::string value);
  void remove(std::string_view name);
};

// html_filter.cpp: the allowed part of a tree, unknown elements unwrapped.
std::vector<Piece> filter_html(const HtmlNode& root, const SanitizeOptions& options);

// html_model.cpp: the same content with nesting as HTML's content model wants it.
std::vector<Piece> fix_content_model(std::vector<Piece> pieces);

std::string text_of(const Piece& piece);

}  // namespace sx
