// Scanning by hand: the tags are simple, and code blocks must be left alone.
#include "server/content/site_text.h"

#include <algorithm>
#include <cstddef>
#include <optional>

namespace sx {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

// Follows fenced code from line to line.
class Fence {
 public:
  // True if the line belongs to a code block, fence lines included.
  bool inside(std::string_view line) {
    std::size_t indent = 0;
    while (indent < line.size() && line[indent] == ' ') ++indent;
    const std::string_view text = line.substr(indent);
    std::size_t run = 0;
    if (!text.empty() && (text[0] == '`' || text[0] == '~'))
      while (run < text.size() && text[run] == text[0]) ++run;
    if (mark_ == 0) {
      if (run < 3 || (text[0] == '`' && text.find('`', run) != std::string_view::npos))
        return false;
      mark_ = text[0];
      length_ = run;
      return true;
    }
    if (run >= length_ && text[0] == mark_ && trim(text.substr(run)).empty()) mark_ = 0;
    return true;
  }

 private:
  char mark_ = 0;
  std::size_t length_ = 0;
};

// name="value", name='value' or name=value in a tag.
std::optional<std::string> parameter(std::string_view tag, std::string_view name) {
  for (std::size_t at = tag.find(name); at != std::string_view::npos; at = tag.find(name, at + 1)) {
    const std::size_t equals = at + name.size();
    if (at == 0 || (tag[at - 1] != ' ' && tag[at - 1] != '\t' && tag[at - 1] != '\n')) continue;
    if (equals >= tag.size() || tag[equals] != '=') continue;
    std::string_view value = tag.substr(equals + 1);
    if (value.empty()) return std::nullopt;
    const char quote = value.front();
    if (quote == '"' || quote == '\'' || quote == '`') {
      const std::size_t end = value.find(quote, 1);
      if (end == std::string_view::npos) return std::nullopt;
      return std::string(value.substr(1, end - 1));
    }
    return std::string(value.substr(0, value.find_first_of(" \t\n")));
  }
  return std::nullopt;
}

std::string first_word(std::string_view text) {
  text = trim(text);
  return std::string(text.substr(0, text.find_first_of(" \t\n")));
}

// A language name that can follow a fence.
std::string language_word(std::string_view text) {
  std::string word = first_word(text);
  for (char c : word)
    if (std::string_view("`~{}<>\"").find(c) != std::string_view::npos) return {};
  return word;
}

bool escape_free(std::string_view text, std::string_view forbidden) {
  return text.find_first_of(forbidden) == std::string_view::npos;
}

// What {{ … }} means, or nullopt.
std::optional<std::string> liquid_output(std::string_view inside) {
  inside = trim(inside);
  if (inside == "site.baseurl" || inside == "site.url" || inside == "site.github.url")
    return std::string();
  const std::size_t bar = inside.find('|');
  if (bar == std::string_view::npos) return std::nullopt;
  const std::string_view value = trim(inside.substr(0, bar));
  const std::string_view filter = trim(inside.substr(bar + 1));
  const bool quoted = value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
                      value.back() == value.front();
  if (quoted && (filter == "relative_url" || filter == "absolute_url" ||
                 filter == "prepend: site.baseurl" || filter == "prepend:site.baseurl"))
    return std::string(value.substr(1, value.size() - 2));
  return std::nullopt;
}

// What {% … %} means, or nullopt.
std::optional<std::string> liquid_tag(std::string_view inside) {
  if (!inside.empty() && inside.front() == '-') inside.remove_prefix(1);
  if (!inside.empty() && inside.back() == '-') inside.remove_suffix(1);
  const std::string word = first_word(inside);
  if (word == "highlight") return "```" + language_word(trim(inside).substr(word.size()));
  if (word == "endhighlight") return "```";
  if (word == "raw" || word == "endraw") return std::string();
  return std::nullopt;
}

// What {{< … >}} means, or nullopt.
std::optional<std::string> hugo_tag(std::string_view inside) {
  const std::string word = first_word(inside);
  const std::string_view rest = trim(inside).substr(word.size());
  if (word == "highlight") return "```" + language_word(rest);
  if (word == "/highlight") return "```";
  if (word != "figure") return std::nullopt;
  const auto source = parameter(rest, "src");
  if (!source || source->empty() || !escape_free(*source, "<>\n")) return std::nullopt;
  std::string alt = parameter(rest, "alt").value_or(std::string());
  if (alt.empty()) alt = parameter(rest, "caption").value_or(std::string());
  if (!escape_free(alt, "[]\\\n")) return std::nullopt;
  return "![" + alt + "](<" + *source + ">)";
}

// Replaces on one line, which is not in a fence, outside `code`.
std::string replace_on_line(std::string_view line, SiteKind kind) {
  std::string out;
  for (std::size_t at = 0; at < line.size();) {
    if (line[at] == '`') {
      std::size_t run = at;
      while (run < line.size() && line[run] == '`') ++run;
      const std::size_t close = line.find(line.substr(at, run - at), run);
      const std::size_t end = close == std::string_view::npos ? run : close + (run - at);
      out.append(line.substr(at, end - at));
      at = end;
      continue;
    }
    const std::string_view here = line.substr(at);
    std::optional<std::string> text;
    std::size_t length = 0;
    const auto tag = [&](std::string_view open, std::string_view close, auto meaning) {
      if (text || here.substr(0, open.size()) != open) return;
      const std::size_t end = here.find(close, open.size());
      if (end == std::string_view::npos) return;
      text = meaning(here.substr(open.size(), end - open.size()));
      length = end + close.size();
    };
    if (kind == SiteKind::Jekyll) {
      tag("{{", "}}", liquid_output);
      tag("{%", "%}", liquid_tag);
    } else if (kind == SiteKind::Hugo) {
      tag("{{<", ">}}", hugo_tag);
    }
    if (text) {
      out += *text;
      at += length;
    } else {
      out.push_back(line[at++]);
    }
  }
  return out;
}

}  // namespace

std::string replace_plain_tags(std::string_view body, SiteKind kind) {
  std::string out;
  out.reserve(body.size());
  Fence fence;
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t end = std::min(body.find('\n', at), body.size());
    const std::string_view line = body.substr(at, end - at);
    if (fence.inside(line)) {
      // A block that {% highlight %} opened ends by its own tag.
      const std::string_view text = trim(line);
      const bool closes =
          (kind == SiteKind::Jekyll && text.find("endhighlight") != std::string::npos &&
           text.substr(0, 2) == "{%") ||
          (kind == SiteKind::Hugo && text.find("/highlight") != std::string::npos &&
           text.substr(0, 3) == "{{<");
      if (closes) {
        fence.inside("```");
        out += "```";
      } else {
        out.append(line);
      }
    } else {
      const std::string replaced = replace_on_line(line, kind);
      if (replaced != line) fence.inside(replaced);
      out += replaced;
    }
    if (end < body.size()) out += '\n';
    at = end + 1;
  }
  return out;
}

std::vector<TemplateTag> find_template_tags(std::string_view body) {
  constexpr std::size_t kTagsMax = 20, kTextMax = 60;
  std::vector<TemplateTag> tags;
  Fence fence;
  int number = 0;
  for (std::size_t at = 0; at < body.size() && tags.size() < kTagsMax;) {
    const std::size_t end = std::min(body.find('\n', at), body.size());
    const std::string_view line = body.substr(at, end - at);
    at = end + 1;
    ++number;
    if (fence.inside(line) || line.substr(0, 4) == "    ") continue;
    for (std::size_t i = 0; i + 1 < line.size() && tags.size() < kTagsMax; ++i) {
      if (line[i] == '`') {
        std::size_t run = i;
        while (run < line.size() && line[run] == '`') ++run;
        const std::size_t close = line.find(line.substr(i, run - i), run);
        i = (close == std::string_view::npos ? run : close + (run - i)) - 1;
        continue;
      }
      if (line[i] != '{' || (line[i + 1] != '{' && line[i + 1] != '%')) continue;
      const std::string_view close_mark = line[i + 1] == '{' ? "}}" : "%}";
      const std::size_t close = line.find(close_mark, i + 2);
      const std::size_t tag_end = close == std::string_view::npos ? line.size() : close + 2;
      std::string text(line.substr(i, tag_end - i));
      if (text.size() > kTextMax) {
        std::size_t cut = kTextMax;
        while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
        text = text.substr(0, cut) + "\u2026";
      }
      tags.push_back({number, std::move(text)});
      i = tag_end - 1;
    }
  }
  return tags;
}

std::string leading_heading(std::string_view body, std::string_view& rest) {
  const std::size_t start = body.find_first_not_of(" \t\n");
  if (start == std::string_view::npos) return {};
  const std::size_t end = std::min(body.find('\n', start), body.size());
  std::string_view line = body.substr(start, end - start);
  if (line.substr(0, 2) == "# ") {
    line = trim(line.substr(2));
    while (!line.empty() && line.back() == '#') line.remove_suffix(1);
    rest = body.substr(std::min(end + 1, body.size()));
    return std::string(trim(line));
  }
  const std::size_t next = std::min(end + 1, body.size());
  const std::size_t next_end = std::min(body.find('\n', next), body.size());
  const std::string_view under = trim(body.substr(next, next_end - next));
  if (under.size() >= 3 && under.find_first_not_of('=') == std::string_view::npos) {
    rest = body.substr(std::min(next_end + 1, body.size()));
    return std::string(trim(line));
  }
  return {};
}

}  // namespace sx
