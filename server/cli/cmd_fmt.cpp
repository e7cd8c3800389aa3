// sx fmt: formats source files in place, or tells what it would change.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <iterator>

#include "engine/base/str.h"
#include "engine/format/format.h"
#include "server/cli/cli.h"
#include "server/cli/diff.h"

namespace sx::cli {

namespace fs = std::filesystem;

Result<std::vector<std::string>> source_files(
    const std::vector<std::string>& paths, const std::function<bool(const std::string&)>& wanted) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code ec;
    if (!fs::is_directory(path, ec)) {
      if (path != "-" && !fs::exists(path, ec)) return Error{str(path, ": no such file or folder")};
      files.push_back(path);
      continue;
    }
    const std::size_t before = files.size();
    for (auto entry = fs::recursive_directory_iterator(path, ec);
         entry != fs::recursive_directory_iterator(); entry.increment(ec)) {
      if (ec) return Error{str(path, ": cannot be listed: ", ec.message())};
      const std::string name = entry->path().filename().string();
      if (entry->is_directory(ec)) {
        if (name[0] == '.' || name == "node_modules" || name == "build")
          entry.disable_recursion_pending();
      } else if (name.ends_with(".sx") && wanted(entry->path().string())) {
        files.push_back(entry->path().string());
      }
    }
    if (ec) return Error{str(path, ": cannot be listed: ", ec.message())};
    std::sort(files.begin() + static_cast<std::ptrdiff_t>(before), files.end());
  }
  // A file named twice is one file.
  std::vector<std::string> once;
  for (std::string& file : files)
    if (std::find(once.begin(), once.end(), file) == once.end()) once.push_back(std::move(file));
  return once;
}

int cmd_fmt(const std::vector<std::string>& paths, const FmtOptions& options) {
  auto files = source_files(paths, [](const std::string&) { return true; });
  if (!files.ok()) {
    report_error(files.error().message);
    return 2;
  }
  std::size_t changed = 0, failed = 0;
  for (const std::string& file : *files) {
    const bool from_stdin = file == "-";
    const std::string name = from_stdin ? "<stdin>" : file;
    Result<std::string> text =
        from_stdin ? std::string(std::istreambuf_iterator<char>(std::cin), {}) : read_file(file);
    // A context for each file: names that it makes go with it.
    Context cx({}, 1);
    Result<std::string> formatted =
        text.ok() ? format_source(cx, *text, {name, options.width}) : text;
    if (!formatted.ok()) {
      report_error(formatted.error().message, [&](const std::string& asked) {
        return text.ok() && asked == name ? std::optional(*text) : std::nullopt;
      });
      ++failed;
      continue;
    }
    const bool same = *formatted == *text;
    if (!same) ++changed;
    if (options.diff) {
      std::fputs(unified_diff(*text, *formatted, name).c_str(), stdout);
    } else if (options.check) {
      if (!same) std::printf("%s: is not formatted\n", name.c_str());
    } else if (from_stdin) {
      std::fwrite(formatted->data(), 1, formatted->size(), stdout);
    } else if (!same) {
      const auto written = write_file(file, *formatted);
      if (written.ok()) {
        std::printf("%s: formatted\n", name.c_str());
        continue;
      }
      report_error(written.error().message);
      ++failed;
    }
  }
  if (options.check && changed > 0 && !options.diff)
    std::fprintf(stderr, "%zu of %zu files would change: run sx fmt on them\n", changed,
                 files->size());
  std::fflush(stdout);
  return failed > 0 || (options.check && changed > 0) ? 1 : 0;
}

}  // namespace sx::cli
