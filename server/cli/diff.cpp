#include "server/cli/diff.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine/base/str.h"

namespace sx::cli {

namespace {

// Lines shown around a change.
constexpr std::size_t kContext = 3;
// Larger differences are shown as one change: the table below would not fit.
constexpr std::size_t kTableMax = 16'000'000;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

struct Line {
  char mark;  // ' ' '-' '+'
  std::string_view text;
};

// The middle, by the longest common subsequence.
void compare(const std::vector<std::string_view>& a, const std::vector<std::string_view>& b,
             std::size_t from, std::size_t a_end, std::size_t b_end, std::vector<Line>& out) {
  const std::size_t rows = a_end - from, columns = b_end - from;
  if (rows * columns > kTableMax) {
    for (std::size_t i = from; i < a_end; ++i) out.push_back({'-', a[i]});
    for (std::size_t j = from; j < b_end; ++j) out.push_back({'+', b[j]});
    return;
  }
  std::vector<std::uint32_t> table((rows + 1) * (columns + 1));
  const auto at = [&](std::size_t i, std::size_t j) -> std::uint32_t& {
    return table[i * (columns + 1) + j];
  };
  for (std::size_t i = rows; i-- > 0;)
    for (std::size_t j = columns; j-- > 0;)
      at(i, j) =
          a[from + i] == b[from + j] ? at(i + 1, j + 1) + 1 : std::max(at(i + 1, j), at(i, j + 1));
  std::size_t i = 0, j = 0;
  while (i < rows || j < columns) {
    if (i < rows && j < columns && a[from + i] == b[from + j]) {
      out.push_back({' ', a[from + i]});
      ++i, ++j;
    } else if (i < rows && (j == columns || at(i + 1, j) >= at(i, j + 1))) {
      out.push_back({'-', a[from + i++]});
    } else {
      out.push_back({'+', b[from + j++]});
    }
  }
}

}  // namespace

std::string unified_diff(std::string_view before, std::string_view after, std::string_view name) {
  if (before == after) return {};
  const auto a = lines_of(before), b = lines_of(after);
  std::size_t start = 0, end = 0;
  while (start < a.size() && start < b.size() && a[start] == b[start]) ++start;
  while (end < a.size() - start && end < b.size() - start &&
         a[a.size() - 1 - end] == b[b.size() - 1 - end])
    ++end;
  std::vector<Line> lines;
  for (std::size_t i = 0; i < start; ++i) lines.push_back({' ', a[i]});
  compare(a, b, start, a.size() - end, b.size() - end, lines);
  for (std::size_t i = a.size() - end; i < a.size(); ++i) lines.push_back({' ', a[i]});

  std::string out = str("--- ", name, "\n+++ ", name, " (formatted)\n");
  const std::size_t head = out.size();
  std::size_t old_line = 1, new_line = 1;
  for (std::size_t at = 0; at < lines.size();) {
    if (lines[at].mark == ' ') {
      ++at, ++old_line, ++new_line;
      continue;
    }
    // From here changes that are near each other are one piece.
    const std::size_t first = at - std::min(at, kContext);
    std::size_t last = at;  // behind the last change
    for (std::size_t i = at; i < lines.size() && i < last + 2 * kContext + 1; ++i)
      if (lines[i].mark != ' ') last = i + 1;
    const std::size_t behind = std::min(last + kContext, lines.size());
    std::string body;
    std::size_t olds = 0, news = 0;
    for (std::size_t i = first; i < behind; ++i) {
      body += str(lines[i].mark, lines[i].text, "\n");
      olds += lines[i].mark != '+';
      news += lines[i].mark != '-';
    }
    out += str("@@ -", old_line - (at - first), ",", olds, " +", new_line - (at - first), ",", news,
               " @@\n", body);
    for (; at < behind; ++at) {
      old_line += lines[at].mark != '+';
      new_line += lines[at].mark != '-';
    }
  }
  if (out.size() == head) out += "  (spaces or line breaks at the end)\n";
  return out;
}

}  // namespace sx::cli
