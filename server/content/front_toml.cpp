// TOML by toml++; its tables are sorted by name, so fields are put back into the order of the file.
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>
#include <chrono>

#include "engine/base/str.h"
#include "server/content/front_parts.h"

namespace sx {
namespace {

using Kind = FrontValue::Kind;

class TomlReader {
 public:
  TomlReader(std::string_view text, int first_line, const FrontLimits& limits)
      : first_line_(first_line), limits_(limits) {
    for (std::size_t at = 0; at <= text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      lines_.push_back(text.substr(at, end - at));
      at = end + 1;
    }
  }

  Result<FrontValue> table(const toml::table& from, std::size_t depth) {
    FrontValue value = at(from, Kind::Map);
    if (depth > limits_.depth_max) return too(value, "nested too deeply");
    for (const auto& [key, node] : from) {
      SX_TRY(FrontValue field, convert(node, depth + 1));
      field.line = line_of(key.source());
      field.column = static_cast<int>(key.source().begin.column);
      value.fields.push_back({std::string(key.str()), std::move(field)});
    }
    std::stable_sort(
        value.fields.begin(), value.fields.end(), [](const FrontField& a, const FrontField& b) {
          return std::pair(a.value.line, a.value.column) < std::pair(b.value.line, b.value.column);
        });
    return value;
  }

 private:
  int line_of(const toml::source_region& source) const {
    return first_line_ + static_cast<int>(source.begin.line) - 1;
  }

  FrontValue at(const toml::node& node, Kind kind) const {
    FrontValue value;
    value.kind = kind;
    value.line = line_of(node.source());
    value.column = static_cast<int>(node.source().begin.column);
    return value;
  }

  static Error too(const FrontValue& value, std::string_view what) {
    return Error{front_place(value.line, value.column, str("TOML: ", what))};
  }

  // The words of the file for a value on one line.
  std::string written(const toml::node& node) const {
    const toml::source_region& source = node.source();
    if (source.begin.line < 1 || source.begin.line != source.end.line ||
        source.begin.line > lines_.size())
      return {};
    const std::string_view line = lines_[source.begin.line - 1];
    const std::size_t begin = source.begin.column - 1;
    const std::size_t end = std::min<std::size_t>(source.end.column - 1, line.size());
    if (begin >= end) return {};
    std::string text(line.substr(begin, end - begin));
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
      text.pop_back();
    return text;
  }

  static std::string two(int n) { return str(n < 10 ? "0" : "", n); }
  static std::string date_text(const toml::date& d) {
    std::string year = std::to_string(d.year);
    return str(std::string(year.size() < 4 ? 4 - year.size() : 0, '0'), year, "-", two(d.month),
               "-", two(d.day));
  }
  static std::string time_text(const toml::time& t) {
    std::string out = str(two(t.hour), ":", two(t.minute), ":", two(t.second));
    if (const int ms = static_cast<int>(t.nanosecond / 1'000'000); ms != 0)
      out += str(".", ms < 100 ? "0" : "", ms < 10 ? "0" : "", ms);
    return out;
  }

  FrontValue date(const toml::node& node, std::string text) const {
    FrontValue value = at(node, Kind::Date);
    const auto parsed = parse_date(text);
    value.text = std::move(text);
    if (parsed) {
      value.integer = parsed->epoch_ms;
    } else {
      value.kind = Kind::String;
    }
    return value;
  }

  Result<FrontValue> convert(const toml::node& node, std::size_t depth) {
    if (++count_ > limits_.values_max) return too(at(node, Kind::Null), "too many values");
    if (const auto* from = node.as_table()) return table(*from, depth);
    if (const auto* from = node.as_array()) {
      FrontValue value = at(node, Kind::List);
      if (depth > limits_.depth_max) return too(value, "nested too deeply");
      for (const toml::node& item : *from) {
        SX_TRY(FrontValue converted, convert(item, depth + 1));
        value.items.push_back(std::move(converted));
      }
      return value;
    }
    FrontValue value = at(node, Kind::String);
    if (const auto* text = node.as_string()) {
      value.text = text->get();
      value.quoted = true;
    } else if (const auto* integer = node.as_integer()) {
      value.kind = Kind::Int;
      value.integer = integer->get();
      value.text = std::to_string(value.integer);
    } else if (const auto* real = node.as_floating_point()) {
      value.kind = Kind::Float;
      value.real = real->get();
      value.text = written(node);
      if (value.text.empty()) value.text = std::to_string(value.real);
    } else if (const auto* boolean = node.as_boolean()) {
      value.kind = Kind::Bool;
      value.boolean = boolean->get();
      value.text = value.boolean ? "true" : "false";
    } else if (const auto* day = node.as_date()) {
      return date(node, date_text(day->get()));
    } else if (const auto* time = node.as_time()) {
      value.text = time_text(time->get());
    } else if (const auto* moment = node.as_date_time()) {
      const toml::date_time& m = moment->get();
      std::string text = str(date_text(m.date), "T", time_text(m.time));
      if (m.offset) {
        const int minutes = m.offset->minutes;
        const int size = minutes < 0 ? -minutes : minutes;
        text +=
            minutes == 0 ? "Z" : str(minutes < 0 ? "-" : "+", two(size / 60), ":", two(size % 60));
      }
      return date(node, std::move(text));
    }
    return value;
  }

  const int first_line_;
  const FrontLimits& limits_;
  std::vector<std::string_view> lines_;
  std::size_t count_ = 0;
};

}  // namespace

Result<FrontValue> read_toml(std::string_view text, int first_line, const FrontLimits& limits,
                             std::vector<std::string>&) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    const toml::source_position place = error.source().begin;
    return Error{front_place(
        first_line + static_cast<int>(place.line) - 1, static_cast<int>(place.column),
        str("TOML: ", error.description(), "; fields are name = value, and text is in quotes"))};
  }
  return TomlReader(text, first_line, limits).table(parsed.table(), 0);
}

}  // namespace sx
