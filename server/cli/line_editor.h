// One line of input at a time: with editing, history and completion on a terminal (libedit), plain
// from anything else.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sx::cli {

class LineEditor {
 public:
  enum class Event { Line, Interrupted, End };

  virtual ~LineEditor() = default;
  // The next line without its line break. Interrupted: Ctrl-C; what was typed is dropped.
  virtual Event read(const std::string& prompt, std::string& line) = 0;
  // Keeps an entry in the history, also for later sessions.
  virtual void remember(const std::string& entry) = 0;

  // All words that may stand at the end of `line` instead of its last word, which is `word`.
  using Complete =
      std::function<std::vector<std::string>(std::string_view line, std::string_view word)>;
  // history_file: "" keeps none.
  static std::unique_ptr<LineEditor> for_terminal(const std::string& history_file,
                                                  Complete complete);
  static std::unique_ptr<LineEditor> for_pipe();
};

// Where the word begins that ends at the end of the line: what completion replaces.
std::size_t last_word(std::string_view line);

// $XDG_STATE_HOME/sx/history, ~/.local/state/sx/history, or "" without a home; folders are made.
std::string history_path();

}  // namespace sx::cli
