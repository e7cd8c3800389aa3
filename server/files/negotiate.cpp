// See negotiate.h.
#include "server/files/negotiate.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

namespace sx {
namespace {

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

bool same(std::string_view a, std::string_view lower_case) {
  return a.size() == lower_case.size() &&
         std::equal(a.begin(), a.end(), lower_case.begin(), [](char x, char y) {
           return (x >= 'A' && x <= 'Z' ? static_cast<char>(x | 0x20) : x) == y;
         });
}

// A q-value in thousandths; what is no q-value counts as 0, so that garbage is never preferred.
int quality(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return 0;
  int value = (text[0] - '0') * 1000;
  if (text.size() == 1) return value;
  if (text[1] != '.') return 0;
  int unit = 100;
  for (const char c : text.substr(2)) {
    if (c < '0' || c > '9') return 0;
    value += (c - '0') * unit;
    unit /= 10;
  }
  return std::min(value, 1000);
}

struct TypeRow {
  std::string_view extension;
  std::string_view type;
};

constexpr TypeRow kTypes[] = {
    {"html", "text/html; charset=utf-8"},
    {"htm", "text/html; charset=utf-8"},
    {"js", "text/javascript; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"wasm", "application/wasm"},
    {"css", "text/css; charset=utf-8"},
    {"sx", "text/sx; charset=utf-8"},
    {"sxbc", "application/x-sxbc"},
    {"json", "application/json"},
    {"map", "application/json"},
    {"webmanifest", "application/manifest+json"},
    {"svg", "image/svg+xml; charset=utf-8"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"webp", "image/webp"},
    {"avif", "image/avif"},
    {"gif", "image/gif"},
    {"ico", "image/x-icon"},
    {"txt", "text/plain; charset=utf-8"},
    {"md", "text/markdown; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"xml", "application/xml; charset=utf-8"},
    {"woff2", "font/woff2"},
    {"woff", "font/woff"},
    {"ttf", "font/ttf"},
    {"pdf", "application/pdf"},
    {"mp3", "audio/mpeg"},
    {"ogg", "audio/ogg"},
    {"mp4", "video/mp4"},
    {"webm", "video/webm"},
};

constexpr std::string_view kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

std::string_view encoding_name(Encoding encoding) {
  switch (encoding) {
    case Encoding::Brotli:
      return "br";
    case Encoding::Zstd:
      return "zstd";
    case Encoding::Gzip:
      return "gzip";
    case Encoding::Identity:
      break;
  }
  return "identity";
}

std::string_view encoding_extension(Encoding encoding) {
  switch (encoding) {
    case Encoding::Brotli:
      return ".br";
    case Encoding::Zstd:
      return ".zst";
    case Encoding::Gzip:
      return ".gz";
    case Encoding::Identity:
      break;
  }
  return "";
}

AcceptedEncodings accepted_encodings(const std::string* accept_encoding) {
  AcceptedEncodings out;
  if (!accept_encoding) return out;
  constexpr int kUnsaid = -1;
  std::array<int, kEncodings + 1> q{kUnsaid, kUnsaid, kUnsaid, kUnsaid};
  int rest = kUnsaid;
  std::string_view list = *accept_encoding;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::string_view item = trim(list.substr(0, comma));
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    int value = 1000;
    if (const std::size_t semicolon = item.find(';'); semicolon != std::string_view::npos) {
      const std::string_view parameter = trim(item.substr(semicolon + 1));
      item = trim(item.substr(0, semicolon));
      value = parameter.size() > 2 && (parameter[0] | 0x20) == 'q' && parameter[1] == '='
                  ? quality(parameter.substr(2))
                  : 0;
    }
    if (item == "*") rest = value;
    if (same(item, "br")) q[0] = value;
    if (same(item, "zstd")) q[1] = value;
    if (same(item, "gzip") || same(item, "x-gzip")) q[2] = value;
    if (same(item, "identity")) q[3] = value;
  }
  // Plain bytes nobody spoke of are acceptable, but the last choice.
  const int plain = q[3] == kUnsaid ? 0 : q[3];
  for (std::size_t i = 0; i < kEncodings; ++i) {
    if (q[i] == kUnsaid) q[i] = rest == kUnsaid ? 0 : rest;
    if (q[i] > 0 && q[i] >= plain) out.order[out.count++] = static_cast<Encoding>(i);
  }
  std::stable_sort(out.order.begin(), out.order.begin() + static_cast<std::ptrdiff_t>(out.count),
                   [&](Encoding a, Encoding b) {
                     return q[static_cast<std::size_t>(a)] > q[static_cast<std::size_t>(b)];
                   });
  return out;
}

std::string_view content_type_for(std::string_view file_name) {
  const std::size_t dot = file_name.rfind('.');
  if (dot != std::string_view::npos) {
    const std::string_view extension = file_name.substr(dot + 1);
    for (const TypeRow& row : kTypes)
      if (same(extension, row.extension)) return row.type;
  }
  return "application/octet-stream";
}

bool compressible(std::string_view content_type) {
  const std::string_view type = trim(content_type.substr(0, content_type.find(';')));
  if (type.size() > 5 && same(type.substr(0, 5), "text/")) return true;
  for (const std::string_view other :
       {"application/json", "application/javascript", "application/wasm", "application/xml",
        "application/x-sxbc", "application/manifest+json", "application/feed+json",
        "application/rss+xml", "application/atom+xml", "application/activity+json",
        "application/ld+json", "image/svg+xml", "image/x-icon", "font/ttf"})
    if (same(type, other)) return true;
  return false;
}

bool etag_listed(std::string_view list, std::string_view etag) {
  if (trim(list) == "*") return true;
  if (etag.substr(0, 2) == "W/") etag.remove_prefix(2);
  // Entity tags may contain commas, so the list is read quote by quote.
  for (;;) {
    const std::size_t open = list.find('"');
    if (open == std::string_view::npos) return false;
    const std::size_t close = list.find('"', open + 1);
    if (close == std::string_view::npos) return false;
    if (list.substr(open, close + 1 - open) == etag) return true;
    list.remove_prefix(close + 1);
  }
}

std::string http_date(std::int64_t unix_seconds) {
  const std::time_t seconds = unix_seconds;
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[tm.tm_wday].data(),
                tm.tm_mday, kMonths[tm.tm_mon].data(), tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
                tm.tm_sec);
  return text;
}

namespace {

// The parts of a date at their places in one of the three forms. False: that is not its form.
bool read_date(std::string_view text, std::size_t day, std::size_t month, std::size_t year,
               std::size_t year_digits, std::size_t time, std::tm& tm) {
  const auto number = [&](std::size_t at, std::size_t digits) {
    int value = 0;
    for (std::size_t i = at; i < at + digits; ++i) {
      const char c = text[i] == ' ' && i == at ? '0' : text[i];
      if (c < '0' || c > '9') return -1;
      value = value * 10 + (c - '0');
    }
    return value;
  };
  tm.tm_mday = number(day, 2);
  tm.tm_year = number(year, year_digits);
  tm.tm_hour = number(time, 2);
  tm.tm_min = number(time + 3, 2);
  tm.tm_sec = number(time + 6, 2);
  tm.tm_mon = -1;
  for (int i = 0; i < 12; ++i)
    if (text.substr(month, 3) == kMonths[i]) tm.tm_mon = i;
  return text[time + 2] == ':' && text[time + 5] == ':' && tm.tm_mon >= 0 && tm.tm_mday >= 1 &&
         tm.tm_mday <= 31 && tm.tm_year >= 0 && tm.tm_hour >= 0 && tm.tm_hour <= 23 &&
         tm.tm_min >= 0 && tm.tm_min <= 59 && tm.tm_sec >= 0 && tm.tm_sec <= 60;
}

}  // namespace

std::optional<std::int64_t> parse_http_date(std::string_view text) {
  text = trim(text);
  std::tm tm{};
  const std::size_t comma = text.find(',');
  if (text.size() == 29 && comma == 3 && text.substr(25) == " GMT") {
    // Sun, 06 Nov 1994 08:49:37 GMT
    if (!read_date(text, 5, 8, 12, 4, 17, tm)) return std::nullopt;
    tm.tm_year -= 1900;
  } else if (comma != std::string_view::npos && comma >= 6 && text.size() == comma + 24 &&
             text.substr(comma + 20) == " GMT") {
    // Sunday, 06-Nov-94 08:49:37 GMT: a year that seems far in the future is one of the past.
    if (!read_date(text, comma + 2, comma + 5, comma + 9, 2, comma + 12, tm)) return std::nullopt;
    const std::time_t now = std::time(nullptr);
    std::tm today{};
    gmtime_r(&now, &today);
    tm.tm_year += today.tm_year / 100 * 100;
    if (tm.tm_year > today.tm_year + 50) tm.tm_year -= 100;
  } else if (text.size() == 24 && comma == std::string_view::npos) {
    // Sun Nov  6 08:49:37 1994
    if (!read_date(text, 8, 4, 20, 4, 11, tm)) return std::nullopt;
    tm.tm_year -= 1900;
  } else {
    return std::nullopt;
  }
  return timegm(&tm);
}

}  // namespace sx
