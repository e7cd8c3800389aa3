#include "server/worker/streams.h"

#include "engine/base/str.h"
#include "engine/value/collections.h"

namespace sx {

Streams::Streams(Runner& runner, std::int64_t fuel, std::function<void(const std::string&)> log)
    : runner_(runner), fuel_(fuel), log_(std::move(log)) {
  runner_.add("stream/write", [this](IoCall& call) { write(call); });
}

std::shared_ptr<HttpStream> Streams::open(Value producer, bool live, std::string request) {
  auto pinned = std::make_shared<Vm::Pin>(runner_.vm(), producer);
  auto stream = std::make_shared<HttpStream>();
  const std::uint64_t id = ++last_id_;
  stream->start = [this, id, pinned, request = std::move(request)](StreamWriter writer) {
    start(id, pinned->get(), request, std::move(writer));
  };
  stream->signal = [this, id, live](StreamSignal given) { signal(id, live, given); };
  return stream;
}

void Streams::start(std::uint64_t id, Value producer, std::string request, StreamWriter writer) {
  auto made = std::make_unique<One>();
  made->writer = std::move(writer);
  made->request = std::move(request);
  open_[id] = std::move(made);
  const Value args[] = {Value::small_int(static_cast<std::int64_t>(id))};
  const TaskId task = runner_.spawn(
      producer, args, 1, [this, id](Outcome outcome, Value value) { ended(id, outcome, value); },
      {fuel_});
  const auto at = open_.find(id);
  if (at == open_.end()) return;
  at->second->task = task;
  at->second->serial = runner_.serial(task);
}

void Streams::signal(std::uint64_t id, bool live, StreamSignal given) {
  const auto at = open_.find(id);
  if (at == open_.end()) return;
  One& one = *at->second;
  switch (given) {
    case StreamSignal::Room:
      if (const auto ticket = std::exchange(one.parked, std::nullopt)) ticket->reply(Value::nil());
      return;
    case StreamSignal::Gone:
      one.gone = true;
      return runner_.cancel(one.task, one.serial, "client-gone", "The client went away");
    case StreamSignal::Draining:
      if (!live || one.stopping) return;
      one.stopping = true;
      return runner_.cancel(one.task, one.serial, "stopping", "The server is stopping");
  }
}

void Streams::write(IoCall& call) {
  std::int64_t id = 0;
  if (!call.integer(0, id)) return;
  const auto at = open_.find(static_cast<std::uint64_t>(id));
  if (at == open_.end()) return call.fail("stream-ended", "stream/write: The stream has ended");
  One& one = *at->second;
  if (one.parked)
    return call.fail("stream-busy", "stream/write: Another fiber is writing on this stream");
  const Value piece = call.arg(1);
  bool room = true;
  if (is_string(piece)) {
    room = one.writer.write(as_string(piece)->view());
  } else if (is_bytes(piece)) {
    room = one.writer.write(
        {reinterpret_cast<const char*>(as_bytes(piece)->data()), as_bytes(piece)->byte_len});
  } else if (!piece.is_nil()) {
    std::string html;
    if (auto rendered = render_html(call.vm.cx, piece, html); !rendered.ok())
      return call.fail("render-error", rendered.error().message);
    room = one.writer.write(html);
  }
  // A stream may go on for days: its bound is on what it does between two pieces.
  runner_.refuel(call.ticket.task, fuel_);
  if (room || one.gone || one.stopping) return call.reply(Value::nil());
  one.parked = call.ticket;
  // Its cleanup may write a last piece.
  call.ticket.on_cancel([&one] { one.parked.reset(); });
}

void Streams::ended(std::uint64_t id, Outcome outcome, Value value) {
  const auto at = open_.find(id);
  if (at == open_.end()) return;
  const std::unique_ptr<One> one = std::move(at->second);
  open_.erase(at);
  if (outcome == Outcome::Returned || one->stopping) return one->writer.finish();
  // Dropped unfinished, the writer cuts the connection: the client sees that something is missing.
  if (!one->gone) log_(str(one->request, ": ", describe_error(runner_.vm().cx, value)));
}

}  // namespace sx
