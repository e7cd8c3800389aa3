#include "server/worker/sockets.h"

#include <utility>

#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/value/collections.h"

namespace sx {

Sockets::Sockets(Runner& runner, std::int64_t fuel, std::function<void(const std::string&)> log)
    : runner_(runner), fuel_(fuel), log_(std::move(log)) {
  runner_.add("ws/receive", [this](IoCall& call) { receive(call); });
  runner_.add("ws/send", [this](IoCall& call) { send(call); });
  runner_.add("ws/close", [this](IoCall& call) { close(call); });
}

HttpResponse Sockets::answer(const HttpRequest& request, Value program, Value response,
                             std::string name) {
  Context& cx = runner_.vm().cx;
  const auto option = [&](std::string_view key) {
    const Value v = dict_get(cx, response, cx.keyword(key));
    return v.is_unset() ? Value::nil() : v;
  };
  std::vector<std::string> origins;
  const auto add_origin = [&](Value v) {
    if (is_string(v)) origins.emplace_back(as_string(v)->view());
  };
  Value given = option("origins");
  for (; is_pair(given); given = cdr(given)) add_origin(car(given));
  if (is_vector(given))
    for (std::uint32_t i = 0; i < vector_count(given); ++i) add_origin(vector_get(given, i));
  if (auto refused = refuse_websocket(request, origins)) return *std::move(refused);
  const Value protocol = option("protocol");
  WebSocketLimits limits;
  std::int64_t number = 0;
  if (to_int64(option("message-bytes-max"), number) && number > 0)
    limits.message_bytes_max = static_cast<std::size_t>(number);
  if (to_int64(option("idle-timeout-ms"), number) && number > 0 && number <= 86'400'000)
    limits.idle_timeout_ms = static_cast<std::uint32_t>(number);
  auto pinned = std::make_shared<Vm::Pin>(runner_.vm(), program);
  return websocket_response(
      request, is_string(protocol) ? std::string(as_string(protocol)->view()) : "", limits,
      [this, pinned, name = std::move(name)](std::shared_ptr<WebSocket> socket) {
        start(pinned->get(), name, std::move(socket));
      });
}

void Sockets::start(Value program, std::string name, std::shared_ptr<WebSocket> socket) {
  const std::uint64_t id = ++last_id_;
  auto made = std::make_unique<One>();
  made->socket = socket;
  made->name = std::move(name);
  open_[id] = std::move(made);
  socket->on_ended = [this, id] { peer_gone(id); };
  socket->on_room = [this, id] {
    const auto at = open_.find(id);
    if (at == open_.end()) return;
    if (const auto ticket = std::exchange(at->second->sending, std::nullopt))
      ticket->reply(Value::nil());
  };
  const Value args[] = {Value::small_int(static_cast<std::int64_t>(id))};
  const TaskId task = runner_.spawn(
      program, args, 1, [this, id](Outcome outcome, Value value) { ended(id, outcome, value); },
      {fuel_});
  const auto at = open_.find(id);
  if (at == open_.end()) return;
  at->second->task = task;
  at->second->serial = runner_.serial(task);
}

void Sockets::peer_gone(std::uint64_t id) {
  const auto at = open_.find(id);
  if (at == open_.end()) return;
  One& one = *at->second;
  one.gone = true;
  // Who waits for a message has got nil by now, and goes on as it sees fit.
  if (const auto ticket = std::exchange(one.sending, std::nullopt))
    return ticket->fail("socket-closed", "ws/send: The other side has closed the socket");
  runner_.cancel(one.task, one.serial, "client-gone", "The other side has closed the socket");
}

void Sockets::ended(std::uint64_t id, Outcome outcome, Value value) {
  const auto at = open_.find(id);
  if (at == open_.end()) return;
  const std::unique_ptr<One> one = std::move(at->second);
  open_.erase(at);
  one->socket->on_ended = nullptr;
  one->socket->on_room = nullptr;
  if (outcome == Outcome::Returned) return one->socket->close(1000, "");
  if (!one->gone) log_(str(one->name, ": ", describe_error(runner_.vm().cx, value)));
  one->socket->close(1011, "the server met an error");
}

Sockets::One* Sockets::find(IoCall& call) {
  std::int64_t id = 0;
  if (!call.integer(0, id)) return nullptr;
  const auto at = open_.find(static_cast<std::uint64_t>(id));
  if (at != open_.end()) return at->second.get();
  call.fail("socket-closed", str(call.op, ": The socket has been closed"));
  return nullptr;
}

void Sockets::receive(IoCall& call) {
  One* one = find(call);
  if (!one) return;
  if (one->receiving)
    return call.fail("socket-busy", "ws/receive: Another fiber is waiting for the next message");
  runner_.refuel(call.ticket.task, fuel_);
  one->receiving = call.ticket;
  std::int64_t id = 0;
  call.integer(0, id);
  one->socket->receive([this,
                        id = static_cast<std::uint64_t>(id)](std::optional<SocketMessage> message) {
    const auto at = open_.find(id);
    if (at == open_.end()) return;
    One& waiting = *at->second;
    const auto ticket = std::exchange(waiting.receiving, std::nullopt);
    if (!ticket) return;
    if (!message) {
      // The fiber learns it this way; it is not cancelled as well.
      waiting.gone = true;
      waiting.socket->on_ended = nullptr;
      return ticket->reply(Value::nil());
    }
    Context& cx = runner_.vm().cx;
    ticket->reply(message->is_text
                      ? make_string(cx, message->data)
                      : make_bytes(cx, {reinterpret_cast<const std::uint8_t*>(message->data.data()),
                                        message->data.size()}));
  });
}

void Sockets::send(IoCall& call) {
  One* one = find(call);
  if (!one) return;
  if (one->socket->ended() || one->gone)
    return call.fail("socket-closed", "ws/send: The other side has closed the socket");
  if (one->sending)
    return call.fail("socket-busy", "ws/send: Another fiber is sending on this socket");
  const Value message = call.arg(1);
  bool room = true;
  if (is_string(message)) {
    room = one->socket->send(as_string(message)->view(), true);
  } else if (is_bytes(message)) {
    room = one->socket->send(
        {reinterpret_cast<const char*>(as_bytes(message)->data()), as_bytes(message)->byte_len},
        false);
  } else {
    return call.fail("type-error",
                     str("ws/send: argument 2: Expected text or bytes, got ", type_name(message)));
  }
  runner_.refuel(call.ticket.task, fuel_);
  if (room) return call.reply(Value::nil());
  one->sending = call.ticket;
}

void Sockets::close(IoCall& call) {
  One* one = find(call);
  if (!one) return;
  std::int64_t code = 1000;
  if (!call.arg(1).is_nil() && !call.integer(1, code)) return;
  std::string reason;
  if (!call.arg(2).is_nil() && !call.text(2, reason)) return;
  if (code != 1000 && (code < 3000 || code > 4999))
    return call.fail("range-error",
                     str("ws/close: Expected the code 1000 or 3000 to 4999, got ", code));
  if (reason.size() > 123)
    return call.fail("range-error", "ws/close: Expected a reason of at most 123 bytes");
  one->socket->close(static_cast<std::uint16_t>(code), reason);
  call.reply(Value::nil());
}

}  // namespace sx
