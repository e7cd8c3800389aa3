// The HTML5 parser is libgumbo, fenced in: it allocates from an arena with a budget and a deadline
// and is left by longjmp when either is used up (its frames are plain C, its memory goes with the
// arena). Its cost grows with nesting times length, so text nested beyond reason is turned away
// before it starts.
#include "server/content/html_tree.h"

#include <gumbo.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csetjmp>
#include <cstring>

#include "server/content/arena.h"
#include "server/content/sanitize.h"

namespace sx {
namespace {

constexpr std::size_t kOpenElementsMax = 4 * kSanitizeDepthMax;
constexpr std::size_t kStrayTagsMax = 4000;
constexpr std::size_t kTreeDepthMax = 2000;
constexpr std::chrono::seconds kParseTimeMax{4};

void* arena_allocate(void* arena, std::size_t size) {
  return static_cast<Arena*>(arena)->take(size);
}

void arena_release(void*, void*) {}

// Nothing with a destructor lives in this frame: longjmp leaves through it.
const GumboOutput* parse_within(Arena& arena, const GumboOptions& options, const char* text,
                                std::size_t size) {
  if (setjmp(arena.exhausted) != 0) return nullptr;
  return gumbo_parse_with_options(&options, text, size);
}

bool is_tag_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string_view tag_name_at(std::string_view html, std::size_t at) {
  std::size_t end = at;
  while (end < html.size() && !std::strchr(" \t\n\r\f/>", html[end]) && end - at < 32) ++end;
  return html.substr(at, end - at);
}

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Whether a start tag `next` closes an open `top` by itself, as in "<li>a<li>b".
bool closes(std::string_view next, std::string_view top) {
  static constexpr std::array<std::string_view, 6> kCells{"td",    "th",    "tr",
                                                          "tbody", "thead", "tfoot"};
  static constexpr std::array<std::string_view, 2> kTerms{"dt", "dd"};
  static constexpr std::array<std::string_view, 4> kRuby{"rt", "rp", "rb", "rtc"};
  if (next == top && (next == "p" || next == "li" || next == "option")) return true;
  if (contains(kTerms, next) && contains(kTerms, top)) return true;
  if (contains(kRuby, next) && contains(kRuby, top)) return true;
  if (top == "td" || top == "th") return contains(kCells, next);
  return next == "tr" && top == "tr";
}

// An estimate that never needs the parser: how deep start tags pile up, and how many tags do not
// pair. It may be wrong for odd markup; the budget and the deadline catch what it misses.
bool is_nested_beyond_reason(std::string_view html) {
  static constexpr std::array<std::string_view, 14> kVoid{
      "area",  "base", "br",   "col",   "embed",  "hr",    "img",
      "input", "link", "meta", "param", "source", "track", "wbr"};
  std::vector<std::string> open;
  std::size_t stray = 0;
  for (std::size_t at = html.find('<'); at != std::string_view::npos; at = html.find('<', at)) {
    ++at;
    if (html.substr(at, 3) == "!--") {
      const std::size_t end = html.find("-->", at + 1);
      if (end == std::string_view::npos) break;
      at = end;
      continue;
    }
    const bool end_tag = at < html.size() && html[at] == '/';
    if (end_tag) ++at;
    if (at >= html.size() || !is_tag_letter(html[at])) continue;
    const std::string name = lower_ascii(tag_name_at(html, at));
    if (contains(kVoid, name)) continue;
    if (!end_tag) {
      while (!open.empty() && closes(name, open.back())) open.pop_back();
      open.push_back(name);
    } else if (!open.empty() && open.back() == name) {
      open.pop_back();
    } else {
      // Elements whose end tag may be left out, below the one that ends here.
      static constexpr std::array<std::string_view, 9> kImplied{"p",  "li", "dt",    "dd",   "td",
                                                                "th", "tr", "tbody", "tfoot"};
      std::size_t level = open.size();
      while (level > 0 && open[level - 1] != name && contains(kImplied, open[level - 1])) --level;
      if (level > 0 && open[level - 1] == name) open.resize(level - 1);
      ++stray;
    }
    if (open.size() > kOpenElementsMax || stray > kStrayTagsMax) return true;
  }
  return false;
}

std::string tag_of(const GumboElement& element) {
  if (element.tag != GUMBO_TAG_UNKNOWN) return gumbo_normalized_tagname(element.tag);
  GumboStringPiece name = element.original_tag;
  gumbo_tag_from_original_text(&name);
  const std::string tag = lower_ascii(std::string_view(name.data, name.data ? name.length : 0));
  return tag.empty() ? "unknown" : tag;
}

// False when the tree is too deep to walk.
bool copy_children(const GumboVector& from, HtmlNode& to, std::size_t depth) {
  if (depth > kTreeDepthMax) return false;
  to.children.reserve(from.length);
  for (unsigned int i = 0; i < from.length; ++i) {
    const auto* node = static_cast<const GumboNode*>(from.data[i]);
    switch (node->type) {
      case GUMBO_NODE_TEXT:
      case GUMBO_NODE_WHITESPACE:
      case GUMBO_NODE_CDATA: {
        HtmlNode& text = to.children.emplace_back();
        text.text = node->v.text.text;
        break;
      }
      case GUMBO_NODE_ELEMENT:
      case GUMBO_NODE_TEMPLATE: {
        HtmlNode& child = to.children.emplace_back();
        child.tag = tag_of(node->v.element);
        child.foreign = node->v.element.tag_namespace != GUMBO_NAMESPACE_HTML;
        const GumboVector& attributes = node->v.element.attributes;
        child.attributes.reserve(attributes.length);
        for (unsigned int a = 0; a < attributes.length; ++a) {
          const auto* attribute = static_cast<const GumboAttribute*>(attributes.data[a]);
          child.attributes.emplace_back(lower_ascii(attribute->name), attribute->value);
        }
        if (!copy_children(node->v.element.children, child, depth + 1)) return false;
        break;
      }
      case GUMBO_NODE_COMMENT:
      case GUMBO_NODE_DOCUMENT:
        break;
    }
  }
  return true;
}

void collect_text(const HtmlNode& node, std::string& out) {
  out += node.text;
  for (const HtmlNode& child : node.children) collect_text(child, out);
}

}  // namespace

const std::string* HtmlNode::attribute(std::string_view name) const {
  for (const auto& [key, value] : attributes)
    if (key == name) return &value;
  return nullptr;
}

std::optional<HtmlNode> parse_html_fragment(std::string_view html) {
  if (html.size() > kSanitizeBytesMax || is_nested_beyond_reason(html)) return std::nullopt;
  HtmlNode root;
  root.tag = "div";
  Arena arena((16u << 20) + html.size() * 160, kParseTimeMax);
  GumboOptions options = kGumboDefaultOptions;
  options.allocator = arena_allocate;
  options.deallocator = arena_release;
  options.userdata = &arena;
  options.max_errors = 0;
  options.fragment_context = GUMBO_TAG_DIV;
  const char* text = html.empty() ? "" : html.data();
  const GumboOutput* output = parse_within(arena, options, text, html.size());
  if (output == nullptr) return std::nullopt;
  if (!copy_children(output->root->v.element.children, root, 0)) return std::nullopt;
  return root;
}

std::string text_content(const HtmlNode& node) {
  std::string out;
  collect_text(node, out);
  return out;
}

}  // namespace sx
