// Answers that SX makes while they are sent: {:stream (fn (id) …)}.
//
// The function runs as a fiber of its own, after the handler has answered and the head is on its
// way. It performs stream/write; where the client is slower, that parks the fiber, so no more of
// the body is made than can be taken. When the client goes, the fiber is cancelled and its cleanups
// run.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "engine/sx.h"
#include "server/http/http.h"

namespace sx {

class Streams {
 public:
  // fuel: what a stream may use between two of its writes; log: as AppConfig::log.
  Streams(Runner& runner, std::int64_t fuel, std::function<void(const std::string&)> log);
  Streams(const Streams&) = delete;

  // The body that `producer` makes. live: one without an end of its own, which ends when the server
  // stops; others then have the time of all requests. request: how the log calls it.
  std::shared_ptr<HttpStream> open(Value producer, bool live, std::string request);

 private:
  struct One {
    StreamWriter writer;
    TaskId task = 0;
    std::uint64_t serial = 0;
    std::optional<IoTicket> parked;
    bool gone = false;      // nobody listens
    bool stopping = false;  // it was told to come to an end
    std::string request;
  };

  void start(std::uint64_t id, Value producer, std::string request, StreamWriter writer);
  void signal(std::uint64_t id, bool live, StreamSignal signal);
  void write(IoCall& call);
  void ended(std::uint64_t id, Outcome outcome, Value value);

  Runner& runner_;
  std::int64_t fuel_;
  std::function<void(const std::string&)> log_;
  std::unordered_map<std::uint64_t, std::unique_ptr<One>> open_;
  std::uint64_t last_id_ = 0;
};

}  // namespace sx
