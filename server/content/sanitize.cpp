// parse → filter → content model → ids → text.
#include "server/content/sanitize.h"

#include <algorithm>
#include <initializer_list>
#include <unordered_map>
#include <unordered_set>

#include "server/content/html_piece.h"
#include "server/content/html_policy.h"
#include "server/content/slug.h"
#include "server/content/utf8.h"

namespace sx {
namespace {

bool one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Text without the characters HTML does not allow: controls but tab and newline, noncharacters.
std::string clean_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const std::int32_t c = next_code_point(text, at);
    if (c == kInvalidCodePoint || (c >= 0xFDD0 && c <= 0xFDEF) || (c & 0xFFFE) == 0xFFFE) {
      out += "\xEF\xBF\xBD";
    } else if (c == '\f') {
      out += ' ';
    } else if ((c >= 0x20 || c == '\t' || c == '\n') && !(c >= 0x7F && c < 0xA0)) {
      out.append(text.substr(start, at - start));
    }
  }
  return out;
}

void append_escaped(std::string& out, std::string_view text, bool attribute) {
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        if (attribute) {
          out += "&quot;";
        } else {
          out += c;
        }
        break;
      default:
        out += c;
    }
  }
}

void clean_texts(std::vector<Piece>& pieces) {
  for (Piece& piece : pieces) {
    piece.text = clean_text(piece.text);
    for (auto& attribute : piece.attributes) attribute.second = clean_text(attribute.second);
    clean_texts(piece.children);
  }
}

int highest_heading(const std::vector<Piece>& pieces) {
  int level = 7;
  for (const Piece& piece : pieces) {
    if (is_heading(piece.tag)) level = std::min(level, piece.tag[1] - '0');
    level = std::min(level, highest_heading(piece.children));
  }
  return level;
}

void lower_headings(std::vector<Piece>& pieces, int by) {
  for (Piece& piece : pieces) {
    if (is_heading(piece.tag))
      piece.tag[1] = static_cast<char>('0' + std::min(piece.tag[1] - '0' + by, 6));
    lower_headings(piece.children, by);
  }
}

// Makes ids unique, gives headings theirs and leads links to them.
class Ids {
 public:
  explicit Ids(const SanitizeOptions& options) : options_(options) {}

  void assign(std::vector<Piece>& pieces) {
    for (Piece& piece : pieces) {
      if (options_.heading_ids && is_heading(piece.tag)) {
        const std::string text = text_of(piece);
        const std::string base = options_.id_prefix + (has_word(text) ? slugify(text) : "section");
        std::string id = base;
        int& count = counts_[base];
        if (count == 0) count = 1;
        while (!used_.insert(id).second) id = base + "-" + std::to_string(++count);
        piece.remove("id");
        piece.attributes.insert(piece.attributes.begin(), {"id", id});
      } else if (const std::string* id = piece.attribute("id")) {
        if (!used_.insert(*id).second) piece.remove("id");
      }
      assign(piece.children);
    }
  }

  // "#part" means the heading "Part", whose id is "h-part".
  void link(std::vector<Piece>& pieces) const {
    for (Piece& piece : pieces) {
      if (piece.tag == "a") {
        const std::string href = *piece.attribute("href");
        if (href.size() > 1 && href[0] == '#' && used_.count(href.substr(1)) == 0) {
          const std::string target = options_.id_prefix + href.substr(1);
          if (used_.count(target) != 0) piece.set("href", "#" + target);
        }
      }
      link(piece.children);
    }
  }

 private:
  static bool has_word(std::string_view text) {
    // slugify says "post" for a title without letters; a heading has its own word for that.
    return slugify(text) != "post" || text.find_first_of("pP") != std::string_view::npos;
  }

  const SanitizeOptions& options_;
  std::unordered_set<std::string> used_;
  std::unordered_map<std::string, int> counts_;  // how often a base was taken
};

// Elements whose children stand on lines of their own; white space between them means nothing.
bool is_framework(std::string_view tag) {
  return one_of(tag, {"ul", "ol", "dl", "table", "thead", "tbody", "tfoot", "tr"});
}

void write(const Piece& piece, std::string& out) {
  if (piece.is_text()) {
    append_escaped(out, piece.text, false);
    return;
  }
  out += '<';
  out += piece.tag;
  for (const auto& [name, value] : piece.attributes) {
    out += ' ';
    out += name;
    if (one_of(name, {"controls", "loop", "muted", "open", "reversed"})) continue;
    out += "=\"";
    append_escaped(out, value, true);
    out += '"';
  }
  out += '>';
  if (one_of(piece.tag, {"br", "hr", "img", "source", "wbr"})) return;
  const bool lines = is_framework(piece.tag);
  if (lines) out += '\n';
  const std::size_t start = out.size();
  for (const Piece& child : piece.children) {
    write(child, out);
    if (lines) out += '\n';
  }
  // A parser drops the first newline of a pre.
  if (piece.tag == "pre" && start < out.size() && out[start] == '\n') out.insert(start, "\n");
  out += "</";
  out += piece.tag;
  out += '>';
}

bool starts_line(std::string_view name) {
  return element_policy(name).rule == ElementRule::Block && !one_of(name, {"td", "th"});
}

// Text with a '\n' wherever a line must end and ' ' for other white space; collapsed afterwards.
void gather_text(const HtmlNode& node, std::string& out) {
  if (node.is_text()) {
    for (char c : node.text) out += c == '\n' || c == '\t' || c == '\r' || c == '\f' ? ' ' : c;
    return;
  }
  if (node.foreign || element_policy(node.tag).rule == ElementRule::Drop) return;
  if (node.tag == "br") out += '\n';
  const bool block = starts_line(node.tag);
  if (block) out += '\n';
  if (one_of(node.tag, {"td", "th"})) out += ' ';
  for (const HtmlNode& child : node.children) gather_text(child, out);
  if (block) out += '\n';
}

std::string collapse(std::string_view text) {
  std::string out;
  char gap = 0;
  for (char c : text) {
    if (c == ' ' || c == '\n') {
      gap = gap == '\n' ? gap : c;
      continue;
    }
    if (gap != 0 && !out.empty()) out += gap;
    gap = 0;
    out += c;
  }
  return out;
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (char c : clean_text(text)) {
    if (c == '\'') {
      out += "&#39;";
    } else {
      append_escaped(out, std::string_view(&c, 1), true);
    }
  }
  return out;
}

std::optional<std::string> try_sanitize_html(std::string_view html,
                                             const SanitizeOptions& options) {
  const std::string valid = repair_utf8(html);
  const std::optional<HtmlNode> tree = parse_html_fragment(valid);
  if (!tree) return std::nullopt;
  std::vector<Piece> pieces = filter_html(*tree, options);
  clean_texts(pieces);
  if (options.top_heading_level > 1) {
    const int highest = highest_heading(pieces);
    if (highest < options.top_heading_level)
      lower_headings(pieces, options.top_heading_level - highest);
  }
  pieces = fix_content_model(std::move(pieces));
  Ids ids(options);
  ids.assign(pieces);
  if (options.heading_ids) ids.link(pieces);
  std::string out;
  out.reserve(valid.size() + valid.size() / 8);
  for (const Piece& piece : pieces) write(piece, out);
  return out;
}

std::string sanitize_html(std::string_view html, const SanitizeOptions& options) {
  if (auto clean = try_sanitize_html(html, options)) return *std::move(clean);
  std::string out;
  append_escaped(out, clean_text(html), false);
  return out;
}

std::string plain_text(std::string_view html) {
  const std::string valid = repair_utf8(html);
  const std::optional<HtmlNode> tree = parse_html_fragment(valid);
  if (!tree) return collapse(clean_text(valid));
  std::string out;
  gather_text(*tree, out);
  return collapse(clean_text(out));
}

}  // namespace sx
