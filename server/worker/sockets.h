// WebSockets for handlers: an answer {:websocket (fn (socket) …) :origins […] :protocol …}.
//
// The function runs as a fiber of its own once the handshake is done, and performs ws/receive,
// ws/send and ws/close. When it returns the socket is closed with 1000, when it raises with 1011. A
// peer that goes gives nil to a fiber that waits for a message; one that waits for something else
// is cancelled, and its cleanups run.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "engine/sx.h"
#include "server/http/websocket.h"

namespace sx {

class Sockets {
 public:
  // fuel: what a socket's fiber may use between two messages.
  Sockets(Runner& runner, std::int64_t fuel, std::function<void(const std::string&)> log);
  Sockets(const Sockets&) = delete;

  // What answers `request`: the upgrade, or why not.
  HttpResponse answer(const HttpRequest& request, Value program, Value response, std::string name);

 private:
  struct One {
    std::shared_ptr<WebSocket> socket;
    TaskId task = 0;
    std::uint64_t serial = 0;
    std::optional<IoTicket> receiving;
    std::optional<IoTicket> sending;
    bool gone = false;
    std::string name;
  };

  void start(Value program, std::string name, std::shared_ptr<WebSocket> socket);
  void peer_gone(std::uint64_t id);
  void ended(std::uint64_t id, Outcome outcome, Value value);
  One* find(IoCall& call);  // null: the call has failed
  void receive(IoCall& call);
  void send(IoCall& call);
  void close(IoCall& call);

  Runner& runner_;
  std::int64_t fuel_;
  std::function<void(const std::string&)> log_;
  std::unordered_map<std::uint64_t, std::unique_ptr<One>> open_;
  std::uint64_t last_id_ = 0;
};

}  // namespace sx
