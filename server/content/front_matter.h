// Front matter: the data block at the head of a Markdown file, as Jekyll, Hugo and Zola write it.
//
//   ---  YAML  ---        +++  TOML  +++        { JSON }
//
// The result is one ordered tree whatever the notation, with line numbers of the file so that
// messages can point.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace sx {

struct FrontField;

struct FrontValue {
  enum class Kind { Null, Bool, Int, Float, String, Date, List, Map };
  Kind kind = Kind::Null;
  bool boolean = false;
  std::int64_t integer = 0;  // Int; Date: milliseconds since 1970 UTC
  double real = 0;
  std::string text;                // String; every scalar but a string: as it was written
  bool quoted = false;             // String: written in quotes, so no other reading is meant
  std::vector<FrontValue> items;   // List
  std::vector<FrontField> fields;  // Map, in order of appearance
  int line = 0, column = 0;        // 1-based, in the file

  bool is(Kind k) const { return kind == k; }
  // The field `name` of a Map, or nullptr. Names compare exactly.
  const FrontValue* find(std::string_view name) const;
  // Like find, ignoring ASCII case (Hugo's keys have none).
  const FrontValue* find_ignoring_case(std::string_view name) const;

  // Readings that forgive what people write: "yes", "on", "true" in quotes, 1.
  std::optional<bool> as_bool() const;
  // A scalar as text; nullopt for null, lists and maps.
  std::optional<std::string> as_text() const;
  // A date, or text that reads as one; nullopt if neither. Milliseconds since 1970 UTC.
  std::optional<std::int64_t> as_date_ms() const;
  // A list of scalars, or one scalar; with `split_words` a string is cut at commas, else at spaces
  // (Jekyll's "tags: one two"). Nulls and nested values are left out.
  std::vector<std::string> as_texts(bool split_words = false) const;
};

struct FrontField {
  std::string name;
  FrontValue value;
};

enum class FrontFormat { None, Yaml, Toml, Json };

struct FrontMatter {
  FrontFormat format = FrontFormat::None;
  FrontValue root;                    // a Map; empty for None
  std::string_view body;              // what follows, a view into the text given
  int body_line = 1;                  // the line where the body begins
  std::vector<std::string> warnings;  // "3:1: 'title' is given twice; the last one counts"
};

struct FrontLimits {
  std::size_t bytes_max = 256 * 1024;
  std::size_t depth_max = 32;
  std::size_t values_max = 20000;  // aliases count as often as they are used
};

// Splits `text` (which must outlive the result). A file without front matter is all body. The error
// of malformed front matter begins with "line:column: " and says what to do. A byte order mark and
// CRLF are accepted.
Result<FrontMatter> parse_front_matter(std::string_view text, const FrontLimits& limits = {});

struct ParsedDate {
  std::int64_t epoch_ms = 0;
  bool has_time = false;
  bool has_zone = false;  // without one the time is taken as UTC
};

// RFC 3339, "2024-01-02", "2024-1-2", "2024/01/02", "2024-01-02 10:00[:00[.123]]
// [+0200|+02:00|Z|UTC]", also with T. nullopt for everything else, also for days that do not exist.
std::optional<ParsedDate> parse_date(std::string_view text);

}  // namespace sx
