// How an error is shown to a person: what is wrong and where, the backtrace, the line of source.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "server/cli/cli.h"

namespace sx::cli {

namespace {

// "file:line:column" in an error's text.
struct Place {
  std::string file;
  long line = 0, column = 0;
  std::size_t start = 0, end = 0;
};

std::size_t digits(std::string_view text, std::size_t at) {
  std::size_t n = 0;
  while (at + n < text.size() && n < 9 && text[at + n] >= '0' && text[at + n] <= '9') ++n;
  return n;
}

long number(std::string_view text, std::size_t at, std::size_t n) {
  return std::strtol(std::string(text.substr(at, n)).c_str(), nullptr, 10);
}

// The first place at or after `from`, if there is one.
std::optional<Place> find_place(std::string_view text, std::size_t from) {
  for (std::size_t at = text.find(':', from); at != std::string_view::npos;
       at = text.find(':', at + 1)) {
    const std::size_t line = digits(text, at + 1);
    const std::size_t second = at + 1 + line;
    if (line == 0 || second >= text.size() || text[second] != ':') continue;
    const std::size_t column = digits(text, second + 1);
    if (column == 0) continue;
    std::size_t start = at;
    while (start > from && !std::strchr(" (\n", text[start - 1])) --start;
    return Place{std::string(text.substr(start, at - start)), number(text, at + 1, line),
                 number(text, second + 1, column), start, second + 1 + column};
  }
  return std::nullopt;
}

// "app.sx:1:6: lib.sx:4:8: Unbound name: y\n  in: …": the error is in the last of the files, the
// others use it. Told in this order, without the forms that only say who uses whom.
std::string innermost_first(std::string_view text) {
  std::vector<Place> chain;
  std::size_t message = 0;
  while (const auto place = find_place(text, message)) {
    if (place->start != message || text.substr(place->end, 2) != ": ") break;
    chain.push_back(*place);
    message = place->end + 2;
  }
  if (chain.size() < 2) return std::string(text);
  const std::size_t end = std::min(text.find('\n', message), text.size());
  const Place& last = chain.back();
  std::string out =
      str(last.file, ":", last.line, ":", last.column, ": ", text.substr(message, end - message));
  // The innermost form comes first, then one for each file that uses another.
  std::vector<std::string_view> lines;
  for (std::size_t from = end + 1; from < text.size();) {
    const std::size_t stop = std::min(text.find('\n', from), text.size());
    lines.push_back(text.substr(from, stop - from));
    from = stop + 1;
  }
  std::size_t users = 0;
  for (const std::string_view line : lines) users += line.substr(0, 6) == "  in: ";
  std::size_t shown = users >= chain.size() ? 1 : 0;
  for (const std::string_view line : lines) {
    const bool form = line.substr(0, 6) == "  in: ";
    if (form && shown == 0) continue;
    if (form) --shown;
    out += str("\n", line);
  }
  for (std::size_t i = chain.size() - 1; i-- > 0;)
    out += str("\n  used at ", chain[i].file, ":", chain[i].line, ":", chain[i].column);
  return out;
}

// Frames of a recursion are one line with their number.
std::string without_repetitions(std::string_view text) {
  std::string out;
  std::string_view last;
  std::size_t times = 0;
  const auto flush = [&] {
    if (times == 0) return;
    if (last.starts_with("  at … ")) {  // what the backtrace leaves out
      out += str("\n  ", last.substr(5));
    } else {
      out += str(out.empty() ? "" : "\n", last);
    }
    if (times > 1) out += str(", ", times, " times");
  };
  while (true) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (times > 0 && line == last && line.substr(0, 5) == "  at ") {
      ++times;
    } else {
      flush();
      last = line;
      times = 1;
    }
    if (end == text.size()) break;
    text.remove_prefix(end + 1);
  }
  flush();
  return out;
}

std::optional<std::string> line_of(const std::string& source, long line) {
  std::istringstream in(source);
  std::string found;
  for (long at = 0; at < line; ++at)
    if (!std::getline(in, found)) return std::nullopt;
  while (!found.empty() && found.back() == '\r') found.pop_back();
  return found;
}

// The line with a mark under the column. Of a very long line a part.
std::string shown_line(std::string line, long number, long column) {
  constexpr std::size_t kShown = 160;
  std::size_t before = static_cast<std::size_t>(column > 0 ? column - 1 : 0);
  if (utf8_valid(line) && utf8_count(line) > kShown) {
    const std::size_t skip = before > kShown / 2 ? before - kShown / 2 : 0;
    std::size_t from = 0;
    for (std::size_t i = 0; i < skip && from < line.size(); ++i) utf8_decode(line, from);
    std::size_t to = from;
    for (std::size_t i = 0; i < kShown && to < line.size(); ++i) utf8_decode(line, to);
    line = str(from > 0 ? "…" : "", line.substr(from, to - from), to < line.size() ? "…" : "");
    before = before - skip + (from > 0 ? 1 : 0);
  }
  char margin[16];
  std::snprintf(margin, sizeof margin, "%6ld | ", number);
  // A tab is as wide in both lines.
  std::string space;
  std::size_t at = 0;
  for (std::size_t i = 0; i < before; ++i)
    space += at < line.size() && utf8_decode_lossy(line, at) == '\t' ? '\t' : ' ';
  return str(margin, line, "\n       | ", space, "^");
}

}  // namespace

void report_error(std::string_view error, const SourceOf& source_of) {
  const std::string text = without_repetitions(innermost_first(error));
  std::fprintf(stderr, "error: %s\n", text.c_str());
  if (text.starts_with("The depth limit of this run"))
    std::fprintf(stderr, "  calls nest deeper than that: does the recursion end?\n");
  // The line that the first place names is shown; one of the program rather than of the libraries
  // that every program calls.
  std::string library;
  for (std::size_t from = 0;;) {
    auto place = find_place(text, from);
    if (!place) break;
    from = place->end;
    std::optional<std::string> source;
    if (source_of) source = source_of(place->file);
    if (!source && place->file.ends_with(".sx"))
      if (auto file = read_file(place->file); file.ok()) source = file.take();
    if (!source) continue;
    // Where a form ends that is never closed is less of a help than where it starts.
    constexpr std::string_view kStarts = " that starts at ";
    const std::size_t starts = text.find(kStarts, place->end);
    if (starts != std::string::npos && starts < text.find('\n', place->end)) {
      const std::size_t at = starts + kStarts.size(), n = digits(text, at);
      const std::size_t second = digits(text, at + n + 1);
      if (n > 0 && second > 0) {
        place->line = number(text, at, n);
        place->column = number(text, at + n + 1, second);
      }
    }
    const auto line = line_of(*source, place->line);
    if (!line) continue;
    const std::string shown = shown_line(*line, place->line, place->column);
    if (place->file.starts_with("lib/core/") || place->file.starts_with("lib/test/")) {
      if (library.empty()) library = shown;
      continue;
    }
    std::fprintf(stderr, "%s\n", shown.c_str());
    return;
  }
  if (!library.empty()) std::fprintf(stderr, "%s\n", library.c_str());
}

}  // namespace sx::cli
