// The control socket: how other `sx` commands reach the process that owns the store.
//
// One process owns the store for writing. Its data folder (mode 0700) holds control.sock; a command
// that finds it connects, sends its words, and gets the output and exit status of the same command
// run inside the owner. Without an owner the command opens the store itself.
#pragma once

#include <atomic>
#include <functional>
#include <list>
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
  // Whether nobody takes the words any more: a command that writes much may end early.
  std::function<bool()> lost = [] { return false; };
};
CommandOutput terminal_output();

using ControlCommand =
    std::function<int(const std::vector<std::string>& words, const CommandOutput&)>;

class ControlServer {
 public:
  // Listens on FOLDER/control.sock (a stale one is replaced). Every command runs on a thread of its
  // own, so that a long one, or a client that does not read on, holds up no other.
  // hand_over gets the channel of a process that wants to take our place, and owns it.
  static Result<std::unique_ptr<ControlServer>> start(
      const std::string& folder, ControlCommand run,
      std::function<void(int channel)> hand_over = nullptr);
  ~ControlServer();  // stops listening; waits for running commands
  ControlServer(const ControlServer&) = delete;

 private:
  ControlServer(int fd, std::string path, ControlCommand run,
                std::function<void(int channel)> hand_over);
  struct Client {
    std::atomic<int> fd;  // closed when the thread has ended; -1 once somebody else owns it
    std::atomic<bool> done{false};
    std::thread thread;
  };
  void serve();
  void answer(Client& client);
  void wait_for_clients();
  void forget_done();
  int fd_;
  int wake_[2];
  std::string path_;
  ControlCommand run_;
  std::function<void(int channel)> hand_over_;
  std::list<Client> clients_;  // of the listening thread alone, until that has ended
  std::thread thread_;
};

// Has the owner of FOLDER run the command; nothing when nobody listens there, or when it owns
// another store than the one that is named ("": whichever it has).
std::optional<int> run_by_owner(const std::string& folder, const std::string& store_url,
                                const std::vector<std::string>& words, const CommandOutput& output);
// What begins the words of a command that is meant for one store, and the status of an owner of
// another one.
inline constexpr std::string_view kForStore = "for-store=";
inline constexpr int kOtherStore = 254;

// For those who talk with the owner in their own way: a connection to its control socket, -1 when
// nobody listens there, and the words that begin a command.
int connect_to_owner(const std::string& folder);
bool send_words(int fd, const std::vector<std::string>& words);

}  // namespace sx::cli
