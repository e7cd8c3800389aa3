// From the parser's tree to pieces: elements by rule, attributes one by one.
#include <algorithm>
#include <optional>
#include <string>

#include "server/content/html_piece.h"
#include "server/content/html_policy.h"

namespace sx {
namespace {

bool one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

std::string percent_decoded(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 &&
        digit(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

class Filter {
 public:
  explicit Filter(const SanitizeOptions& options) : options_(options) {}

  // Returns whether a block element was added.
  bool children(const HtmlNode& from, std::vector<Piece>& to, std::string_view parent) {
    bool has_block = false;
    for (const HtmlNode& child : from.children) has_block |= node(child, to, parent);
    return has_block;
  }

 private:
  bool node(const HtmlNode& from, std::vector<Piece>& to, std::string_view parent) {
    if (from.is_text()) {
      text(from.text, to);
      return false;
    }
    if (from.foreign) return false;
    const ElementPolicy policy = element_policy(from.tag);
    switch (policy.rule) {
      case ElementRule::Unwrap:
        return children(from, to, parent);
      case ElementRule::Drop:
        if (from.tag == "input" && parent == "li") check_box(from, to);
        return false;
      case ElementRule::Void:
      case ElementRule::Block:
      case ElementRule::Inline:
      case ElementRule::Embedded:
        break;
    }
    Piece piece;
    piece.tag = policy.name;
    if (piece.tag == "img" && !image(from, piece)) {
      // The picture cannot be shown; what it says can.
      if (const std::string* alt = from.attribute("alt")) text(*alt, to);
      return false;
    }
    if (piece.tag == "a" && !link(from, piece)) return children(from, to, parent);
    if (one_of(piece.tag, {"source", "audio", "video"})) media(from, piece);
    if (one_of(piece.tag, {"blockquote", "q", "ins", "del"})) citation(from, piece);
    common(from, piece);
    piece.has_block = children(from, piece.children, piece.tag);
    if (piece.tag == "li" && !piece.children.empty() && has_check_box(piece)) {
      piece.set("class", "task-list-item");
    }
    const bool block = policy.rule == ElementRule::Block || piece.has_block;
    to.push_back(std::move(piece));
    return block;
  }

  static void text(const std::string& text, std::vector<Piece>& to) {
    if (text.empty()) return;
    if (!to.empty() && to.back().is_text()) {
      to.back().text += text;
      return;
    }
    Piece piece;
    piece.text = text;
    to.push_back(std::move(piece));
  }

  // A task list's box becomes a character: form elements are not for authors.
  static void check_box(const HtmlNode& from, std::vector<Piece>& to) {
    const std::string* type = from.attribute("type");
    if (type == nullptr || *type != "checkbox") return;
    const bool done = from.attribute("checked") != nullptr;
    Piece piece;
    piece.tag = "span";
    piece.set("class", done ? "task-done" : "task-open");
    text(done ? "\u2611" : "\u2610", piece.children);
    to.push_back(std::move(piece));
  }

  static bool has_check_box(const Piece& item) {
    for (const Piece& child : item.children) {
      if (child.is_text() && std::all_of(child.text.begin(), child.text.end(), is_space)) continue;
      const Piece* first = &child;
      if (first->tag == "p" && !first->children.empty()) first = &first->children.front();
      const std::string* name = first->attribute("class");
      return first->tag == "span" && name != nullptr && one_of(*name, {"task-done", "task-open"});
    }
    return false;
  }

  std::optional<std::string> media_url(const std::string* url, bool allow_data) const {
    if (url == nullptr) return std::nullopt;
    if (options_.rewrite_media) {
      if (const auto rewritten = options_.rewrite_media(*url))
        return clean_media_url(*rewritten, allow_data);
    }
    return clean_media_url(*url, allow_data);
  }

  // "a.png 1x, b.png 2x" with the candidates that may stay; all of one kind, none twice.
  std::optional<std::string> source_set(const std::string* value, bool& by_width) const {
    if (value == nullptr) return std::nullopt;
    const std::string_view text = *value;
    std::string out;
    std::vector<std::string> seen;
    char kind = 0;
    for (std::size_t at = 0; at < text.size();) {
      while (at < text.size() && (is_space(text[at]) || text[at] == ',')) ++at;
      if (at == text.size()) break;
      std::size_t end = at;
      while (end < text.size() && !is_space(text[end])) ++end;
      std::string url(text.substr(at, end - at));
      std::string descriptor;
      at = end;
      if (url.back() == ',') {
        while (!url.empty() && url.back() == ',') url.pop_back();
      } else {
        end = std::min(text.find(',', at), text.size());
        for (char c : text.substr(at, end - at))
          if (!is_space(c)) descriptor.push_back(c);
        at = end;
      }
      if (descriptor.empty()) descriptor = "1x";
      const char unit = descriptor.back();
      const std::string_view amount(descriptor.data(), descriptor.size() - 1);
      const bool whole = amount.find_first_not_of("0123456789") == std::string_view::npos;
      const bool decimal = amount.find_first_not_of("0123456789.") == std::string_view::npos &&
                           std::count(amount.begin(), amount.end(), '.') <= 1;
      const bool fits = !amount.empty() && amount.size() <= 8 && amount.front() != '.' &&
                        amount.back() != '.' && amount.front() != '0' &&
                        ((unit == 'w' && whole) || (unit == 'x' && decimal));
      if (!fits || (kind != 0 && kind != unit)) continue;
      if (std::find(seen.begin(), seen.end(), descriptor) != seen.end()) continue;
      const std::optional<std::string> clean = media_url(&url, false);
      if (!clean || clean->front() == ',' || clean->back() == ',') continue;
      kind = unit;
      seen.push_back(descriptor);
      if (!out.empty()) out += ", ";
      out += *clean + " " + descriptor;
    }
    by_width = kind == 'w';
    return out.empty() ? std::nullopt : std::optional(out);
  }

  void source_set_of(const HtmlNode& from, Piece& piece) const {
    bool by_width = false;
    const auto set = source_set(from.attribute("srcset"), by_width);
    if (!set) return;
    piece.set("srcset", *set);
    if (!by_width) return;
    const std::string* sizes = from.attribute("sizes");
    const bool plain = sizes != nullptr && !sizes->empty() && sizes->size() <= 200 &&
                       std::all_of(sizes->begin(), sizes->end(), [](char c) {
                         return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                                std::string_view(" ():,.-").find(c) != std::string_view::npos;
                       });
    piece.set("sizes", plain ? *sizes : "100vw");
  }

  bool image(const HtmlNode& from, Piece& piece) const {
    const auto source = media_url(from.attribute("src"), true);
    if (!source) return false;
    piece.set("src", *source);
    const std::string* alt = from.attribute("alt");
    piece.set("alt", alt ? *alt : "");
    source_set_of(from, piece);
    return true;
  }

  bool link(const HtmlNode& from, Piece& piece) const {
    const std::string* href = from.attribute("href");
    if (href == nullptr) return false;
    std::optional<std::string> clean = clean_link_url(*href);
    if (!clean) return false;
    if (options_.heading_ids && clean->size() > 1 && clean->front() == '#') {
      const std::string target = footnote_id(percent_decoded(clean->substr(1)));
      if (!target.empty()) clean = "#" + target;
    }
    piece.set("href", *clean);
    const std::string* language = from.attribute("hreflang");
    if (language != nullptr)
      if (const auto value = plain_attribute("a", "lang", *language)) piece.set("hreflang", *value);
    if (is_external_url(*clean)) piece.set("rel", "noopener");
    return true;
  }

  void media(const HtmlNode& from, Piece& piece) const {
    if (const auto source = media_url(from.attribute("src"), false)) piece.set("src", *source);
    if (piece.tag == "source") {
      source_set_of(from, piece);
      return;
    }
    if (piece.tag == "video")
      if (const auto poster = media_url(from.attribute("poster"), true))
        piece.set("poster", *poster);
    piece.set("controls", "");
  }

  static void citation(const HtmlNode& from, Piece& piece) {
    const std::string* cite = from.attribute("cite");
    if (cite == nullptr) return;
    const auto clean = clean_link_url(*cite);
    if (clean && !clean->empty()) piece.set("cite", *clean);
  }

  // "fn-1" and "fnref-1", which Markdown's footnotes use, under the document's prefix; else empty.
  std::string footnote_id(const std::string& id) const {
    if (id.substr(0, 3) != "fn-" && id.substr(0, 6) != "fnref-") return {};
    std::string plain = options_.id_prefix;
    for (char c : id) {
      const std::string one(1, c);
      plain.push_back(static_cast<unsigned char>(c) >= 0x80 || is_plain_id(one) ? c : '-');
    }
    return is_plain_id(plain) ? plain : std::string();
  }

  void common(const HtmlNode& from, Piece& piece) const {
    for (const auto& [name, value] : from.attributes) {
      if (name == "class") {
        const std::string classes = allowed_classes(piece.tag, value);
        if (!classes.empty()) piece.set("class", classes);
      } else if (name == "id") {
        if (options_.heading_ids) {
          const std::string id = footnote_id(value);
          if (!id.empty()) piece.set("id", id);
        } else if (value.substr(0, 2) == "h-" && is_plain_id(value)) {
          piece.set("id", value);
        }
      } else if (name == "align" && one_of(piece.tag, {"td", "th"})) {
        if (one_of(value, {"left", "center", "right"})) piece.set("class", "align-" + value);
      } else if (name == "aria-label" && piece.tag == "a") {
        if (const std::string* href = piece.attribute("href"); href->substr(0, 1) == "#")
          piece.set("aria-label", value);
      } else if (const auto plain = plain_attribute(piece.tag, name, value)) {
        piece.set(name, *plain);
      }
    }
    if (piece.tag == "img") {
      piece.set("loading", "lazy");
      piece.set("decoding", "async");
    }
  }

  const SanitizeOptions& options_;
};

}  // namespace

const std::string* Piece::attribute(std::string_view name) const {
  for (const auto& [key, value] : attributes)
    if (key == name) return &value;
  return nullptr;
}

void Piece::set(std::string_view name, std::string value) {
  for (auto& [key, old] : attributes)
    if (key == name) {
      old = std::move(value);
      return;
    }
  attributes.emplace_back(std::string(name), std::move(value));
}

void Piece::remove(std::string_view name) {
  std::erase_if(attributes, [&](const auto& attribute) { return attribute.first == name; });
}

std::string text_of(const Piece& piece) {
  std::string out = piece.text;
  for (const Piece& child : piece.children) out += text_of(child);
  return out;
}

std::vector<Piece> filter_html(const HtmlNode& root, const SanitizeOptions& options) {
  std::vector<Piece> pieces;
  Filter(options).children(root, pieces, "");
  return pieces;
}

}  // namespace sx
