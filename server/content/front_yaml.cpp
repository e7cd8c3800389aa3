// YAML by libyaml's event interface: no object is built that was not asked for, aliases are copied
// under the same limit of values as everything else, so a bomb of aliases goes off small.
#include <yaml.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/base/str.h"
#include "server/content/front_parts.h"

namespace sx {
namespace {

class YamlReader {
 public:
  YamlReader(std::string_view text, int first_line, const FrontLimits& limits,
             std::vector<std::string>& warnings)
      : first_line_(first_line), limits_(limits), warnings_(warnings) {
    started_ = yaml_parser_initialize(&parser_) != 0;
    if (!started_) return;
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  ~YamlReader() {
    if (have_event_) yaml_event_delete(&event_);
    if (started_) yaml_parser_delete(&parser_);
  }
  YamlReader(const YamlReader&) = delete;
  YamlReader& operator=(const YamlReader&) = delete;

  Result<FrontValue> read() {
    if (!started_) return Error{"no memory for a YAML parser"};
    SX_CHECK(next());  // stream start
    SX_CHECK(next());
    FrontValue root;
    root.kind = FrontValue::Kind::Map;
    root.line = first_line_;
    root.column = 1;
    if (event_.type == YAML_STREAM_END_EVENT) return root;  // nothing between the lines
    SX_CHECK(next());
    SX_TRY(FrontValue value, node(0));
    if (value.is(FrontValue::Kind::Null)) return root;
    if (!value.is(FrontValue::Kind::Map))
      return Error{front_place(value.line, value.column,
                               "front matter must be fields like \"title: Hello\", found a list or "
                               "a single value")};
    return value;
  }

 private:
  int line_of(const yaml_mark_t& mark) const { return first_line_ + static_cast<int>(mark.line); }
  static int column_of(const yaml_mark_t& mark) { return static_cast<int>(mark.column) + 1; }

  Error here(std::string_view text) const {
    return Error{front_place(line_of(event_.start_mark), column_of(event_.start_mark), text)};
  }

  Result<void> next() {
    if (have_event_) yaml_event_delete(&event_);
    have_event_ = false;
    if (yaml_parser_parse(&parser_, &event_) == 0) return syntax_error();
    have_event_ = true;
    return {};
  }

  Error syntax_error() const {
    const yaml_mark_t mark = parser_.problem_mark;
    const std::string problem = parser_.problem ? parser_.problem : "cannot be read";
    std::string advice = "put the value in quotes if it holds : # [ { or begins with @ ` % & *";
    if (problem.find("character that cannot start any token") != std::string::npos)
      advice = "indent with spaces, not tabs, and quote values that begin with @ ` or %";
    else if (problem.find("mapping values are not allowed") != std::string::npos)
      advice = "a value with \": \" in it needs quotes";
    else if (problem.find("could not find expected ':'") != std::string::npos)
      advice = "every line is \"name: value\"; longer text needs quotes or \"|\"";
    else if (problem.find("quoted scalar") != std::string::npos ||
             problem.find("unexpected end of stream") != std::string::npos)
      advice = "close the quotes";
    else if (problem.find("expected ',' or") != std::string::npos)
      advice = "close the bracket";
    if (parser_.error == YAML_READER_ERROR)
      return Error{front_place(first_line_, 1,
                               str("YAML: ", problem,
                                   "; save the file as UTF-8 "
                                   "without control characters"))};
    return Error{front_place(line_of(mark), column_of(mark), str("YAML: ", problem, "; ", advice))};
  }

  Result<void> count(std::size_t values) {
    count_ += values;
    if (count_ > limits_.values_max)
      return here(str("more than ", limits_.values_max, " values; aliases count each time"));
    return {};
  }

  static std::size_t size_of(const FrontValue& value) {
    std::size_t size = 1;
    for (const FrontValue& item : value.items) size += size_of(item);
    for (const FrontField& field : value.fields) size += size_of(field.value);
    return size;
  }

  // The value that begins with the current event; leaves its last event current.
  Result<FrontValue> node(std::size_t depth) {
    if (depth > limits_.depth_max)
      return here(str("nested deeper than ", limits_.depth_max, " levels"));
    FrontValue value;
    value.line = line_of(event_.start_mark);
    value.column = column_of(event_.start_mark);
    std::string anchor;
    switch (event_.type) {
      case YAML_ALIAS_EVENT: {
        const std::string name(reinterpret_cast<const char*>(event_.data.alias.anchor));
        const auto found = anchors_.find(name);
        if (found == anchors_.end())
          return here(str("*", name, " refers to nothing; put the value in quotes if it is text"));
        const std::size_t size = size_of(found->second);
        SX_CHECK(count(size));
        bytes_ += text_size(found->second);
        if (bytes_ > 4 * limits_.bytes_max) return here("aliases make the front matter too large");
        FrontValue copy = found->second;
        copy.line = value.line;
        copy.column = value.column;
        return copy;
      }
      case YAML_SCALAR_EVENT: {
        SX_CHECK(count(1));
        const auto& scalar = event_.data.scalar;
        if (scalar.anchor) anchor = reinterpret_cast<const char*>(scalar.anchor);
        value.text.assign(reinterpret_cast<const char*>(scalar.value), scalar.length);
        const std::string tag =
            scalar.tag ? reinterpret_cast<const char*>(scalar.tag) : std::string();
        const bool quoted = scalar.style != YAML_PLAIN_SCALAR_STYLE || tag == YAML_STR_TAG;
        if (quoted) {
          value.kind = FrontValue::Kind::String;
          value.quoted = true;
        } else {
          front_plain_scalar(value);
        }
        break;
      }
      case YAML_SEQUENCE_START_EVENT: {
        SX_CHECK(count(1));
        value.kind = FrontValue::Kind::List;
        if (event_.data.sequence_start.anchor)
          anchor = reinterpret_cast<const char*>(event_.data.sequence_start.anchor);
        SX_CHECK(next());
        while (event_.type != YAML_SEQUENCE_END_EVENT) {
          SX_TRY(FrontValue item, node(depth + 1));
          value.items.push_back(std::move(item));
          SX_CHECK(next());
        }
        break;
      }
      case YAML_MAPPING_START_EVENT: {
        SX_CHECK(count(1));
        value.kind = FrontValue::Kind::Map;
        if (event_.data.mapping_start.anchor)
          anchor = reinterpret_cast<const char*>(event_.data.mapping_start.anchor);
        SX_CHECK(next());
        std::vector<FrontValue> merged;
        while (event_.type != YAML_MAPPING_END_EVENT) {
          const int line = line_of(event_.start_mark), column = column_of(event_.start_mark);
          SX_TRY(const FrontValue key, node(depth + 1));
          const auto name = key.as_text();
          if (!name && !key.is(FrontValue::Kind::Null))
            return Error{
                front_place(line, column, "a field name must be text; put quotes around it")};
          SX_CHECK(next());
          SX_TRY(FrontValue field, node(depth + 1));
          SX_CHECK(next());
          if (name == "<<" && !key.quoted) {
            merged.push_back(std::move(field));
            continue;
          }
          front_put(value, name ? *name : "null", std::move(field), line, column, warnings_);
        }
        for (const FrontValue& from : merged) merge(value, from);
        break;
      }
      default:
        return here("YAML: a value was expected");
    }
    if (!anchor.empty()) anchors_[anchor] = value;
    return value;
  }

  static std::size_t text_size(const FrontValue& value) {
    std::size_t size = value.text.size();
    for (const FrontValue& item : value.items) size += text_size(item);
    for (const FrontField& field : value.fields) size += field.name.size() + text_size(field.value);
    return size;
  }

  // "<<: *defaults": fields that the map does not have itself.
  static void merge(FrontValue& into, const FrontValue& from) {
    for (const FrontField& field : from.fields)
      if (into.find(field.name) == nullptr) into.fields.push_back(field);
    for (const FrontValue& item : from.items) merge(into, item);
  }

  yaml_parser_t parser_;
  yaml_event_t event_;
  bool started_ = false, have_event_ = false;
  const int first_line_;
  const FrontLimits& limits_;
  std::vector<std::string>& warnings_;
  std::map<std::string, FrontValue> anchors_;
  std::size_t count_ = 0, bytes_ = 0;
};

}  // namespace

Result<FrontValue> read_yaml(std::string_view text, int first_line, const FrontLimits& limits,
                             std::vector<std::string>& warnings) {
  return YamlReader(text, first_line, limits, warnings).read();
}

}  // namespace sx
