// sx repl: reads forms (over several lines), evaluates, prints. Line editing by libedit on a
// terminal; plain lines from a pipe.
#include <editline/readline.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "engine/base/str.h"
#include "engine/reader/printer.h"
#include "engine/reader/reader.h"
#include "server/cli/cli.h"

namespace sx::cli {

int cmd_repl(const EngineOptions& options) {
  EngineOptions near = options;
  if (near.near.empty()) near.near = ".";
  auto engine = make_engine(near);
  const bool terminal = isatty(STDIN_FILENO) != 0;
  if (terminal) std::printf("SX. Ctrl-D leaves. (sx doc NAME shows a function's manual.)\n");
  std::string pending;
  std::string session;  // all input so far: errors count lines from its start
  std::string above;    // a newline for each line of it
  while (true) {
    std::string line;
    if (terminal) {
      char* typed = readline(pending.empty() ? "sx> " : "  > ");
      if (!typed) break;
      line = typed;
      if (!line.empty()) add_history(typed);
      std::free(typed);
    } else if (!std::getline(std::cin, line)) {
      break;
    }
    pending += line;
    pending += '\n';
    // A form that is not closed yet goes on with the next line.
    Reader reader(engine->cx(), pending, {.file = "<repl>"});
    bool more = false;
    while (true) {
      auto form = reader.next();
      if (!form.ok()) {
        more = reader.incomplete();
        break;
      }
      if (form.value() == Value::eof()) break;
    }
    if (more) continue;
    const bool blank = pending.find_first_not_of(" \t\n") == std::string::npos;
    if (!blank) {
      session += pending;
      const auto value = engine->eval(above + pending, "<repl>", true);
      for (const char c : pending)
        if (c == '\n') above += c;
      if (value.ok()) {
        std::printf("%s\n", print(engine->cx(), value.value(), {.bytes_max = 20000}).c_str());
      } else {
        std::fflush(stdout);
        report_error(value.error().message, [&](const std::string& file) {
          return file == "<repl>" ? std::optional(session) : std::nullopt;
        });
      }
      std::fflush(stdout);
    }
    pending.clear();
  }
  if (pending.find_first_not_of(" \t\n") != std::string::npos) {
    report_error("the input ended inside a form");
    return 1;
  }
  return 0;
}

}  // namespace sx::cli
