// cmark-gfm renders with raw HTML let through; sanitize.h then judges Markdown's and the author's
// tags alike. There is no way around the second step.
#include "server/content/markdown.h"

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm-extension_api.h>
#include <cmark-gfm.h>
#include <utf8proc.h>

#include <algorithm>
#include <chrono>
#include <csetjmp>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <mutex>

#include "server/content/arena.h"
#include "server/content/html_tree.h"
#include "server/content/utf8.h"

namespace sx {
namespace {

// A text may be long, but no longer than this is it Markdown.
constexpr std::size_t kMarkdownBytesMax = 4u << 20;
constexpr std::size_t kTableColumnsMax = 200;
constexpr std::chrono::seconds kParseTimeMax{3};

// cmark takes its memory through functions without a context, and while it parses it changes a
// table of special characters that is one for the whole process. So one text is parsed at a time.
std::mutex parsing;
Arena* arena = nullptr;  // guarded by `parsing`

// Each piece begins with its size, for realloc.
constexpr std::size_t kHeaderBytes = 16;

void* arena_calloc(std::size_t count, std::size_t size) {
  if (size != 0 && count > (std::size_t{1} << 40) / size) std::abort();
  const std::size_t bytes = count * size;
  char* piece = static_cast<char*>(arena->take(bytes + kHeaderBytes));
  std::memcpy(piece, &bytes, sizeof bytes);
  std::memset(piece + kHeaderBytes, 0, bytes);
  return piece + kHeaderBytes;
}

void* arena_realloc(void* old, std::size_t bytes) {
  if (old == nullptr) return arena_calloc(1, bytes);
  std::size_t had = 0;
  std::memcpy(&had, static_cast<char*>(old) - kHeaderBytes, sizeof had);
  if (bytes <= had) return old;
  void* piece = arena_calloc(1, bytes);
  std::memcpy(piece, old, had);
  return piece;
}

void arena_free(void*) {}

// Nothing with a destructor lives in this frame: longjmp leaves through it.
const char* render_within(const char* text, std::size_t size, int flags, bool tables) {
  static cmark_mem memory = {arena_calloc, arena_realloc, arena_free};
  if (setjmp(arena->exhausted) != 0) return nullptr;
  cmark_parser* parser = cmark_parser_new_with_mem(flags, &memory);
  static constexpr const char* kExtensions[] = {"strikethrough", "autolink", "tasklist", "table"};
  for (const char* name : kExtensions) {
    if (!tables && std::strcmp(name, "table") == 0) continue;
    cmark_syntax_extension* extension = cmark_find_syntax_extension(name);
    if (extension != nullptr) cmark_parser_attach_syntax_extension(parser, extension);
  }
  cmark_parser_feed(parser, text, size);
  cmark_node* document = cmark_parser_finish(parser);
  return cmark_render_html_with_mem(document, flags, cmark_parser_get_syntax_extensions(parser),
                                    &memory);
}

// A row of "|-|-|…" this wide is not a table, and cmark fills up short rows below it.
bool has_monstrous_table(std::string_view text) {
  std::size_t bars = 0;
  for (char c : text) {
    if (c == '|') {
      if (++bars > kTableColumnsMax) return true;
    } else if (c != '-' && c != ':' && c != ' ' && c != '\t') {
      bars = 0;
    }
  }
  return false;
}

std::optional<std::string> render(std::string_view text, const MarkdownOptions& options) {
  if (text.size() > kMarkdownBytesMax) return std::nullopt;
  int flags = CMARK_OPT_UNSAFE | CMARK_OPT_FOOTNOTES;
  if (options.smart_punctuation) flags |= CMARK_OPT_SMART;
  if (options.hard_breaks) flags |= CMARK_OPT_HARDBREAKS;
  const std::lock_guard lock(parsing);
  static const bool registered = (cmark_gfm_core_extensions_ensure_registered(), true);
  static_cast<void>(registered);
  Arena pieces((32u << 20) + text.size() * 192, kParseTimeMax);
  arena = &pieces;
  const char* html = render_within(text.empty() ? "" : text.data(), text.size(), flags,
                                   !has_monstrous_table(text));
  arena = nullptr;
  return html == nullptr ? std::nullopt : std::optional<std::string>(html);
}

std::string as_it_stands(const std::string& text) {
  return "<pre>" + escape_html(text) + "</pre>\n";
}

bool one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The text of paragraphs and lists; headings, code, tables, pictures and footnotes do not
// introduce a post.
void gather_prose(const HtmlNode& node, std::string& out) {
  if (node.is_text()) {
    out += node.text;
    return;
  }
  const std::string* name = node.attribute("class");
  if (name != nullptr && one_of(*name, {"footnotes", "footnote-ref"})) return;
  if (one_of(node.tag, {"h1", "h2", "h3", "h4", "h5", "h6", "pre", "table", "figure", "details"}))
    return;
  const bool line = one_of(node.tag, {"p", "li", "blockquote", "div", "section", "dd", "dt", "br"});
  if (line) out += ' ';
  for (const HtmlNode& child : node.children) gather_prose(child, out);
  if (line) out += ' ';
}

std::string_view before_more(std::string_view markdown) {
  std::size_t at = 0;
  while ((at = markdown.find("<!--", at)) != std::string_view::npos) {
    std::string_view rest = markdown.substr(at + 4);
    while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
    if (rest.substr(0, 4) == "more") {
      rest.remove_prefix(4);
      while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
      if (rest.substr(0, 3) == "-->") return markdown.substr(0, at);
    }
    at += 4;
  }
  return markdown;
}

std::string collapse_space(std::string_view text) {
  std::string out;
  bool gap = false;
  for (char c : text) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      gap = true;
      continue;
    }
    if (gap && !out.empty()) out += ' ';
    gap = false;
    out += c;
  }
  return out;
}

std::string shortened(const std::string& text, std::size_t code_points_max) {
  std::size_t at = 0, count = 0;
  while (at < text.size() && count < code_points_max) {
    next_code_point(text, at);
    ++count;
  }
  if (at >= text.size()) return text;
  std::size_t end = at;
  if (text[at] != ' ') {
    const std::size_t space = text.rfind(' ', at);
    // Scripts without spaces are cut where they are.
    if (space != std::string::npos && space > at / 2) end = space;
  }
  while (end > 0 && std::string_view(" ,;:.").find(text[end - 1]) != std::string_view::npos) --end;
  return text.substr(0, end) + "\u2026";
}

}  // namespace

const std::string& markdown_renderer() {
  static const std::string name = std::string(SX_RENDERER "-") + cmark_version_string();
  return name;
}

std::string markdown_to_html(std::string_view text, const MarkdownOptions& options) {
  const std::string valid = repair_utf8(text);
  SanitizeOptions sanitize;
  sanitize.heading_ids = options.heading_ids;
  sanitize.id_prefix = options.id_prefix;
  sanitize.top_heading_level = options.top_heading_level;
  sanitize.rewrite_media = options.rewrite_media;
  if (const auto html = render(valid, options))
    if (auto clean = try_sanitize_html(*html, sanitize)) return *std::move(clean);
  return as_it_stands(valid);
}

std::string excerpt(std::string_view markdown, std::size_t code_points_max) {
  // What lies far behind cannot reach the excerpt; no need to render a book for it.
  constexpr std::size_t kHeadBytes = 64 * 1024;
  std::string_view head = before_more(markdown);
  if (head.size() > kHeadBytes) {
    const std::size_t line = head.rfind('\n', kHeadBytes);
    head = head.substr(0, line == std::string_view::npos ? kHeadBytes : line);
  }
  const std::string html = markdown_to_html(head);
  std::string text;
  if (const auto tree = parse_html_fragment(html)) {
    for (const HtmlNode& node : tree->children) gather_prose(node, text);
    text = collapse_space(text);
    if (text.empty()) text = collapse_space(plain_text(html));
  }
  return shortened(text, code_points_max);
}

std::size_t word_count(std::string_view text) {
  std::size_t words = 0;
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::int32_t c = next_code_point(text, at);
    const bool syllabic = (c >= 0x3040 && c <= 0x30FF) || (c >= 0x3400 && c <= 0x9FFF) ||
                          (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x3FFFF);
    if (syllabic) {
      ++words;
      inside = false;
      continue;
    }
    bool letter = false;
    switch (c < 0 ? UTF8PROC_CATEGORY_ZS : utf8proc_category(c)) {
      case UTF8PROC_CATEGORY_LU:
      case UTF8PROC_CATEGORY_LL:
      case UTF8PROC_CATEGORY_LT:
      case UTF8PROC_CATEGORY_LM:
      case UTF8PROC_CATEGORY_LO:
      case UTF8PROC_CATEGORY_ND:
      case UTF8PROC_CATEGORY_NL:
        letter = true;
        break;
      case UTF8PROC_CATEGORY_MN:
      case UTF8PROC_CATEGORY_MC:
      case UTF8PROC_CATEGORY_CF:
        letter = inside;
        break;
      default:
        letter = inside && (c == '\'' || c == 0x2019 || c == '-' || c == '_');
    }
    if (letter && !inside) ++words;
    inside = letter;
  }
  return words;
}

}  // namespace sx
