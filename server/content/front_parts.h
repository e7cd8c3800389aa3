// What the readers of the three notations share. Included by front_*.cpp only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/content/front_matter.h"

namespace sx {

// "3:14: text".
std::string front_place(int line, int column, std::string_view text);

// Adds a field; a second one of the name replaces the first and leaves a warning.
void front_put(FrontValue& map, const std::string& name, FrontValue value, int line, int column,
               std::vector<std::string>& warnings);

// Decides what an unquoted YAML scalar is; value.text holds it.
void front_plain_scalar(FrontValue& value);

// Each reads the text between the fences, whose first line is `first_line` of the file.
Result<FrontValue> read_yaml(std::string_view text, int first_line, const FrontLimits& limits,
                             std::vector<std::string>& warnings);
Result<FrontValue> read_toml(std::string_view text, int first_line, const FrontLimits& limits,
                             std::vector<std::string>& warnings);
// `end`: where the object ends.
Result<FrontValue> read_json(std::string_view text, int first_line, const FrontLimits& limits,
                             std::vector<std::string>& warnings, std::size_t& end);

}  // namespace sx
