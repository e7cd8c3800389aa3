// Lines of the Prometheus text exposition format, for everything that /metrics says.
#pragma once

#include <charconv>
#include <string>
#include <string_view>

#include "engine/base/str.h"

namespace sx {

enum class MetricType { Counter, Gauge };

// One metric without labels: its help, its type and its value.
template <class Number>
void append_metric(std::string& out, std::string_view name, MetricType type, std::string_view help,
                   Number value) {
  char text[40];
  const auto end = [&] {
    if constexpr (std::is_floating_point_v<Number>)
      return std::to_chars(text, text + sizeof text, value, std::chars_format::general, 15).ptr;
    else
      return std::to_chars(text, text + sizeof text, value).ptr;
  }();
  out += str("# HELP ", name, " ", help, "\n# TYPE ", name,
             type == MetricType::Counter ? " counter\n" : " gauge\n", name, " ",
             std::string_view(text, static_cast<std::size_t>(end - text)), "\n");
}

}  // namespace sx
