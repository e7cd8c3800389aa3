#include "server/store/ledger.h"

#include <map>

#include "engine/base/str.h"

namespace sx::store {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

// Collects the first complaint about an op and the bytes of its texts.
class Checker {
 public:
  explicit Checker(std::size_t index) : index_(index) {}

  void name(std::string_view what, std::string_view text) {
    if (text.empty()) complain(str(what, " is empty: give it a name"));
    if (text.size() > kNameBytesMax)
      complain(str(what, " has ", text.size(), " bytes, at most ", kNameBytesMax, " are allowed"));
    if (text.find('\0') != std::string_view::npos)
      complain(str(what, " contains a zero byte: remove it"));
    bytes_ += text.size();
  }
  void text(std::string_view what, std::string_view text) {
    if (text.size() > kTextBytesMax)
      complain(str(what, " has ", text.size(), " bytes, at most ", kTextBytesMax,
                   " are allowed: keep large content as a blob"));
    bytes_ += text.size();
  }
  void events(std::string_view stream, const std::vector<NewEvent>& events) {
    name("the stream", stream);
    if (events.empty()) complain("there is no event to append");
    for (const NewEvent& event : events) {
      name("the event type", event.type);
      text("the event data", event.data);
    }
  }
  std::size_t bytes() const { return bytes_; }
  std::optional<Error> error() const {
    if (message_.empty()) return std::nullopt;
    return Error{str("commit op ", index_, ": ", message_)};
  }

 private:
  void complain(std::string message) {
    if (message_.empty()) message_ = std::move(message);
  }
  std::size_t index_;
  std::size_t bytes_ = 0;
  std::string message_;
};

// The state that the ops so far would leave, as far as conditions can see it. Asking the ledger
// first and writing afterwards is what makes a commit all-or-nothing without undoing anything.
class Foresight {
 public:
  explicit Foresight(Ledger& ledger) : ledger_(ledger) {}

  std::optional<Conflict> step(std::size_t index, const Op& op) {
    return std::visit(Overloaded{
                          [&](const Append& op) { return grow(op.stream, op.events.size()); },
                          [&](const AppendExpect& op) -> std::optional<Conflict> {
                            const std::uint64_t actual = head(op.stream);
                            if (actual != op.expected)
                              return Conflict{index, op.stream, op.expected, actual};
                            return grow(op.stream, op.events.size());
                          },
                          [&](const AppendOnce& op) -> std::optional<Conflict> {
                            auto [at, fresh] = once_.try_emplace({op.stream, op.key}, true);
                            if (!fresh || ledger_.once(op.stream, op.key)) return std::nullopt;
                            return grow(op.stream, op.events.size());
                          },
                          [&](const KvPut& op) { return set(op.key, op.value); },
                          [&](const KvCas& op) -> std::optional<Conflict> {
                            auto actual = value(op.key);
                            if (actual != op.expected)
                              return Conflict{index, op.key, op.expected, actual};
                            return set(op.key, op.value);
                          },
                          [&](const KvDelete& op) { return set(op.key, std::nullopt); },
                          [](const auto&) -> std::optional<Conflict> { return std::nullopt; },
                      },
                      op);
  }

 private:
  std::uint64_t head(std::string_view stream) {
    auto [at, fresh] = heads_.try_emplace(stream, 0);
    if (fresh) at->second = ledger_.last_seq(stream);
    return at->second;
  }
  std::optional<Conflict> grow(std::string_view stream, std::size_t count) {
    head(stream);
    heads_[stream] += count;
    return std::nullopt;
  }
  std::optional<std::string> value(std::string_view key) {
    auto found = values_.find(key);
    if (found == values_.end()) return ledger_.kv_value(key);
    if (!found->second) return std::nullopt;
    return std::string(*found->second);
  }
  std::optional<Conflict> set(std::string_view key, std::optional<std::string_view> value) {
    values_[key] = value;
    return std::nullopt;
  }

  Ledger& ledger_;
  std::map<std::string_view, std::uint64_t> heads_;
  std::map<std::string_view, std::optional<std::string_view>> values_;
  std::map<std::pair<std::string_view, std::string_view>, bool> once_;
};

OpReply apply(Ledger& ledger, const Op& op) {
  return std::visit(
      Overloaded{
          [&](const Append& op) -> OpReply { return ledger.append(op.stream, op.events); },
          [&](const AppendExpect& op) -> OpReply { return ledger.append(op.stream, op.events); },
          [&](const AppendOnce& op) -> OpReply {
            if (const auto block = ledger.once(op.stream, op.key)) {
              AppendReply reply;
              reply.repeated = true;
              reply.events = ledger.events(*block);
              reply.first_pos = block->first_pos;
              reply.count = block->count;
              if (!reply.events.empty()) reply.first_seq = reply.events.front().seq;
              return reply;
            }
            AppendReply reply = ledger.append(op.stream, op.events);
            ledger.remember_once(op.stream, op.key, {reply.first_pos, reply.count});
            return reply;
          },
          [&](const KvPut& op) -> OpReply { return ledger.kv_put(op.key, op.value); },
          [&](const KvCas& op) -> OpReply { return ledger.kv_put(op.key, op.value); },
          [&](const KvDelete& op) -> OpReply { return ledger.kv_delete(op.key); },
          [&](const Truncate& op) -> OpReply { return ledger.truncate(op.stream, op.through); },
          [&](const OutboxPut& op) -> OpReply { return ledger.outbox_put(op); },
          [&](const OutboxDone& op) -> OpReply { return ledger.outbox_done(op.id); },
          [&](const OutboxRetry& op) -> OpReply { return ledger.outbox_retry(op.id, op.due_ms); },
      },
      op);
}

}  // namespace

Result<std::size_t> check_commit(const std::vector<Op>& ops) {
  if (ops.empty()) return Error{"the commit has no ops: give at least one"};
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    Checker check(i);
    std::visit(Overloaded{
                   [&](const Append& op) { check.events(op.stream, op.events); },
                   [&](const AppendExpect& op) { check.events(op.stream, op.events); },
                   [&](const AppendOnce& op) {
                     check.events(op.stream, op.events);
                     check.name("the idempotency key", op.key);
                   },
                   [&](const KvPut& op) {
                     check.name("the key", op.key);
                     check.text("the value", op.value);
                   },
                   [&](const KvCas& op) {
                     check.name("the key", op.key);
                     check.text("the value", op.value);
                   },
                   [&](const KvDelete& op) { check.name("the key", op.key); },
                   [&](const Truncate& op) { check.name("the stream", op.stream); },
                   [&](const OutboxPut& op) {
                     check.name("the queue", op.queue);
                     check.text("the message", op.data);
                   },
                   [](const auto&) {},
               },
               ops[i]);
    if (auto error = check.error()) return *error;
    bytes += check.bytes();
  }
  if (bytes > kCommitBytesMax)
    return Error{str("the commit has ", bytes, " bytes of text, at most ", kCommitBytesMax,
                     " are allowed: split it")};
  return bytes;
}

CommitOutcome run_commit(Ledger& ledger, const std::vector<Op>& ops) {
  CommitOutcome outcome;
  Foresight foresight(ledger);
  for (std::size_t i = 0; i < ops.size(); ++i) {
    if (auto conflict = foresight.step(i, ops[i])) {
      outcome.conflict = std::move(conflict);
      return outcome;
    }
  }
  outcome.replies.reserve(ops.size());
  for (const Op& op : ops) outcome.replies.push_back(apply(ledger, op));
  return outcome;
}

}  // namespace sx::store
