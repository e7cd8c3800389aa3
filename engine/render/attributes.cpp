// Attribute names, URLs and styles (attributes.h).
#include "engine/render/attributes.h"

#include <algorithm>

namespace sx {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string lowered(std::string_view s) {
  std::string out(s);
  for (char& c : out) c = lower(c);
  return out;
}

template <std::size_t N>
bool one_of(std::string_view s, const std::string_view (&list)[N]) {
  return std::find(list, list + N, s) != list + N;
}

constexpr std::string_view kImageNames[] = {"src",        "srcset", "imagesrcset", "poster",
                                            "background", "icon",   "href",        "xlink:href"};
constexpr std::string_view kSchemes[] = {"http", "https", "mailto", "tel", "sms", "ftp"};
constexpr std::string_view kImageTypes[] = {"image/png", "image/jpeg", "image/gif", "image/webp",
                                            "image/avif"};

// CSS functions that cannot load anything or run code.
constexpr std::string_view kStyleFunctions[] = {"rgb",
                                                "rgba",
                                                "hsl",
                                                "hsla",
                                                "hwb",
                                                "lab",
                                                "lch",
                                                "oklab",
                                                "oklch",
                                                "color",
                                                "color-mix",
                                                "calc",
                                                "min",
                                                "max",
                                                "clamp",
                                                "var",
                                                "env",
                                                "linear-gradient",
                                                "radial-gradient",
                                                "conic-gradient",
                                                "repeating-linear-gradient",
                                                "repeating-radial-gradient",
                                                "minmax",
                                                "repeat",
                                                "fit-content",
                                                "translate",
                                                "translatex",
                                                "translatey",
                                                "translatez",
                                                "translate3d",
                                                "scale",
                                                "scalex",
                                                "scaley",
                                                "scale3d",
                                                "rotate",
                                                "rotatex",
                                                "rotatey",
                                                "rotatez",
                                                "rotate3d",
                                                "skew",
                                                "skewx",
                                                "skewy",
                                                "matrix",
                                                "matrix3d",
                                                "perspective",
                                                "cubic-bezier",
                                                "steps",
                                                "blur",
                                                "brightness",
                                                "contrast",
                                                "drop-shadow",
                                                "grayscale",
                                                "hue-rotate",
                                                "invert",
                                                "opacity",
                                                "saturate",
                                                "sepia",
                                                "circle",
                                                "ellipse",
                                                "inset",
                                                "polygon",
                                                "counter",
                                                "counters"};

bool style_name_char(char c) {
  return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

std::string_view trimmed(std::string_view s) {
  const auto space = [](char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
  };
  while (!s.empty() && space(s.front())) s.remove_prefix(1);
  while (!s.empty() && space(s.back())) s.remove_suffix(1);
  return s;
}

bool style_property_safe(std::string_view name) {
  if (name.empty()) return false;
  for (char c : name)
    if (!style_name_char(c)) return false;
  const std::string low = lowered(name);
  return low != "behavior" && low != "-moz-binding" && low != "filter-progid";
}

// A value without escapes, comments, braces, markup or functions outside the list.
bool style_value_safe(std::string_view value) {
  char quote = 0;
  int depth = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const auto c = static_cast<unsigned char>(value[i]);
    if (c < 32 && c != '\t' && c != '\n' && c != '\r') return false;
    if (c == '\\' || c == '<' || c == '>' || c == '{' || c == '}' || c == 127) return false;
    if (quote != 0) {
      if (c == '\n' || c == '\r') return false;
      if (value[i] == quote) quote = 0;
      continue;
    }
    if (c == '@' || c == '`' || c == ';' || c == ':') return false;
    if (c == '/' && i + 1 < value.size() && value[i + 1] == '*') return false;
    if (c == '"' || c == '\'') quote = value[i];
    if (c == ')' && --depth < 0) return false;
    if (c == '(') {
      ++depth;
      std::size_t start = i;
      while (start > 0 && style_name_char(value[start - 1])) --start;
      const std::string name = lowered(value.substr(start, i - start));
      if (!name.empty() && !one_of(name, kStyleFunctions)) return false;
    }
  }
  return quote == 0 && depth == 0;
}

// Where the declaration that starts at `from` ends: the next ; outside quotes and parentheses.
std::size_t declaration_end(std::string_view style, std::size_t from) {
  char quote = 0;
  int depth = 0;
  for (std::size_t i = from; i < style.size(); ++i) {
    const char c = style[i];
    if (quote != 0) {
      if (c == quote)
        quote = 0;
      else if (c == '\\')
        ++i;
    } else if (c == '"' || c == '\'')
      quote = c;
    else if (c == '(')
      ++depth;
    else if (c == ')')
      --depth;
    else if (c == ';' && depth <= 0)
      return i;
  }
  return style.size();
}

bool data_image(std::string_view url) {  // url begins with "data:"
  const std::string rest = lowered(url.substr(5, 16));
  for (std::string_view type : kImageTypes) {
    if (!rest.starts_with(type)) continue;
    if (rest.size() == type.size()) return true;
    const char next = rest[type.size()];
    if (next == ',' || next == ';') return true;
  }
  return false;
}

}  // namespace

bool attribute_name_valid(std::string_view name) {
  if (name.empty()) return false;
  const auto start = [](char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || c == '_' || c == ':';
  };
  if (!start(name[0])) return false;
  for (char c : name)
    if (!start(c) && !(c >= '0' && c <= '9') && c != '-' && c != '.') return false;
  return true;
}

bool url_allowed(std::string_view attribute, std::string_view url) {
  // What stands before the first ':' is a scheme unless / ? # comes first. Browsers skip control
  // characters and spaces at the start and tabs and line ends everywhere, so all of them are left
  // out before looking; anything else odd in a scheme is simply not on the list.
  char scheme[8];
  std::size_t length = 0;
  for (std::size_t i = 0; i < url.size(); ++i) {
    const char c = url[i];
    if (static_cast<unsigned char>(c) <= 32 || static_cast<unsigned char>(c) == 127) continue;
    if (c == '/' || c == '?' || c == '#') return true;
    if (c == ':') {
      const std::string_view name(scheme, length);
      if (one_of(name, kSchemes)) return true;
      return name == "data" && i == 4 && one_of(lowered(attribute), kImageNames) && data_image(url);
    }
    if (length < sizeof scheme) scheme[length++] = lower(c);  // longer ones are not on the list
    if (i > 4096) return false;
  }
  return true;  // no colon: relative
}

bool url_list_allowed(std::string_view attribute, std::string_view list) {
  // In <meta http-equiv="refresh" content="5; url='…'"> the address follows a word.
  const bool refresh = lowered(attribute) == "content";
  std::size_t from = 0;
  for (std::size_t i = 0; i <= list.size(); ++i) {
    const bool end = i == list.size() || static_cast<unsigned char>(list[i]) <= 32 ||
                     list[i] == ',' || list[i] == ';';
    if (!end) continue;
    std::string_view part = list.substr(from, i - from);
    from = i + 1;
    if (refresh) {
      if (lowered(part.substr(0, 4)) == "url=") part.remove_prefix(4);
      while (!part.empty() && (part[0] == '"' || part[0] == '\'' || part[0] == '='))
        part.remove_prefix(1);
    }
    if (!url_allowed(attribute, part)) return false;
  }
  return true;
}

std::string safe_style(std::string_view style) {
  std::string out;
  for (std::size_t from = 0; from < style.size();) {
    const std::size_t end = declaration_end(style, from);
    const std::string_view declaration = trimmed(style.substr(from, end - from));
    from = end + 1;
    const std::size_t colon = declaration.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = trimmed(declaration.substr(0, colon));
    const std::string_view value = trimmed(declaration.substr(colon + 1));
    if (value.empty() || !style_property_safe(name) || !style_value_safe(value)) continue;
    if (!out.empty()) out += "; ";
    out.append(name);
    out += ": ";
    out.append(value);
  }
  return out;
}

}  // namespace sx
