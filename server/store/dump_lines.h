// One line of an export: made of fields, and read back into them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "engine/base/result.h"

namespace sx::store {

inline constexpr std::string_view kExportFormat = "sx-store-export";
inline constexpr std::int64_t kExportVersion = 1;

std::string base64(std::string_view bytes);
bool unbase64(std::string_view text, std::string& out);  // false: it is none

// A flat JSON object: names to texts or numbers.
using JsonFields = std::map<std::string, std::variant<std::string, std::int64_t>, std::less<>>;
Result<JsonFields> parse_json_fields(std::string_view line);

// One line in the making.
class Line {
 public:
  Line& number(std::string_view name, std::uint64_t n) { return raw(name, std::to_string(n)); }
  Line& number(std::string_view name, std::int64_t n) { return raw(name, std::to_string(n)); }
  // A text as it is, or, when it is not UTF-8, in base64 under the name with 64 behind it.
  Line& text(std::string_view name, std::string_view text);
  std::string take() { return out_ + "}\n"; }

 private:
  Line& raw(std::string_view name, std::string_view value);
  std::string out_;
};

// A line's fields, and the first thing wrong with them.
class Fields {
 public:
  explicit Fields(JsonFields fields) : fields_(std::move(fields)) {}

  bool has(std::string_view name) const;
  // Of a field that is missing or of another kind: nothing, and a complaint.
  std::string text(std::string_view name);
  std::int64_t number(std::string_view name);
  std::uint64_t count(std::string_view name);
  const std::string& complaint() const { return complaint_; }

 private:
  void complain(std::string what);
  JsonFields fields_;
  std::string complaint_;
};

}  // namespace sx::store
