// Finding the block, reading it by its notation, and the readings of single values.
#include "server/content/front_matter.h"

#include <algorithm>
#include <cstdlib>
#include <initializer_list>

#include "engine/base/str.h"
#include "server/content/front_parts.h"
#include "server/content/utf8.h"

namespace sx {
namespace {

using Kind = FrontValue::Kind;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool one_of(std::string_view text, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

// The line that begins at `at`, without its end; `next` becomes the start of the one after.
std::string_view line_at(std::string_view text, std::size_t at, std::size_t& next) {
  const std::size_t end = text.find('\n', at);
  next = end == std::string_view::npos ? text.size() : end + 1;
  std::string_view line = text.substr(at, end == std::string_view::npos ? end : end - at);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

std::string_view without_trailing_space(std::string_view line) {
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
  return line;
}

// Days since 1970-01-01 (Howard Hinnant's days_from_civil).
std::int64_t days_from_civil(std::int64_t year, int month, int day) {
  year -= month <= 2;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

// A cursor over the text of a date.
struct DateText {
  std::string_view rest;

  bool take(char c) {
    if (rest.empty() || rest.front() != c) return false;
    rest.remove_prefix(1);
    return true;
  }
  // `low` to `high` digits; -1 if there are fewer.
  int digits(std::size_t low, std::size_t high) {
    std::size_t count = 0;
    int n = 0;
    while (count < high && count < rest.size() && is_digit(rest[count]))
      n = n * 10 + (rest[count++] - '0');
    if (count < low) return -1;
    rest.remove_prefix(count);
    return n;
  }
};

// "Z", "UTC", "GMT", "+0200", "+02:00", "+02"; minutes east of Greenwich.
std::optional<int> zone_minutes(DateText& in) {
  for (std::string_view name : {"UTC", "GMT", "Z", "z"}) {
    if (in.rest.substr(0, name.size()) == name) {
      in.rest.remove_prefix(name.size());
      return 0;
    }
  }
  const bool west = in.take('-');
  if (!west && !in.take('+')) return std::nullopt;
  const int hours = in.digits(2, 2);
  int minutes = 0;
  if (in.take(':') || (!in.rest.empty() && is_digit(in.rest.front()))) minutes = in.digits(2, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return std::nullopt;
  return (west ? -1 : 1) * (hours * 60 + minutes);
}

}  // namespace

std::string front_place(int line, int column, std::string_view text) {
  return str(line, ":", column, ": ", text);
}

void front_put(FrontValue& map, const std::string& name, FrontValue value, int line, int column,
               std::vector<std::string>& warnings) {
  // Whoever repeats a name meant the later line. Quadratic only in the number of fields of one map,
  // which the limits bound.
  for (FrontField& field : map.fields) {
    if (field.name != name) continue;
    warnings.push_back(
        front_place(line, column, str("'", name, "' is given twice; the last one counts")));
    field.value = std::move(value);
    return;
  }
  map.fields.push_back({name, std::move(value)});
}

void front_plain_scalar(FrontValue& value) {
  const std::string& text = value.text;
  value.kind = Kind::String;
  if (text.empty() || one_of(text, {"~", "null", "Null", "NULL"})) {
    value.kind = Kind::Null;
    return;
  }
  if (one_of(text, {"true", "True", "TRUE", "false", "False", "FALSE"})) {
    value.kind = Kind::Bool;
    value.boolean = text[0] == 't' || text[0] == 'T';
    return;
  }
  if (const auto date = parse_date(text); date && text.size() >= 8) {
    value.kind = Kind::Date;
    value.integer = date->epoch_ms;
    return;
  }
  const char first = text[0];
  if (!is_digit(first) && first != '-' && first != '+' && first != '.') return;
  if (text.find_first_not_of("0123456789+-.eE") != std::string::npos) return;
  char* end = nullptr;
  if (text.find_first_of(".eE") == std::string::npos) {
    // "007" is text: a postal code, a version, never eight in octal.
    const std::size_t at = first == '-' || first == '+' ? 1 : 0;
    if (text.size() - at > 18 || text.size() == at || (text[at] == '0' && text.size() > at + 1))
      return;
    const long long n = std::strtoll(text.c_str(), &end, 10);
    if (*end != '\0') return;
    value.kind = Kind::Int;
    value.integer = n;
  } else {
    const double n = std::strtod(text.c_str(), &end);
    if (*end != '\0' || end == text.c_str()) return;
    value.kind = Kind::Float;
    value.real = n;
  }
}

const FrontValue* FrontValue::find(std::string_view name) const {
  for (const FrontField& field : fields)
    if (field.name == name) return &field.value;
  return nullptr;
}

const FrontValue* FrontValue::find_ignoring_case(std::string_view name) const {
  if (const FrontValue* exact = find(name)) return exact;
  const std::string wanted = lower(name);
  for (const FrontField& field : fields)
    if (lower(field.name) == wanted) return &field.value;
  return nullptr;
}

std::optional<bool> FrontValue::as_bool() const {
  switch (kind) {
    case Kind::Bool:
      return boolean;
    case Kind::Int:
      if (integer == 0 || integer == 1) return integer == 1;
      return std::nullopt;
    case Kind::String: {
      const std::string word = lower(trim(text));
      if (one_of(word, {"true", "yes", "on", "y", "1"})) return true;
      if (one_of(word, {"false", "no", "off", "n", "0"})) return false;
      return std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

std::optional<std::string> FrontValue::as_text() const {
  switch (kind) {
    case Kind::Null:
    case Kind::List:
    case Kind::Map:
      return std::nullopt;
    default:
      return text;
  }
}

std::optional<std::int64_t> FrontValue::as_date_ms() const {
  if (kind == Kind::Date) return integer;
  if (kind != Kind::String) return std::nullopt;
  const auto parsed = parse_date(text);
  if (!parsed) return std::nullopt;
  return parsed->epoch_ms;
}

std::vector<std::string> FrontValue::as_texts(bool split_words) const {
  std::vector<std::string> out;
  const auto add = [&](std::string_view part) {
    part = trim(part);
    if (!part.empty() && std::find(out.begin(), out.end(), part) == out.end())
      out.emplace_back(part);
  };
  if (kind == Kind::List) {
    for (const FrontValue& item : items)
      if (const auto text_of_item = item.as_text()) add(*text_of_item);
    return out;
  }
  const auto whole = as_text();
  if (!whole) return out;
  if (!split_words) {
    add(*whole);
    return out;
  }
  const char* separators = whole->find(',') != std::string::npos ? "," : " \t\n";
  for (std::size_t at = 0; at <= whole->size();) {
    const std::size_t end = std::min(whole->find_first_of(separators, at), whole->size());
    add(std::string_view(*whole).substr(at, end - at));
    at = end + 1;
  }
  return out;
}

Result<FrontMatter> parse_front_matter(std::string_view text, const FrontLimits& limits) {
  FrontMatter out;
  out.root.kind = Kind::Map;
  out.root.line = out.root.column = 1;
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  out.body = text;
  // Blank lines before the block are common and harmless.
  std::size_t start = 0, next = 0;
  int line = 1;
  while (start < text.size()) {
    const std::string_view blank = line_at(text, start, next);
    if (!trim(blank).empty()) break;
    start = next;
    ++line;
  }
  const std::string_view first = without_trailing_space(line_at(text, start, next));
  if (!first.empty() && first[0] == '{') {
    // A body may begin with "{{" (a shortcode) or "{%" (Liquid): only { and a name is an object.
    const std::size_t inside = text.find_first_not_of(" \t\r\n", start + 1);
    if (inside == std::string_view::npos || (text[inside] != '"' && text[inside] != '}'))
      return out;
    std::size_t end = 0;
    SX_TRY(out.root, read_json(text.substr(start), line, limits, out.warnings, end));
    out.format = FrontFormat::Json;
    const std::string_view head = text.substr(start, end);
    out.body_line = line + static_cast<int>(std::count(head.begin(), head.end(), '\n'));
    std::size_t body = start + end;
    std::size_t after = 0;
    if (trim(line_at(text, body, after)).empty()) {
      if (after > body) ++out.body_line;
      body = after;
    }
    out.body = text.substr(body);
    return out;
  }
  if (first != "---" && first != "+++") return out;
  const bool yaml = first == "---";
  const std::size_t block = next;
  const int block_line = line + 1;
  for (std::size_t at = block; at < text.size();) {
    const std::string_view here = without_trailing_space(line_at(text, at, next));
    ++line;
    if (here == first || (yaml && here == "...")) {
      const std::string_view inside = text.substr(block, at - block);
      if (inside.size() > limits.bytes_max)
        return Error{front_place(1, 1,
                                 str("the front matter has ", inside.size(), " bytes; at most ",
                                     limits.bytes_max, " are read"))};
      out.format = yaml ? FrontFormat::Yaml : FrontFormat::Toml;
      out.body = text.substr(next);
      out.body_line = line + 1;
      if (!is_valid_utf8(inside))
        return Error{
            front_place(block_line, 1, "the front matter is not UTF-8; save the file as UTF-8")};
      if (yaml) {
        SX_TRY(out.root, read_yaml(inside, block_line, limits, out.warnings));
      } else {
        SX_TRY(out.root, read_toml(inside, block_line, limits, out.warnings));
      }
      return out;
    }
    at = next;
  }
  // A thematic break at the head of a text without front matter looks the same.
  const std::string_view second = trim(line_at(text, block, next));
  if (yaml && (second.empty() || second.find(':') == std::string_view::npos)) return out;
  return Error{front_place(
      block_line - 1, 1,
      str("the front matter is not closed: a line ", first, " must follow the fields"))};
}

std::optional<ParsedDate> parse_date(std::string_view text) {
  DateText in{trim(text)};
  ParsedDate out;
  if (in.rest.size() < 8 || in.rest.size() > 64) return std::nullopt;
  const int year = in.digits(4, 4);
  if (year < 0 || in.rest.empty()) return std::nullopt;
  const char separator = in.rest.front();
  if ((separator != '-' && separator != '/') || !in.take(separator)) return std::nullopt;
  const int month = in.digits(1, 2);
  if (!in.take(separator)) return std::nullopt;
  const int day = in.digits(1, 2);
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12 || day < 1) return std::nullopt;
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  if (day > kDays[month - 1] + (month == 2 && leap ? 1 : 0)) return std::nullopt;
  out.epoch_ms = days_from_civil(year, month, day) * 86'400'000;
  if (in.rest.empty()) return out;

  if (!in.take('T') && !in.take('t') && !in.take(' ')) return std::nullopt;
  while (in.take(' ')) {
  }
  const int hour = in.digits(1, 2);
  if (hour < 0 || hour > 23 || !in.take(':')) return std::nullopt;
  const int minute = in.digits(2, 2);
  int second = 0, milliseconds = 0;
  if (in.take(':')) {
    second = in.digits(2, 2);
    if (in.take('.') || in.take(',')) {
      int scale = 100;
      bool any = false;
      while (!in.rest.empty() && is_digit(in.rest.front())) {
        milliseconds += (in.rest.front() - '0') * scale;
        scale /= 10;
        any = true;
        in.rest.remove_prefix(1);
      }
      if (!any) return std::nullopt;
    }
  }
  if (minute < 0 || minute > 59 || second < 0 || second > 60) return std::nullopt;
  out.has_time = true;
  out.epoch_ms += ((hour * 60 + minute) * 60 + second) * std::int64_t{1000} + milliseconds;
  while (in.take(' ')) {
  }
  if (in.rest.empty()) return out;
  const auto zone = zone_minutes(in);
  if (!zone) return std::nullopt;
  out.has_zone = true;
  out.epoch_ms -= *zone * std::int64_t{60'000};
  // Ruby and Go write "+0000 UTC" and "+0100 CET"; the number has said it already.
  while (in.take(' ')) {
  }
  for (char c : in.rest)
    if (!((c >= 'A' && c <= 'Z') && in.rest.size() <= 5)) return std::nullopt;
  return out;
}

}  // namespace sx
