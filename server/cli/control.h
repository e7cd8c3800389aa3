// The control socket: how other `sx` commands reach the process that owns the store.
//
// One process owns the store for writing. Its data folder (mode 0700) holds control.sock; a command
// that finds it connects, sends its words, and gets the output and exit status of the same command
// run inside the owner. Without an owner the command opens the store itself.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "engine/base/result.h"

namespace sx::cli {

// Where a command's words for people go: the terminal, or the other end of the socket.
struct CommandOutput {
  std::function<void(std::string_view)> out;
  std::function<void(std::string_view)> err;
  bool progress = false;  // err is a terminal that shows progress
};
CommandOutput terminal_output();

using ControlCommand =
    std::function<int(const std::vector<std::string>& words, const CommandOutput&)>;

class ControlServer {
 public:
  // Listens on FOLDER/control.sock (a stale one is replaced). Commands run one after another on a
  // thread of their own.
  // hand_over gets the channel of a process that wants to take our place, and owns it.
  static Result<std::unique_ptr<ControlServer>> start(
      const std::string& folder, ControlCommand run,
      std::function<void(int channel)> hand_over = nullptr);
  ~ControlServer();  // stops listening; waits for the running command
  ControlServer(const ControlServer&) = delete;

 private:
  ControlServer(int fd, std::string path, ControlCommand run,
                std::function<void(int channel)> hand_over);
  void serve();
  int fd_;
  int wake_[2];
  std::string path_;
  ControlCommand run_;
  std::function<void(int channel)> hand_over_;
  std::thread thread_;
};

// Has the owner of FOLDER run the command; nothing when nobody listens there.
std::optional<int> run_by_owner(const std::string& folder, const std::vector<std::string>& words,
                                const CommandOutput& output);

// For those who talk with the owner in their own way: a connection to its control socket, -1 when
// nobody listens there, and the words that begin a command.
int connect_to_owner(const std::string& folder);
bool send_words(int fd, const std::vector<std::string>& words);

}  // namespace sx::cli
