// sx repl: reads forms (over several lines), evaluates, prints.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <iostream>

#include "engine/base/str.h"
#include "engine/reader/printer.h"
#include "engine/reader/reader.h"
#include "engine/value/collections.h"
#include "server/cli/cli.h"
#include "server/cli/line_editor.h"
#include "server/cli/names.h"
#include "server/cli/project_names.h"

namespace sx::cli {

namespace {

struct ReplCommand {
  std::string_view name, usage, text;
};
constexpr ReplCommand kCommands[] = {
    {",doc", ",doc NAME", "the manual of a name; (doc name) does the same"},
    {",use", ",use MODULE…", "make the exports of modules visible; (use module) does the same"},
    {",load", ",load FILE", "evaluate a file here; what it defines stays"},
    {",time", ",time EXPR", "evaluate, and say how long it took"},
    {",help", ",help", "this list"},
    {",quit", ",quit", "leave; Ctrl-D does the same"},
};

// Ctrl-C while something is evaluated: asked for by the runner between two slices.
volatile std::sig_atomic_t interrupts = 0;

void on_sigint(int) {
  // What does not stop after the third time is stuck in one long primitive.
  interrupts = interrupts + 1;
  if (interrupts >= 3) ::_exit(130);
}

bool take_interrupt() {
  if (interrupts == 0) return false;
  interrupts = 0;
  return true;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t from = text.find_first_not_of(" \t\r\n");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r\n") + 1 - from);
}

class Repl {
 public:
  Repl(const EngineOptions& options, bool terminal)
      : near_(options.near), terminal_(terminal), engine_(make_engine(options)) {
    engine_->runner.interrupted = &take_interrupt;
    add_script_servicers(engine_->runner);
    editor_ = terminal
                  ? LineEditor::for_terminal(history_path(),
                                             [this](std::string_view line, std::string_view word) {
                                               return candidates(line, word);
                                             })
                  : LineEditor::for_pipe();
  }

  int run() {
    if (terminal_) {
      (void)engine_->require_module("core").ok();  // its names are to be completed
      std::printf("SX. ,help shows the commands, Tab completes names, Ctrl-D leaves.\n");
    }
    std::string pending, line;
    while (!done_) {
      const LineEditor::Event event = editor_->read(pending.empty() ? "sx> " : "  > ", line);
      if (event == LineEditor::Event::End) break;
      if (event == LineEditor::Event::Interrupted) {
        pending.clear();
        continue;
      }
      if (pending.empty() && run_command(trimmed(line))) {
        editor_->remember(line);
        continue;
      }
      pending += line;
      pending += '\n';
      if (incomplete(pending)) continue;
      const std::string input = std::move(pending);
      pending.clear();
      if (trimmed(input).empty()) continue;
      remember(input);
      if (!run_doc_form(input)) evaluate(input);
    }
    if (!trimmed(pending).empty() && !terminal_) {
      report_error("the input ended inside a form");
      return 1;
    }
    return 0;
  }

 private:
  // A form that is not closed yet goes on with the next line.
  bool incomplete(const std::string& text) {
    Reader reader(engine_->cx(), text, {.file = "<repl>"});
    while (true) {
      const auto form = reader.next();
      if (!form.ok()) return reader.incomplete();
      if (form.value() == Value::eof()) return false;
    }
  }

  // A form of several lines is one entry, unless joining them would change what it says.
  void remember(const std::string& input) {
    std::string entry(trimmed(input));
    if (entry.find('\n') == std::string::npos || entry.find_first_of(";\"|") == std::string::npos) {
      for (char& c : entry)
        if (c == '\n') c = ' ';
      editor_->remember(entry);
      return;
    }
    for (std::size_t from = 0; from < entry.size();) {
      const std::size_t end = std::min(entry.find('\n', from), entry.size());
      if (end > from) editor_->remember(entry.substr(from, end - from));
      from = end + 1;
    }
  }

  Result<Value> run_text(const std::string& text) {
    session_ += text;
    interrupts = 0;
    auto value = engine_->eval(above_ + text, "<repl>", true);
    for (const char c : text)
      if (c == '\n') above_ += c;
    std::fflush(stdout);
    return value;
  }

  void evaluate(const std::string& text) { show(run_text(text)); }

  void show(const Result<Value>& value) {
    if (value.ok()) {
      std::printf("%s\n", print(engine_->cx(), *value, {.bytes_max = 20000}).c_str());
    } else {
      report_error(value.error().message, [&](const std::string& file) {
        return file == "<repl>" ? std::optional(session_) : std::nullopt;
      });
    }
    std::fflush(stdout);
  }

  void show_manual(std::string_view name) {
    if (const auto manual = find_manual(*engine_, name, near_)) {
      std::fputs(manual_text(*manual).c_str(), stdout);
    } else {
      std::string similar;
      for (const std::string& candidate : similar_names(*engine_, name, near_))
        similar += str(similar.empty() ? ". Did you mean " : ", ", candidate);
      std::fflush(stdout);
      report_error(str("nothing public is called ", name, similar, similar.empty() ? "" : "?"));
    }
    std::fflush(stdout);
  }

  // (doc name), unless the program has a doc of its own.
  bool run_doc_form(const std::string& text) {
    Context& cx = engine_->cx();
    Reader reader(cx, text, {.file = "<repl>"});
    const auto form = reader.next();
    if (!form.ok() || !is_pair(*form) || car(*form) != cx.symbol("doc")) return false;
    const Value rest = cdr(*form);
    if (!is_pair(rest) || cdr(rest) != Value::empty_list() || !car(rest).is_symbol()) return false;
    for (const char* own_name : {"doc", "#doc"})
      if (const Global* own = engine_->find_global(own_name); own && !own->value.is_unset())
        return false;
    show_manual(cx.symbols.name(car(rest).id()));
    return true;
  }

  bool run_command(std::string_view line) {
    if (line.empty() || line[0] != ',') return false;
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    const std::string_view name = line.substr(0, end), argument = trimmed(line.substr(end));
    const ReplCommand* known = nullptr;
    for (const ReplCommand& command : kCommands)
      if (command.name == name) known = &command;
    const bool takes_argument = known && known->usage != known->name;
    if (!known) {
      report_error(str("unknown command ", name, ". ,help shows the commands"));
    } else if (takes_argument && argument.empty()) {
      report_error(str(name, " needs an argument. Usage: ", known->usage));
    } else if (name == ",help") {
      for (const ReplCommand& command : kCommands)
        std::printf("%-14s %s\n", std::string(command.usage).c_str(),
                    std::string(command.text).c_str());
      std::printf(
          "A form goes on over lines until it is closed. Ctrl-C drops what is typed, and "
          "stops what runs.\n");
    } else if (name == ",quit") {
      done_ = true;
    } else if (name == ",doc") {
      show_manual(argument);
    } else if (name == ",use") {
      const auto used = run_text(str("(use ", argument, ")\n"));
      if (!used.ok()) show(used);
    } else if (name == ",load") {
      load(std::string(argument));
    } else {
      time(std::string(argument));
    }
    std::fflush(stdout);
    return true;
  }

  void load(const std::string& file) {
    auto text = read_file(file);
    if (!text.ok()) return report_error(text.error().message);
    interrupts = 0;
    const std::string shown = std::filesystem::proximate(file).string();
    const auto value = engine_->eval(*text, shown, true);
    std::fflush(stdout);
    show(value);
  }

  void time(const std::string& text) {
    const auto start = std::chrono::steady_clock::now();
    const auto value = run_text(text + "\n");
    const double ms =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    show(value);
    std::printf("%.3f ms\n", ms);
  }

  std::vector<std::string> candidates(std::string_view line, std::string_view word) {
    std::vector<std::string> all;
    const std::string_view before = trimmed(line.substr(0, line.size() - word.size()));
    if (before.empty() && word.substr(0, 1) == ",") {
      for (const ReplCommand& command : kCommands) all.emplace_back(command.name);
    } else if (before == ",load") {
      return files(word);
    } else if (before.substr(0, 4) == ",use" || before.ends_with("(use")) {
      all = module_names(*engine_);
      for (ProjectModule& module : modules_near(*engine_, word, near_))
        all.push_back(std::move(module.path));
    } else {
      all = public_names(*engine_);
      for (std::string& name : project_names(*engine_, word, near_)) all.push_back(std::move(name));
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    std::vector<std::string> found;
    for (std::string& name : all)
      if (name.size() >= word.size() && std::string_view(name).substr(0, word.size()) == word)
        found.push_back(std::move(name));
    return found;
  }

  static std::vector<std::string> files(std::string_view word) {
    namespace fs = std::filesystem;
    const std::size_t slash = word.rfind('/');
    const std::string folder(slash == std::string_view::npos ? "" : word.substr(0, slash + 1));
    std::vector<std::string> found;
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator(folder.empty() ? "." : folder, ec)) {
      const std::string path = folder + entry.path().filename().string();
      if (path.substr(0, word.size()) == word && (entry.is_directory(ec) || path.ends_with(".sx")))
        found.push_back(entry.is_directory(ec) ? path + "/" : path);
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  std::string near_;
  bool terminal_;
  bool done_ = false;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<LineEditor> editor_;
  std::string session_;  // all input so far: errors count lines from its start
  std::string above_;    // a newline for each line of it
};

}  // namespace

int cmd_repl(const EngineOptions& options) {
  EngineOptions near = options;
  if (near.near.empty()) near.near = ".";
  const bool terminal = ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0;
  if (terminal) {
    struct sigaction action {};
    action.sa_handler = on_sigint;
    ::sigaction(SIGINT, &action, nullptr);
  }
  return Repl(near, terminal).run();
}

}  // namespace sx::cli
