#include "engine/base/edit_distance.h"

#include <algorithm>
#include <cstring>

namespace sx {

int edit_distance(std::string_view a, std::string_view b, int limit) {
  const auto n = a.size(), m = b.size();
  if (n > 64 || m > 64 || (n > m ? n - m : m - n) > static_cast<std::size_t>(limit))
    return limit + 1;
  int before[65], previous[65], row[65];
  for (std::size_t j = 0; j <= m; ++j) previous[j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= n; ++i) {
    row[0] = static_cast<int>(i);
    for (std::size_t j = 1; j <= m; ++j) {
      row[j] = std::min(
          {previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::memcpy(before, previous, sizeof before);
    std::memcpy(previous, row, sizeof previous);
  }
  return std::min(previous[m], limit + 1);
}

}  // namespace sx
