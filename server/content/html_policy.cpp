// The allowlist as tables. What is not named here does not come out.
#include "server/content/html_policy.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <initializer_list>

#include "server/content/sanitize.h"
#include "server/content/utf8.h"

namespace sx {
namespace {

struct Row {
  std::string_view tag;
  ElementRule rule;
  std::string_view name;  // empty: the tag itself
};

// Sorted by tag.
constexpr Row kElements[] = {
    {"a", ElementRule::Inline, ""},
    {"abbr", ElementRule::Inline, ""},
    {"acronym", ElementRule::Inline, "abbr"},
    {"address", ElementRule::Block, ""},
    {"applet", ElementRule::Drop, ""},
    {"article", ElementRule::Block, ""},
    {"aside", ElementRule::Block, ""},
    {"audio", ElementRule::Embedded, ""},
    {"b", ElementRule::Inline, ""},
    {"base", ElementRule::Drop, ""},
    {"basefont", ElementRule::Drop, ""},
    {"bdi", ElementRule::Inline, ""},
    {"bdo", ElementRule::Inline, ""},
    {"bgsound", ElementRule::Drop, ""},
    {"blockquote", ElementRule::Block, ""},
    {"br", ElementRule::Void, ""},
    {"button", ElementRule::Drop, ""},
    {"caption", ElementRule::Block, ""},
    {"center", ElementRule::Block, "div"},
    {"cite", ElementRule::Inline, ""},
    {"code", ElementRule::Inline, ""},
    {"col", ElementRule::Drop, ""},
    {"colgroup", ElementRule::Drop, ""},
    {"data", ElementRule::Inline, ""},
    {"datalist", ElementRule::Drop, ""},
    {"dd", ElementRule::Block, ""},
    {"del", ElementRule::Inline, ""},
    {"details", ElementRule::Block, ""},
    {"dfn", ElementRule::Inline, ""},
    {"dir", ElementRule::Block, "ul"},
    {"div", ElementRule::Block, ""},
    {"dl", ElementRule::Block, ""},
    {"dt", ElementRule::Block, ""},
    {"em", ElementRule::Inline, ""},
    {"embed", ElementRule::Drop, ""},
    {"figcaption", ElementRule::Block, ""},
    {"figure", ElementRule::Block, ""},
    {"footer", ElementRule::Block, "div"},
    {"form", ElementRule::Drop, ""},
    {"frame", ElementRule::Drop, ""},
    {"frameset", ElementRule::Drop, ""},
    {"h1", ElementRule::Block, ""},
    {"h2", ElementRule::Block, ""},
    {"h3", ElementRule::Block, ""},
    {"h4", ElementRule::Block, ""},
    {"h5", ElementRule::Block, ""},
    {"h6", ElementRule::Block, ""},
    {"head", ElementRule::Drop, ""},
    {"header", ElementRule::Block, "div"},
    {"hgroup", ElementRule::Block, "div"},
    {"hr", ElementRule::Block, ""},
    {"i", ElementRule::Inline, ""},
    {"iframe", ElementRule::Drop, ""},
    {"img", ElementRule::Void, ""},
    {"input", ElementRule::Drop, ""},
    {"ins", ElementRule::Inline, ""},
    {"isindex", ElementRule::Drop, ""},
    {"kbd", ElementRule::Inline, ""},
    {"keygen", ElementRule::Drop, ""},
    {"li", ElementRule::Block, ""},
    {"link", ElementRule::Drop, ""},
    {"listing", ElementRule::Block, "pre"},
    {"main", ElementRule::Block, "div"},
    {"mark", ElementRule::Inline, ""},
    {"math", ElementRule::Drop, ""},
    {"menu", ElementRule::Block, "ul"},
    {"menuitem", ElementRule::Drop, ""},
    {"meta", ElementRule::Drop, ""},
    {"nav", ElementRule::Block, "div"},
    {"noembed", ElementRule::Drop, ""},
    {"noframes", ElementRule::Drop, ""},
    {"noscript", ElementRule::Drop, ""},
    {"object", ElementRule::Drop, ""},
    {"ol", ElementRule::Block, ""},
    {"optgroup", ElementRule::Drop, ""},
    {"option", ElementRule::Drop, ""},
    {"p", ElementRule::Block, ""},
    {"param", ElementRule::Drop, ""},
    {"picture", ElementRule::Embedded, ""},
    {"plaintext", ElementRule::Drop, ""},
    {"pre", ElementRule::Block, ""},
    {"q", ElementRule::Inline, ""},
    {"rp", ElementRule::Inline, ""},
    {"rt", ElementRule::Inline, ""},
    {"ruby", ElementRule::Inline, ""},
    {"s", ElementRule::Inline, ""},
    {"samp", ElementRule::Inline, ""},
    {"script", ElementRule::Drop, ""},
    {"section", ElementRule::Block, ""},
    {"select", ElementRule::Drop, ""},
    {"slot", ElementRule::Drop, ""},
    {"small", ElementRule::Inline, ""},
    {"source", ElementRule::Void, ""},
    {"span", ElementRule::Inline, ""},
    {"strike", ElementRule::Inline, "s"},
    {"strong", ElementRule::Inline, ""},
    {"style", ElementRule::Drop, ""},
    {"sub", ElementRule::Inline, ""},
    {"summary", ElementRule::Block, ""},
    {"sup", ElementRule::Inline, ""},
    {"svg", ElementRule::Drop, ""},
    {"table", ElementRule::Block, ""},
    {"tbody", ElementRule::Block, ""},
    {"td", ElementRule::Block, ""},
    {"template", ElementRule::Drop, ""},
    {"textarea", ElementRule::Drop, ""},
    {"tfoot", ElementRule::Block, ""},
    {"th", ElementRule::Block, ""},
    {"thead", ElementRule::Block, ""},
    {"time", ElementRule::Inline, ""},
    {"title", ElementRule::Drop, ""},
    {"tr", ElementRule::Block, ""},
    {"track", ElementRule::Drop, ""},
    {"tt", ElementRule::Inline, "code"},
    {"u", ElementRule::Inline, ""},
    {"ul", ElementRule::Block, ""},
    {"var", ElementRule::Inline, ""},
    {"video", ElementRule::Embedded, ""},
    {"wbr", ElementRule::Void, ""},
    {"xmp", ElementRule::Drop, ""},
};

constexpr bool is_sorted_by_tag() {
  for (std::size_t i = 1; i < std::size(kElements); ++i)
    if (!(kElements[i - 1].tag < kElements[i].tag)) return false;
  return true;
}
static_assert(is_sorted_by_tag());

bool one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

// A whole number without leading zeros, from `low` to `high` (at most nine digits).
std::optional<std::string> number(std::string_view value, long low, long high) {
  value = trim(value);
  const bool negative = !value.empty() && value.front() == '-';
  if (negative) value.remove_prefix(1);
  if (value.empty() || value.size() > 9) return std::nullopt;
  long n = 0;
  for (char c : value) {
    if (!is_digit(c)) return std::nullopt;
    n = n * 10 + (c - '0');
  }
  if (negative) n = -n;
  if (n < low || n > high) return std::nullopt;
  return std::to_string(n);
}

std::optional<std::string> keyword(std::string_view value,
                                   std::initializer_list<std::string_view> allowed) {
  const std::string text = lower(trim(value));
  if (!one_of(text, allowed)) return std::nullopt;
  return text;
}

std::optional<std::string> language(std::string_view value) {
  value = trim(value);
  if (value.empty() || value.size() > 35 || !is_alpha(value.front()) || value.back() == '-')
    return std::nullopt;
  std::size_t part = 0;
  for (char c : value) {
    if (c == '-') {
      if (part == 0) return std::nullopt;
      part = 0;
    } else if (is_alpha(c) || is_digit(c)) {
      if (++part > 8) return std::nullopt;
    } else {
      return std::nullopt;
    }
  }
  return std::string(value);
}

// "2024", "2024-01", "2024-01-02", "10:00[:00[.1]]", a date and a time with an optional zone.
std::optional<std::string> date_time(std::string_view value) {
  value = trim(value);
  // '#' stands for a digit; what differs from every pattern is left out.
  static constexpr std::string_view kDates[] = {"####", "####-##", "####-##-##"};
  static constexpr std::string_view kTimes[] = {"##:##", "##:##:##", "##:##:##.#", "##:##:##.##",
                                                "##:##:##.###"};
  static constexpr std::string_view kZones[] = {"", "Z", "+##:##", "-##:##", "+####", "-####"};
  const auto fits = [](std::string_view text, std::string_view pattern) {
    if (text.size() != pattern.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i)
      if (pattern[i] == '#' ? !is_digit(text[i]) : pattern[i] != text[i]) return false;
    return true;
  };
  const auto two = [](std::string_view text, std::size_t at) {
    return (text[at] - '0') * 10 + (text[at + 1] - '0');
  };
  const auto good_date = [&](std::string_view text) {
    if (text.size() >= 7 && (two(text, 5) < 1 || two(text, 5) > 12)) return false;
    if (text.size() >= 10) {
      static constexpr int kDays[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
      const int year = two(text, 0) * 100 + two(text, 2), month = two(text, 5);
      const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
      const int days = month == 2 && !leap ? 28 : kDays[month - 1];
      if (two(text, 8) < 1 || two(text, 8) > days) return false;
    }
    return text.substr(0, 4) != "0000";
  };
  const auto good_time = [&](std::string_view text) {
    return two(text, 0) < 24 && two(text, 3) < 60 && (text.size() < 8 || two(text, 6) < 60);
  };
  for (std::string_view date : kDates)
    if (fits(value, date))
      return good_date(value) ? std::optional(std::string(value)) : std::nullopt;
  if (value.size() > 11 && (value[10] == 'T' || value[10] == ' ') &&
      fits(value.substr(0, 10), kDates[2]) && good_date(value.substr(0, 10))) {
    const std::string_view rest = value.substr(11);
    for (std::string_view time : kTimes)
      for (std::string_view zone : kZones)
        if (rest.size() == time.size() + zone.size() && fits(rest.substr(0, time.size()), time) &&
            fits(rest.substr(time.size()), zone) && good_time(rest)) {
          const std::size_t z = time.size() + 1;
          if (zone.size() >= 5 &&
              (two(rest, z) > 23 || two(rest, zone.size() == 6 ? z + 3 : z + 2) > 59))
            return std::nullopt;
          return std::string(value);
        }
  }
  for (std::string_view time : kTimes)
    if (fits(value, time) && good_time(value)) return std::string(value);
  return std::nullopt;
}

// "image/webp" or "video/mp4; codecs=…": the codecs go, browsers find them out.
std::optional<std::string> media_type(std::string_view value) {
  const std::string text = lower(trim(value.substr(0, value.find(';'))));
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos || !one_of(text.substr(0, slash), {"image", "video", "audio"}))
    return std::nullopt;
  if (slash + 1 == text.size() || text.size() > 60) return std::nullopt;
  for (char c : text.substr(slash + 1))
    if (!is_alpha(c) && !is_digit(c) && c != '-' && c != '+' && c != '.') return std::nullopt;
  return text == "image/svg+xml" ? std::nullopt : std::optional(text);
}

// A media query of the harmless kind: letters, digits, brackets, colons.
std::optional<std::string> media_query(std::string_view value) {
  value = trim(value);
  if (value.empty() || value.size() > 200) return std::nullopt;
  int depth = 0;
  for (char c : value) {
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (depth < 0 || depth > 1) return std::nullopt;
    if (!is_alpha(c) && !is_digit(c) &&
        !one_of(std::string_view(&c, 1), {" ", "(", ")", ":", "-", ",", "."}))
      return std::nullopt;
  }
  if (depth != 0) return std::nullopt;
  return std::string(value);
}

enum class Scheme { Relative, Web, Mail, Phone, Data, Other };

Scheme scheme_of(std::string_view url) {
  const std::size_t end = url.find_first_of(":/?#\\");
  if (end == std::string_view::npos || url[end] != ':') return Scheme::Relative;
  const std::string name = lower(url.substr(0, end));
  if (name == "http" || name == "https") return Scheme::Web;
  if (name == "mailto") return Scheme::Mail;
  if (name == "tel") return Scheme::Phone;
  if (name == "data") return Scheme::Data;
  return Scheme::Other;
}

// What a browser takes off before it reads an address: outer white space and controls, inner tabs
// and line ends. nullopt if a control character is left.
std::optional<std::string> strip_url(std::string_view url) {
  std::string out;
  for (std::size_t at = 0; at < url.size();) {
    const std::size_t start = at;
    const std::int32_t c = next_code_point(url, at);
    if (c == '\t' || c == '\n' || c == '\r') continue;
    out.append(url.substr(start, at - start));
  }
  const std::string_view trimmed = trim(out);
  for (std::size_t at = 0; at < trimmed.size();) {
    const std::int32_t c = next_code_point(trimmed, at);
    // Also the invisible: line and paragraph separators, direction overrides, byte order mark.
    if (c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x200B && c <= 0x200F) ||
        (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x2069) || c == 0xFEFF)
      return std::nullopt;
  }
  return std::string(trimmed);
}

// Percent-encodes what may not stand in an address; what is encoded already stays.
std::string encode_url(std::string_view url) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(url.size());
  bool fragment = false;
  for (std::size_t i = 0; i < url.size(); ++i) {
    const char c = url[i];
    const bool broken_escape =
        c == '%' && !(i + 2 < url.size() && is_hex(url[i + 1]) && is_hex(url[i + 2]));
    const bool second_hash = c == '#' && fragment;
    fragment = fragment || c == '#';
    if (broken_escape || second_hash ||
        std::string_view(" \"<>`{}|\\^").find(c) != std::string_view::npos) {
      out.push_back('%');
      out.push_back(kHex[static_cast<unsigned char>(c) >> 4]);
      out.push_back(kHex[static_cast<unsigned char>(c) & 15]);
    } else {
      out.push_back(c);
    }
  }
  return out;
}

bool is_raster_data(std::string_view url) {
  const std::string head = lower(url.substr(0, 32));
  for (std::string_view prefix : {"data:image/png;base64,", "data:image/jpeg;base64,",
                                  "data:image/gif;base64,", "data:image/webp;base64,"}) {
    if (head.substr(0, prefix.size()) != prefix) continue;
    const std::string_view data = url.substr(prefix.size());
    return !data.empty() && std::all_of(data.begin(), data.end(), [](char c) {
      return is_alpha(c) || is_digit(c) || c == '+' || c == '/' || c == '=';
    });
  }
  return false;
}

}  // namespace

ElementPolicy element_policy(std::string_view tag) {
  const Row* row =
      std::lower_bound(std::begin(kElements), std::end(kElements), tag,
                       [](const Row& r, std::string_view name) { return r.tag < name; });
  if (row == std::end(kElements) || row->tag != tag) return {};
  return {row->rule, row->name.empty() ? row->tag : row->name};
}

bool is_heading(std::string_view name) {
  return name.size() == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6';
}

bool holds_phrasing_only(std::string_view name) {
  if (is_heading(name) || one_of(name, {"p", "pre", "summary", "caption", "dt"})) return true;
  return element_policy(name).rule == ElementRule::Inline && !one_of(name, {"a", "ins", "del"});
}

std::optional<std::string> plain_attribute(std::string_view element, std::string_view attribute,
                                           std::string_view value) {
  if (attribute == "title") return std::string(value);
  if (attribute == "lang") return language(value);
  if (attribute == "dir")
    return element == "bdo" ? keyword(value, {"ltr", "rtl"})
                            : keyword(value, {"ltr", "rtl", "auto"});
  if (attribute == "translate") return keyword(value, {"yes", "no"});

  const bool cell = element == "td" || element == "th";
  if (cell && attribute == "colspan") return number(value, 1, 1000);
  if (cell && attribute == "rowspan") return number(value, 1, 1000);
  if (element == "th" && attribute == "abbr") return std::string(value);
  if (element == "th" && attribute == "scope")
    return keyword(value, {"row", "col", "rowgroup", "colgroup"});
  if (element == "ol") {
    if (attribute == "start") return number(value, -999999999, 999999999);
    if (attribute == "reversed") return std::string();
    if (attribute == "type" && one_of(trim(value), {"1", "a", "A", "i", "I"}))
      return std::string(trim(value));
  }
  if (element == "li" && attribute == "value") return number(value, -999999999, 999999999);
  if (element == "details" && attribute == "open") return std::string();
  if (element == "data" && attribute == "value") return std::string(value);
  if (one_of(element, {"time", "ins", "del"}) && attribute == "datetime") return date_time(value);
  if (one_of(element, {"img", "video"}) && one_of(attribute, {"width", "height"}))
    return number(value, 1, 100000);
  if (one_of(element, {"audio", "video"})) {
    if (one_of(attribute, {"loop", "muted"})) return std::string();
    if (attribute == "preload") return keyword(value, {"none", "metadata"});
  }
  if (element == "source") {
    if (attribute == "type") return media_type(value);
    if (attribute == "media") return media_query(value);
  }
  return std::nullopt;
}

std::string allowed_classes(std::string_view element, std::string_view classes) {
  std::string out;
  for (std::size_t at = 0; at < classes.size();) {
    const std::size_t start = classes.find_first_not_of(" \t\n\r\f", at);
    if (start == std::string_view::npos) break;
    const std::size_t end = std::min(classes.find_first_of(" \t\n\r\f", start), classes.size());
    at = end;
    std::string name(classes.substr(start, end - start));
    bool keep = false;
    if (name.substr(0, 9) == "language-" && (element == "code" || element == "pre")) {
      name = lower(name);
      keep = name.size() > 9 && name.size() <= 40 &&
             std::all_of(name.begin() + 9, name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || is_digit(c) || c == '_' || c == '+' || c == '-';
             });
    } else if (element == "td" || element == "th") {
      keep = one_of(name, {"align-left", "align-center", "align-right"});
    } else if (element == "section") {
      keep = name == "footnotes";
    } else if (element == "sup") {
      keep = name == "footnote-ref";
    } else if (element == "a") {
      keep = name == "footnote-backref";
    } else if (element == "li") {
      keep = name == "task-list-item";
    } else if (element == "span") {
      keep = one_of(name, {"task-done", "task-open"});
    }
    if (!keep) continue;
    const std::string padded = " " + out + " ";
    if (padded.find(" " + name + " ") != std::string::npos) continue;
    if (!out.empty()) out.push_back(' ');
    out += name;
  }
  return out;
}

std::optional<std::string> clean_link_url(std::string_view url) {
  const std::optional<std::string> stripped = strip_url(url);
  if (!stripped) return std::nullopt;
  switch (scheme_of(*stripped)) {
    case Scheme::Relative:
    case Scheme::Web:
    case Scheme::Mail:
    case Scheme::Phone:
      return encode_url(*stripped);
    case Scheme::Data:
    case Scheme::Other:
      break;
  }
  return std::nullopt;
}

std::optional<std::string> clean_media_url(std::string_view url, bool allow_data) {
  const std::optional<std::string> stripped = strip_url(url);
  if (!stripped || stripped->empty()) return std::nullopt;
  switch (scheme_of(*stripped)) {
    case Scheme::Relative:
    case Scheme::Web:
      return encode_url(*stripped);
    case Scheme::Data:
      if (allow_data && is_raster_data(*stripped)) return *stripped;
      break;
    case Scheme::Mail:
    case Scheme::Phone:
    case Scheme::Other:
      break;
  }
  return std::nullopt;
}

bool is_external_url(std::string_view url) {
  if (scheme_of(url) == Scheme::Web) return true;
  const auto slash = [](char c) { return c == '/' || c == '\\'; };
  // encode_url has written a backslash as %5C, which a browser no longer takes for a slash.
  return url.size() >= 2 && slash(url[0]) && slash(url[1]);
}

bool is_plain_id(std::string_view id) {
  if (id.empty() || id.size() > 300) return false;
  for (std::size_t at = 0; at < id.size();) {
    const std::int32_t c = next_code_point(id, at);
    const bool ascii_ok = c >= 0 && c < 0x80 &&
                          (is_alpha(static_cast<char>(c)) || is_digit(static_cast<char>(c)) ||
                           c == '-' || c == '_' || c == '.');
    if (!ascii_ok && c < 0xA1) return false;
    if (c == kInvalidCodePoint || c == 0x1680 || (c >= 0x2000 && c <= 0x200B) ||
        (c >= 0x2028 && c <= 0x202F) || c == 0x205F || c == 0x3000 || c == 0xFEFF ||
        (c >= 0xFFF0 && c <= 0xFFFF))
      return false;
  }
  return true;
}

bool is_safe_link_url(std::string_view url) { return clean_link_url(url).has_value(); }

bool is_safe_media_url(std::string_view url) { return clean_media_url(url, true).has_value(); }

}  // namespace sx
