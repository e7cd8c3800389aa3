// One server process in the place of another, without a request lost.
//
// The new process asks over the old one's control socket and gets its listening sockets. When it
// has made sure that it could serve, it says so; the old process then finishes what it is doing and
// passes every connection as it falls idle, gives up the store, and says that; the new one opens
// the store and serves. Whoever connects or asks meanwhile waits in the kernel. If the new process
// fails after that, the old one starts again in its own place, on the same listening sockets.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "server/http/http.h"

namespace sx::cli {

// The new process.
class TakeOver {
 public:
  // Asks the owner of the data folder. Nothing: nobody runs there.
  static Result<std::optional<TakeOver>> begin(const std::string& folder);
  TakeOver(TakeOver&&) noexcept;
  TakeOver& operator=(TakeOver&&) = delete;
  ~TakeOver();

  const std::vector<int>& listening_sockets() const { return sockets_; }
  // Says that we are able to go on, and waits until the store is ours.
  Result<void> wait_for_store();
  // The connections that were passed meanwhile, to be served by us from now on.
  std::vector<int> take_connections() { return std::exchange(connections_, {}); }
  // We serve: the old process ends.
  void done();

 private:
  explicit TakeOver(int channel) : channel_(channel) {}
  int channel_;
  std::vector<int> sockets_;
  std::vector<int> connections_;
};

// The old process.
class HandOver {
 public:
  explicit HandOver(HttpServer& server, std::uint32_t drain_ms)
      : server_(server), drain_ms_(drain_ms) {}
  ~HandOver();

  // Somebody asks over this channel, which is ours then. Blocks until they are ready or have given
  // up; the server's workers have begun to end when it returns true.
  bool begin(int channel);
  bool began() const;
  // The store is closed and the control socket gone: the other one's turn. False if it failed: then
  // restart_in_place().
  bool finish();
  // Runs this very program again with the same arguments, on our listening sockets. Returns only
  // with an error.
  Error restart_in_place();

 private:
  HttpServer& server_;
  std::uint32_t drain_ms_;
  std::atomic<bool> beginning_{false};  // one successor at a time
  mutable std::mutex mutex_;
  int channel_ = -1;          // under mutex_
  std::vector<int> sockets_;  // our own copies of the listening sockets
};

// Starts the program of this process, as it is on disk now, with the same arguments and --replace.
Result<void> start_successor();

// What restart_in_place() left for us.
std::vector<int> left_sockets();

}  // namespace sx::cli
