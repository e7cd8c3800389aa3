#include "server/cli/line_editor.h"

#include <histedit.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "engine/base/utf8.h"

namespace sx::cli {

namespace {

constexpr int kHistoryEntries = 2000;
// More candidates than this are only counted.
constexpr std::size_t kShownCandidates = 200;

class PipeReader : public LineEditor {
 public:
  Event read(const std::string&, std::string& line) override {
    return std::getline(std::cin, line) ? Event::Line : Event::End;
  }
  void remember(const std::string&) override {}
};

class TerminalEditor : public LineEditor {
 public:
  TerminalEditor(std::string history_file, Complete complete)
      : history_file_(std::move(history_file)), complete_(std::move(complete)) {
    // Text is UTF-8 whatever the environment says.
    std::setlocale(LC_CTYPE, "");
    if (std::strcmp(nl_langinfo(CODESET), "UTF-8") != 0) std::setlocale(LC_CTYPE, "C.UTF-8");
    history_ = history_init();
    HistEvent event;
    history(history_, &event, H_SETSIZE, kHistoryEntries);
    history(history_, &event, H_SETUNIQUE, 1);
    if (!history_file_.empty()) history(history_, &event, H_LOAD, history_file_.c_str());
    editor_ = el_init("sx", stdin, stdout, stderr);
    el_set(editor_, EL_CLIENTDATA, this);
    el_set(editor_, EL_PROMPT, &TerminalEditor::prompt);
    el_set(editor_, EL_EDITOR, "emacs");
    el_set(editor_, EL_HIST, history, history_);
    el_set(editor_, EL_ADDFN, "sx-complete", "complete a name", &TerminalEditor::on_complete);
    el_set(editor_, EL_ADDFN, "sx-interrupt", "drop the input", &TerminalEditor::on_interrupt);
    el_set(editor_, EL_BIND, "^I", "sx-complete", nullptr);
    // While a line is edited Ctrl-C is a key, not a signal.
    el_set(editor_, EL_SETTY, "-d", "-isig", nullptr);
    el_set(editor_, EL_BIND, "^C", "sx-interrupt", nullptr);
    el_set(editor_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  }
  ~TerminalEditor() override {
    el_end(editor_);
    history_end(history_);
  }

  Event read(const std::string& prompt, std::string& line) override {
    prompt_ = prompt;
    interrupted_ = false;
    int length = 0;
    // Before the prompt is shown, which libedit does first: whoever sees it types to the editor.
    el_set(editor_, EL_PREP_TERM, 1);
    const char* typed = el_gets(editor_, &length);
    if (interrupted_) return Event::Interrupted;
    if (!typed || length <= 0) {
      std::printf("\n");
      return Event::End;
    }
    line.assign(typed, static_cast<std::size_t>(length));
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
    return Event::Line;
  }

  void remember(const std::string& entry) override {
    HistEvent event;
    history(history_, &event, H_ENTER, entry.c_str());
    if (history_file_.empty()) return;
    // Only for its owner to read: whole programs are typed here, and passwords.
    const mode_t before = ::umask(0077);
    history(history_, &event, H_SAVE, history_file_.c_str());
    ::umask(before);
    ::chmod(history_file_.c_str(), 0600);
  }

 private:
  static TerminalEditor& self(EditLine* editor) {
    void* data = nullptr;
    el_get(editor, EL_CLIENTDATA, &data);
    return *static_cast<TerminalEditor*>(data);
  }
  static char* prompt(EditLine* editor) { return self(editor).prompt_.data(); }

  static unsigned char on_interrupt(EditLine* editor, int) {
    self(editor).interrupted_ = true;
    std::printf("^C\n");
    std::fflush(stdout);
    return CC_NEWLINE;
  }

  static unsigned char on_complete(EditLine* editor, int) { return self(editor).complete(); }

  unsigned char complete() {
    const LineInfo* info = el_line(editor_);
    const std::string_view line(info->buffer,
                                static_cast<std::size_t>(info->cursor - info->buffer));
    const std::string_view word = line.substr(last_word(line));
    const std::vector<std::string> found = complete_(line, word);
    if (found.empty()) return CC_REFRESH_BEEP;
    std::string common = found.front();
    for (const std::string& candidate : found)
      common.resize(static_cast<std::size_t>(
          std::mismatch(common.begin(), common.end(), candidate.begin(), candidate.end()).first -
          common.begin()));
    if (common.size() > word.size() || found.size() == 1) {
      const std::string rest = common.substr(word.size()) + (found.size() == 1 ? " " : "");
      if (el_insertstr(editor_, rest.c_str()) != 0) return CC_REFRESH_BEEP;
      return CC_REFRESH;
    }
    show(found);
    return CC_REDISPLAY;
  }

  // In columns, as wide as the terminal.
  static void show(const std::vector<std::string>& found) {
    std::printf("\n");
    if (found.size() > kShownCandidates) {
      std::printf("%zu names begin like this\n", found.size());
      return;
    }
    winsize size{};
    const std::size_t columns =
        ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
    std::size_t widest = 0;
    for (const std::string& name : found) widest = std::max(widest, utf8_count(name));
    const std::size_t per_line = std::max<std::size_t>(1, columns / (widest + 2));
    for (std::size_t i = 0; i < found.size(); ++i) {
      const bool last = (i + 1) % per_line == 0 || i + 1 == found.size();
      std::printf("%s%s", found[i].c_str(),
                  last ? "\n" : std::string(widest + 2 - utf8_count(found[i]), ' ').c_str());
    }
    std::fflush(stdout);
  }

  std::string history_file_;
  Complete complete_;
  std::string prompt_;
  bool interrupted_ = false;
  History* history_ = nullptr;
  EditLine* editor_ = nullptr;
};

}  // namespace

std::unique_ptr<LineEditor> LineEditor::for_terminal(const std::string& history_file,
                                                     Complete complete) {
  return std::make_unique<TerminalEditor>(history_file, std::move(complete));
}

std::unique_ptr<LineEditor> LineEditor::for_pipe() { return std::make_unique<PipeReader>(); }

std::size_t last_word(std::string_view line) {
  const std::size_t before = line.find_last_of(" \t()[]{}\"'`@;");
  return before == std::string_view::npos ? 0 : before + 1;
}

std::string history_path() {
  namespace fs = std::filesystem;
  fs::path folder;
  if (const char* state = std::getenv("XDG_STATE_HOME"); state && *state == '/') {
    folder = state;
  } else if (const char* home = std::getenv("HOME"); home && *home == '/') {
    folder = fs::path(home) / ".local/state";
  } else {
    return {};
  }
  folder /= "sx";
  std::error_code ec;
  const mode_t before = ::umask(0077);
  fs::create_directories(folder, ec);
  ::umask(before);
  return ec ? std::string() : (folder / "history").string();
}

}  // namespace sx::cli
