#include "server/io/persist_servicer.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <string>

#include "engine/base/str.h"
#include "engine/sx.h"
#include "engine/value/collections.h"
#include "engine/value/root_list.h"
#include "server/io/event_cache.h"
#include "server/io/event_range.h"
#include "server/io/read_back.h"
#include "server/io/store_errors.h"
#include "server/io/vm_gate.h"
#include "server/io/waiting_values.h"
#include "server/store/ledger.h"

namespace sx {

namespace {

using store::CommitOutcome;
using store::Conflict;
using store::Event;
using store::NewEvent;

constexpr std::int64_t kReadLimitDefault = 1'000'000;
constexpr std::int64_t kWaitMsMax = 3'600'000;

// What each op of a commit answers, decided when it is sent.
enum class ReplyShape { Event, Events, Nil, True, Commit };

class Persist {
 public:
  Persist(Runner& runner, store::Store& store, PostToVm post)
      : runner_(runner),
        store_(store),
        event_slots_(runner.vm().cx.heap),
        waiting_(runner.vm().cx.heap),
        gate_(post ? std::make_shared<VmGate>(std::move(post)) : nullptr),
        read_back_(runner.vm().cx),
        read_events_(runner.vm().cx.heap),
        event_cache_(runner.vm().cx) {}
  ~Persist() {
    if (gate_) gate_->shut();
  }

  Context& cx() { return runner_.vm().cx; }

  // --- values and text -------------------------------------------------------------------------

  // A value as it is stored; false: it cannot be (mutable, functions …) and the call has failed.
  // May collect: callers keep what they still need in Roots.
  bool text_of(IoCall& call, Value v, std::string& out) {
    Root value(cx().heap, v);
    out = print(cx(), value);
    // What does not read back prints as #<…>; the same two characters may stand in a string.
    if (out.find("#<") == std::string::npos || read_data(cx(), out).ok()) return true;
    call.fail("type-error", str(call.op, ": Expected a value that reads back, got ",
                                print(cx(), value, {.bytes_max = 120})));
    return false;
  }

  Result<Value> value_of(std::string_view text) { return read_data(cx(), text); }

  // What was not written by us stays readable as the text it is.
  Value stored_value(std::string_view text) {
    auto read = value_of(text);
    return read.ok() ? read.value() : make_string(cx(), text);
  }

  // Most events of a reply share stream and type: those are made once.
  Value event_value(std::string_view stream_name, const store::EventView& event) {
    Context& c = cx();
    if (event.compacted) {
      Root stream(c.heap, make_string(c, stream_name));
      Root seq(c.heap, make_uint(c, event.seq));
      Root pos(c.heap, make_uint(c, event.pos));
      const Field fields[] = {
          {"compacted", Value::tru()}, {"stream", stream}, {"seq", seq}, {"pos", pos}};
      return make_dict(c, fields);
    }
    prepare_slots(stream_name);
    if (event.type != last_type_) {
      event_slots_[7] = stored_value(event.type);
      last_type_ = event.type;
    }
    event_slots_[3] = make_uint(c, event.seq);
    event_slots_[5] = make_uint(c, event.pos);
    event_slots_[9] = make_int(c, event.at_ms);
    event_slots_[11] = stored_value(event.data);
    return dict_from_entries(c, event_slots_.data(), 6);
  }

  void prepare_slots(std::string_view stream_name) {
    Context& c = cx();
    if (event_slots_.size() == 0) {
      for (const char* key : {"stream", "seq", "pos", "type", "at", "data"}) {
        event_slots_.push(c.keyword(key));
        event_slots_.push(Value::nil());
      }
    }
    if (event_slots_[1].is_nil() || stream_name != last_stream_) {
      event_slots_[1] = make_string(c, stream_name);
      last_stream_ = stream_name;
    }
  }

  Value event_value(const Event& event) {
    return event_value(
        event.stream, {event.seq, event.pos, event.type, event.at_ms, event.data, event.compacted});
  }

  // What persist/read answers, from a store that answers at once.
  Result<Value> read_stream(const std::string& stream, std::int64_t from, std::int64_t limit) {
    std::uint64_t at = from < 1 ? 1 : static_cast<std::uint64_t>(from);
    std::uint64_t compacted_through = 0;
    const auto wanted = static_cast<std::size_t>(limit < 0 ? 0 : limit);
    const bool page = limit == kReadLimitDefault || wanted <= EventCache::kReadMax;
    read_events_.truncate(0);
    while (read_events_.size() < wanted) {
      SX_TRY(
          const store::Slice slice,
          store_.scan(stream, at, wanted - read_events_.size(), [&](const store::EventView& event) {
            at = event.seq + 1;
            read_events_.push(page && read_events_.size() < EventCache::kReadMax
                                  ? cached_value(stream, event)
                                  : event_value(stream, event));
          }));
      compacted_through = std::max(compacted_through, slice.compacted_through);
      if (!slice.more || at > slice.last) break;
    }
    Root list(cx().heap, Value::empty_list());
    for (std::size_t i = read_events_.size(); i > 0; --i)
      list = cx().heap.cons(read_events_.data()[i - 1], list);
    read_events_.truncate(0);
    return compacted_through == 0 ? list.get() : behind_gap(cx(), stream, compacted_through, list);
  }

  Value cached_value(const std::string& stream, const store::EventView& event) {
    if (event.compacted) return event_value(stream, event);
    if (const Value known = event_cache_.find(stream, event); !known.is_unset()) return known;
    const Value made = event_value(stream, event);
    event_cache_.keep(stream, event, made);
    return made;
  }

  Value events_value(const std::vector<Event>& events) {
    Root list(cx().heap, Value::empty_list());
    for (std::size_t i = events.size(); i > 0; --i) {
      const Value event = event_value(events[i - 1]);
      list = cx().heap.cons(event, list);
    }
    return list;
  }

  Value messages_value(const std::vector<store::OutboxItem>& items) {
    Context& c = cx();
    Root list(c.heap, Value::empty_list());
    for (std::size_t i = items.size(); i > 0; --i) {
      const store::OutboxItem& item = items[i - 1];
      Root id(c.heap, make_uint(c, item.id)), due(c.heap, make_int(c, item.due_ms));
      Root queue(c.heap, make_string(c, item.queue));
      Root data(c.heap, stored_value(item.data));
      Root attempts(c.heap, make_uint(c, item.attempts));
      const Field fields[] = {
          {"id", id}, {"queue", queue}, {"data", data}, {"due", due}, {"attempts", attempts}};
      const Value message = make_dict(c, fields);
      list = c.heap.cons(message, list);
    }
    return list;
  }

  template <class Item, class TextOf>
  Value strings_value(const std::vector<Item>& items, TextOf text_of) {
    Root list(cx().heap, Value::empty_list());
    for (std::size_t i = items.size(); i > 0; --i) {
      const Value text = make_string(cx(), text_of(items[i - 1]));
      list = cx().heap.cons(text, list);
    }
    return list;
  }

  // The events of an op as they were written: what was sent, with its numbers.
  Value appended(const store::AppendReply& reply, const SentOp& sent) {
    if (reply.repeated) return events_value(reply.events);
    Context& c = cx();
    Root list(c.heap, Value::empty_list());
    last_type_.clear();  // the slot of the type is used below
    for (std::size_t i = sent.events.size(); i > 0; --i) {
      const SentEvent& event = sent.events[i - 1];
      prepare_slots(sent.stream);
      event_slots_[3] = make_uint(c, reply.first_seq + i - 1);
      event_slots_[5] = make_uint(c, reply.first_pos + i - 1);
      event_slots_[7] = waiting_.at(event.type);
      event_slots_[9] = make_int(c, event.at_ms);
      event_slots_[11] = waiting_.at(event.data);
      const Value made = dict_from_entries(c, event_slots_.data(), 6);
      list = c.heap.cons(made, list);
    }
    return list;
  }

  // --- building ops ----------------------------------------------------------------------------

  Value field(Value dict, std::string_view key) {
    if (!is_dict(dict)) return Value::nil();
    const Value v = dict_get(cx(), dict, cx().keyword(key));
    return v.is_unset() ? Value::nil() : v;
  }

  bool string_of(IoCall& call, Value v, std::string_view what, std::string& out) {
    if (!is_string(v)) {
      call.fail("type-error",
                str(call.op, ": Expected ", what, " as a string, got ", type_name(v)));
      return false;
    }
    out.assign(as_string(v)->view());
    return true;
  }

  bool integer_of(IoCall& call, Value v, std::string_view what, std::int64_t& out) {
    if (to_int64(v, out)) return true;
    call.fail("type-error",
              str(call.op, ": Expected ", what, " as an integer, got ", type_name(v)));
    return false;
  }

  // A value on its way to the store: its text, and its place until the store has answered.
  bool send_value(IoCall& call, Value v, std::string& text, std::size_t& place) {
    Root value(cx().heap, v);
    if (!text_of(call, value, text)) return false;
    place = waiting_.keep(is_plain(value) ? value.get() : stored_value(text));
    return true;
  }

  bool new_event(IoCall& call, Value type_given, Value at, Value data_given,
                 std::vector<NewEvent>& news, SentOp& sent) {
    Root type(cx().heap, type_given), data(cx().heap, data_given);
    NewEvent event;
    if (!integer_of(call, at, ":at (milliseconds)", event.at_ms)) return false;
    SentEvent kept;
    kept.at_ms = event.at_ms;
    if (!send_value(call, type, event.type, kept.type)) return false;
    if (!send_value(call, data, event.data, kept.data)) {
      waiting_.release(kept.type);
      return false;
    }
    news.push_back(std::move(event));
    sent.events.push_back(kept);
    return true;
  }

  void release(const std::vector<SentOp>& sent) {
    for (const SentOp& op : sent)
      for (const SentEvent& event : op.events) {
        waiting_.release(event.type);
        waiting_.release(event.data);
      }
  }

  // Calls visit for each element of a list or vector until it answers false; visit may collect.
  template <class Visit>
  bool each(Value sequence, Visit visit) {
    Root at(cx().heap, sequence);
    if (is_vector(at)) {
      for (std::uint32_t i = 0; i < vector_count(at); ++i)
        if (!visit(vector_get(at, i))) return false;
      return true;
    }
    for (; is_pair(at); at = cdr(at))
      if (!visit(car(at))) return false;
    return true;
  }

  bool new_events(IoCall& call, Value events, std::vector<NewEvent>& news, SentOp& sent) {
    const bool good = each(events, [&](Value event) {
      return new_event(call, field(event, "type"), field(event, "at"), field(event, "data"), news,
                       sent);
    });
    if (!good) return false;
    if (news.empty()) {
      call.fail("type-error", str(call.op, ": Expected at least one event {:type :at :data}"));
      return false;
    }
    return true;
  }

  // The op as the store takes it. The store compares texts and kv-cas values: see send_again().
  bool cas(IoCall& call, std::string key, Value expected, Value value,
           std::vector<store::Op>& ops) {
    store::KvCas op;
    Root expected_root(cx().heap, expected);
    if (!text_of(call, value, op.value)) return false;
    const bool absent = expected_root.get() == cx().keyword("absent");
    if (!absent) {
      std::string expected_text;
      if (!text_of(call, expected_root, expected_text)) return false;
      op.expected = std::move(expected_text);
    }
    op.key = std::move(key);
    ops.push_back(std::move(op));
    return true;
  }

  // What is sent of the op stays in `sent` also when this fails: the caller releases it.
  bool build_op(IoCall& call, Value given, std::vector<store::Op>& ops, std::vector<SentOp>& sent) {
    Root op(cx().heap, given);
    sent.emplace_back();
    const Value kind = field(op, "op");
    const std::string name = kind.is_keyword() ? std::string(cx().symbols.name(kind.id())) : "";
    std::string target;
    if (name == "append" || name == "append-expect" || name == "append-once") {
      std::vector<NewEvent> news;
      if (!string_of(call, field(op, "stream"), ":stream", target) ||
          !new_events(call, field(op, "events"), news, sent.back()))
        return false;
      sent.back().stream = target;
      if (name == "append") {
        ops.push_back(store::Append{target, std::move(news)});
      } else if (name == "append-expect") {
        std::int64_t expected = 0;
        if (!integer_of(call, field(op, "expected"), ":expected", expected)) return false;
        ops.push_back(
            store::AppendExpect{target, static_cast<std::uint64_t>(expected), std::move(news)});
      } else {
        std::string key;
        if (!string_of(call, field(op, "key"), ":key", key)) return false;
        ops.push_back(store::AppendOnce{target, key, std::move(news)});
      }
    } else if (name == "kv-put" || name == "kv-cas" || name == "kv-delete") {
      if (!string_of(call, field(op, "key"), ":key", target)) return false;
      if (name == "kv-delete") {
        ops.push_back(store::KvDelete{target});
      } else if (name == "kv-put") {
        store::KvPut put{target, {}};
        if (!text_of(call, field(op, "value"), put.value)) return false;
        ops.push_back(std::move(put));
      } else if (!cas(call, target, field(op, "expected"), field(op, "value"), ops)) {
        return false;
      }
    } else if (name == "truncate") {
      std::int64_t through = 0;
      if (!string_of(call, field(op, "stream"), ":stream", target) ||
          !integer_of(call, field(op, "through"), ":through", through))
        return false;
      ops.push_back(store::Truncate{target, static_cast<std::uint64_t>(through < 0 ? 0 : through)});
    } else if (name == "outbox-put") {
      store::OutboxPut put;
      if (!string_of(call, field(op, "queue"), ":queue", put.queue) ||
          !text_of(call, field(op, "data"), put.data) ||
          !integer_of(call, field(op, "due"), ":due", put.due_ms))
        return false;
      ops.push_back(std::move(put));
    } else if (name == "outbox-done" || name == "outbox-retry") {
      std::int64_t id = 0, due_ms = 0;
      if (!integer_of(call, field(op, "id"), ":id", id)) return false;
      const auto message = static_cast<std::uint64_t>(id < 0 ? 0 : id);  // 0 is no message's id
      if (name == "outbox-done") {
        ops.push_back(store::OutboxDone{message});
      } else {
        if (!integer_of(call, field(op, "due"), ":due", due_ms)) return false;
        ops.push_back(store::OutboxRetry{message, due_ms});
      }
    } else {
      call.fail("type-error", str(call.op,
                                  ": Expected an op {:op :append … | :append-expect | :append-once "
                                  "| :kv-put | :kv-cas | "
                                  ":kv-delete | :truncate | :outbox-put | :outbox-done | "
                                  ":outbox-retry}, got ",
                                  print(cx(), op, {.bytes_max = 120})));
      return false;
    }
    return true;
  }

  // --- sending ---------------------------------------------------------------------------------

  // A commit under way: what its answer is made of.
  struct Sent {
    IoTicket ticket;
    std::vector<SentOp> events;  // per op
    ReplyShape shape;
    std::vector<store::Op> ops;  // kept only when one of them may be sent again
  };

  static bool may_repeat(const store::Op& op) {
    const auto* cas = std::get_if<store::KvCas>(&op);
    return cas && cas->expected;
  }

  void send(IoCall& call, std::vector<store::Op> ops, std::vector<SentOp> events,
            ReplyShape shape) {
    auto sent = std::make_shared<Sent>(Sent{call.ticket, std::move(events), shape, {}});
    if (std::any_of(ops.begin(), ops.end(), may_repeat)) sent->ops = ops;
    send(std::move(sent), std::move(ops));
  }

  void send(std::shared_ptr<Sent> sent, std::vector<store::Op> ops) {
    // What cannot be written whatever the store's state is the program's mistake.
    if (const auto good = store::check_commit(ops); !good.ok()) {
      release(sent->events);
      return sent->ticket.fail("store-error", good.error().message);
    }
    if (!gate_) {
      answer(sent, store::commit_and_wait(store_, std::move(ops)));
      return;
    }
    store_.commit(std::move(ops), [this, gate = gate_, sent](Result<CommitOutcome> outcome) {
      auto shared = std::make_shared<Result<CommitOutcome>>(std::move(outcome));
      gate->post(gate, [this, sent, shared] { answer(sent, std::move(*shared)); });
    });
  }

  // A refused kv-cas whose key holds an equal value in other words (the order of keys, say) is sent
  // again with the text that is there. Between the two others may write, so it may be refused anew.
  bool send_again(const std::shared_ptr<Sent>& sent, const Conflict& conflict) {
    if (conflict.index >= sent->ops.size()) return false;
    auto* cas = std::get_if<store::KvCas>(&sent->ops[conflict.index]);
    const auto* actual = std::get_if<std::optional<std::string>>(&conflict.actual);
    if (!cas || !cas->expected || !actual || !*actual || **actual == *cas->expected) return false;
    auto expected_value = value_of(*cas->expected);
    if (!expected_value.ok()) return false;
    Root expected(cx().heap, expected_value.value());
    auto actual_value = value_of(**actual);
    if (!actual_value.ok() || !equal(cx(), actual_value.value(), expected)) return false;
    cas->expected = **actual;
    send(sent, sent->ops);
    return true;
  }

  Value conflict_side(const std::variant<std::uint64_t, std::optional<std::string>>& side) {
    // Signed: a program may have expected a negative seq.
    if (const auto* seq = std::get_if<std::uint64_t>(&side))
      return make_int(cx(), static_cast<std::int64_t>(*seq));
    const auto& text = *std::get_if<std::optional<std::string>>(&side);
    if (!text) return cx().keyword("absent");
    auto v = value_of(*text);
    return v.ok() ? v.value() : Value::nil();
  }

  void answer(const std::shared_ptr<Sent>& sent, Result<CommitOutcome> outcome) {
    if (outcome.ok() && outcome->conflict && send_again(sent, *outcome->conflict)) return;
    answer_once(*sent, outcome);
    release(sent->events);
  }

  void answer_once(const Sent& sent, const Result<CommitOutcome>& outcome) {
    Context& c = cx();
    const IoTicket& ticket = sent.ticket;
    const ReplyShape shape = sent.shape;
    if (!outcome.ok()) {
      ticket.fail(store_down_kind(outcome.error()), outcome.error().message);
      return;
    }
    if (outcome->conflict) {
      const Conflict& conflict = *outcome->conflict;
      Root expected(c.heap, conflict_side(conflict.expected));
      Root actual(c.heap, conflict_side(conflict.actual));
      const Field fields[] = {{"conflict", Value::tru()},
                              {"at", Value::small_int(static_cast<std::int64_t>(conflict.index))},
                              {"expected", expected},
                              {"actual", actual}};
      // A single op's conflict needs no index.
      const Field short_fields[] = {fields[0], fields[2], fields[3]};
      if (shape == ReplyShape::Commit) {
        ticket.reply(make_dict(c, fields));
      } else {
        ticket.reply(make_dict(c, short_fields));
      }
      return;
    }
    auto op_value = [&](std::size_t i) -> Value {
      const auto& reply = outcome->replies[i];
      if (const auto* append = std::get_if<store::AppendReply>(&reply))
        return appended(*append, sent.events[i]);
      if (const auto* outbox = std::get_if<store::OutboxReply>(&reply))
        return outbox->existed ? make_uint(c, outbox->id) : Value::nil();
      return Value::nil();
    };
    switch (shape) {
      case ReplyShape::Nil:
        ticket.reply(Value::nil());
        return;
      case ReplyShape::True:
        ticket.reply(Value::tru());
        return;
      case ReplyShape::Events:
        ticket.reply(op_value(0));
        return;
      case ReplyShape::Event:
        ticket.reply(car(op_value(0)));
        return;
      case ReplyShape::Commit:
        break;
    }
    Root results(c.heap, empty_vector(c));
    for (std::size_t i = 0; i < outcome->replies.size(); ++i) {
      const Value one = op_value(i);
      results = vector_push(c, results, one);
    }
    Root committed(c.heap, make_uint(c, outcome->committed));
    const Field fields[] = {{"results", results}, {"committed", committed}};
    ticket.reply(make_dict(c, fields));
  }

  // One op that appends nothing.
  void send_one(IoCall& call, store::Op op, ReplyShape shape) {
    send_append(call, std::move(op), {}, shape);
  }

  void send_append(IoCall& call, store::Op op, SentOp sent, ReplyShape shape) {
    std::vector<store::Op> ops;
    ops.push_back(std::move(op));
    std::vector<SentOp> events;
    events.push_back(std::move(sent));
    send(call, std::move(ops), std::move(events), shape);
  }

  Result<Value> kv_value(const std::string& key, std::string text) {
    return read_back_.value_of(key, std::move(text));
  }

  // --- reading ---------------------------------------------------------------------------------

  bool answers_at_once() const { return !gate_ || !store_.reads_wait(); }

  // Answers a call from what `read` finds: `answer(ticket, found)` on the VM's thread. A store that
  // is far away is read by a thread of its own meanwhile. `read` owns what it uses.
  template <class Read, class Answer>
  void look(IoCall& call, Read read, Answer answer) {
    const IoTicket ticket = call.ticket;
    if (answers_at_once()) {
      auto found = read();
      if (!found.ok()) return ticket.fail(store_down_kind(found.error()), found.error().message);
      answer(ticket, std::move(*found));
      return;
    }
    const auto wanted = std::make_shared<std::atomic<bool>>(true);
    ticket.on_cancel([wanted] { *wanted = false; });
    store_.read_soon([gate = gate_, ticket, wanted, read = std::move(read), answer]() mutable {
      if (!*wanted) return;  // cancelled before its turn came
      auto found = std::make_shared<decltype(read())>(read());
      gate->post(gate, [ticket, answer, found] {
        if (!found->ok())
          return ticket.fail(store_down_kind(found->error()), found->error().message);
        answer(ticket, std::move(**found));
      });
    });
  }

  // Answers nothing while the store stands at pos, at most for the time given.
  void wait_past(IoCall& call, std::uint64_t pos, std::int64_t timeout_ms) {
    const IoTicket ticket = call.ticket;
    if (!gate_) {
      auto told = std::make_shared<std::promise<std::uint64_t>>();
      auto position = told->get_future();
      store_.wait_past(pos, timeout_ms, [told](std::uint64_t at) { told->set_value(at); });
      return ticket.reply(make_uint(cx(), position.get()));
    }
    if (const std::uint64_t at = store_.committed(); at > pos || timeout_ms <= 0)
      return ticket.reply(make_uint(cx(), at));
    const auto wait =
        store_.wait_past(pos, timeout_ms, [this, gate = gate_, ticket](std::uint64_t at) {
          gate->post(gate, [this, ticket, at] { ticket.reply(make_uint(cx(), at)); });
        });
    ticket.on_cancel([this, wait] { store_.stop_waiting(wait); });
  }

 private:
  Runner& runner_;
  store::Store& store_;
  RootList event_slots_;  // keys and values of the event made last
  std::string last_stream_, last_type_;
  WaitingValues waiting_;
  std::shared_ptr<VmGate> gate_;  // null: no event loop, the servicers wait
  ReadBack read_back_;
  RootList read_events_;  // the events of the read that goes on
  EventCache event_cache_;
};

}  // namespace

void add_persist_servicers(Runner& runner, store::Store& store, PostToVm post) {
  auto p = std::make_shared<Persist>(runner, store, std::move(post));

  runner.add("persist/commit", [p](IoCall& call) {
    std::vector<store::Op> ops;
    std::vector<SentOp> sent;
    const Value list = call.arg(0);
    if (!is_vector(list) && !is_pair(list) && list != Value::empty_list())
      return call.fail("type-error", str("persist/commit: Expected a list or vector of ops, got ",
                                         type_name(list)));
    if (!p->each(list, [&](Value op) { return p->build_op(call, op, ops, sent); }))
      return p->release(sent);
    p->send(call, std::move(ops), std::move(sent), ReplyShape::Commit);
  });

  runner.add("persist/append", [p](IoCall& call) {
    SentOp sent;
    std::vector<NewEvent> news;
    if (!call.text(0, sent.stream) ||
        !p->new_event(call, call.arg(1), call.arg(2), call.arg(3), news, sent))
      return;
    store::Append op{sent.stream, std::move(news)};
    p->send_append(call, std::move(op), std::move(sent), ReplyShape::Event);
  });
  runner.add("persist/append-expect", [p](IoCall& call) {
    SentOp sent;
    std::int64_t expected = 0;
    std::vector<NewEvent> news;
    if (!call.text(0, sent.stream) || !call.integer(1, expected) ||
        !p->new_event(call, call.arg(2), call.arg(3), call.arg(4), news, sent))
      return;
    store::AppendExpect op{sent.stream, static_cast<std::uint64_t>(expected), std::move(news)};
    p->send_append(call, std::move(op), std::move(sent), ReplyShape::Event);
  });
  runner.add("persist/append-batch", [p](IoCall& call) {
    std::int64_t expected = 0;
    if (!call.arg(2).is_nil() && !call.integer(2, expected)) return;
    SentOp sent;
    std::vector<NewEvent> news;
    if (!call.text(0, sent.stream)) return;
    if (!p->new_events(call, call.arg(1), news, sent)) return p->release({sent});
    store::Op op;
    if (call.arg(2).is_nil()) {
      op = store::Append{sent.stream, std::move(news)};
    } else {
      op = store::AppendExpect{sent.stream, static_cast<std::uint64_t>(expected), std::move(news)};
    }
    p->send_append(call, std::move(op), std::move(sent), ReplyShape::Events);
  });
  runner.add("persist/append-once", [p](IoCall& call) {
    SentOp sent;
    std::string key;
    std::vector<NewEvent> news;
    if (!call.text(0, sent.stream) || !call.text(1, key) ||
        !p->new_event(call, call.arg(2), call.arg(3), call.arg(4), news, sent))
      return;
    store::AppendOnce op{sent.stream, std::move(key), std::move(news)};
    p->send_append(call, std::move(op), std::move(sent), ReplyShape::Event);
  });
  runner.add("persist/read", [p, &store](IoCall& call) {
    std::string stream;
    std::int64_t from = 1, limit = kReadLimitDefault;
    if (!call.text(0, stream) || !call.integer(1, from)) return;
    if (!call.arg(2).is_nil() && !call.integer(2, limit)) return;
    if (p->answers_at_once()) {
      const auto events = p->read_stream(stream, from, limit);
      if (!events.ok()) return call.fail(store_down_kind(events.error()), events.error().message);
      return call.reply(events.value());
    }
    p->look(
        call,
        [&store, stream, from, limit] {
          return read_range(store, stream, from, limit, UINT64_MAX);
        },
        [p = p.get(), stream](const IoTicket& ticket, EventRange range) {
          const Value events = p->events_value(range.events);
          ticket.reply(range.compacted_through == 0
                           ? events
                           : behind_gap(p->cx(), stream, range.compacted_through, events));
        });
  });
  runner.add("persist/read-as-of", [p, &store](IoCall& call) {
    std::string stream;
    std::int64_t pos = 0, from = 1, limit = kReadLimitDefault;
    if (!call.text(0, stream) || !call.integer(1, pos) || !call.integer(2, from)) return;
    if (!call.arg(3).is_nil() && !call.integer(3, limit)) return;
    p->look(
        call,
        [&store, stream, from, limit, pos] {
          return read_range(store, stream, from, limit,
                            pos < 0 ? 0 : static_cast<std::uint64_t>(pos));
        },
        [p = p.get()](const IoTicket& ticket, EventRange range) {
          if (range.compacted_through == 0) return ticket.reply(p->events_value(range.events));
          Root through(p->cx().heap, make_uint(p->cx(), range.compacted_through));
          const Field fields[] = {{"compacted-through", through}};
          ticket.reply(make_dict(p->cx(), fields));
        });
  });
  runner.add("persist/read-all", [p, &store](IoCall& call) {
    std::int64_t from = 1, limit = 1000;
    if (!call.integer(0, from) || !call.integer(1, limit)) return;
    p->look(
        call, [&store, from, limit] { return read_all_range(store, from, limit); },
        [p = p.get()](const IoTicket& ticket, const std::vector<Event>& events) {
          ticket.reply(p->events_value(events));
        });
  });
  runner.add("persist/last-seq", [p, &store](IoCall& call) {
    std::string stream;
    if (!call.text(0, stream)) return;
    p->look(
        call, [&store, stream] { return store.last_seq(stream); },
        [p = p.get()](const IoTicket& ticket, std::uint64_t last) {
          ticket.reply(make_uint(p->cx(), last));
        });
  });
  runner.add("persist/streams", [p, &store](IoCall& call) {
    p->look(
        call, [&store] { return store.streams(); },
        [p = p.get()](const IoTicket& ticket, const std::vector<store::StreamInfo>& streams) {
          ticket.reply(p->strings_value(streams, [](const auto& s) { return s.name; }));
        });
  });
  runner.add("persist/truncate-through", [p](IoCall& call) {
    std::string stream;
    std::int64_t through = 0;
    if (!call.text(0, stream) || !call.integer(1, through)) return;
    p->send_one(call,
                store::Truncate{stream, static_cast<std::uint64_t>(through < 0 ? 0 : through)},
                ReplyShape::Nil);
  });
  runner.add("persist/kv-get", [p, &store](IoCall& call) {
    std::string key;
    if (!call.text(0, key)) return;
    p->look(
        call, [&store, key] { return store.kv_get(key); },
        [p = p.get(), key](const IoTicket& ticket, std::optional<store::KvEntry> entry) {
          if (!entry) return ticket.reply(Value::nil());
          auto value = p->kv_value(key, std::move(entry->value));
          if (!value.ok())
            return ticket.fail("store-error", str("kv ", key, ": ", value.error().message));
          ticket.reply(value.value());
        });
  });
  runner.add("persist/kv-has", [p, &store](IoCall& call) {
    std::string key;
    if (!call.text(0, key)) return;
    p->look(
        call, [&store, key] { return store.kv_get(key); },
        [](const IoTicket& ticket, const std::optional<store::KvEntry>& entry) {
          ticket.reply(Value::boolean(entry.has_value()));
        });
  });
  runner.add("persist/kv-put", [p](IoCall& call) {
    store::KvPut put;
    if (!call.text(0, put.key) || !p->text_of(call, call.arg(1), put.value)) return;
    p->send_one(call, std::move(put), ReplyShape::Nil);
  });
  runner.add("persist/kv-cas", [p](IoCall& call) {
    std::string key;
    if (!call.text(0, key)) return;
    std::vector<store::Op> ops;
    if (!p->cas(call, key, call.arg(1), call.arg(2), ops)) return;
    p->send(call, std::move(ops), std::vector<SentOp>(1), ReplyShape::True);
  });
  runner.add("persist/kv-delete", [p](IoCall& call) {
    std::string key;
    if (!call.text(0, key)) return;
    p->send_one(call, store::KvDelete{key}, ReplyShape::Nil);
  });
  runner.add("persist/kv-keys", [p, &store](IoCall& call) {
    std::string prefix;
    if (!call.text(0, prefix)) return;
    p->look(
        call, [&store, prefix] { return store.kv_list(prefix); },
        [p = p.get()](const IoTicket& ticket, const std::vector<store::KvEntry>& entries) {
          ticket.reply(p->strings_value(entries, [](const auto& e) { return e.key; }));
        });
  });
  runner.add("persist/outbox-due", [p, &store](IoCall& call) {
    std::string queue;
    std::int64_t now_ms = 0, limit = 0;
    if (!call.text(0, queue) || !call.integer(1, now_ms) || !call.integer(2, limit)) return;
    p->look(
        call,
        [&store, queue, now_ms, limit] {
          return store.outbox_due(queue, now_ms,
                                  static_cast<std::size_t>(std::max<std::int64_t>(limit, 0)));
        },
        [p = p.get()](const IoTicket& ticket, const std::vector<store::OutboxItem>& items) {
          ticket.reply(p->messages_value(items));
        });
  });
  runner.add("persist/wait-past", [p](IoCall& call) {
    std::int64_t pos = 0, timeout_ms = 0;
    if (!call.integer(0, pos) || !call.integer(1, timeout_ms)) return;
    if (timeout_ms < 0 || timeout_ms > kWaitMsMax)
      return call.fail("range-error",
                       str("persist/wait-past: Expected a time from 0 to ", kWaitMsMax, " ms, got ",
                           timeout_ms, "; wait again when it is over"));
    p->wait_past(call, pos < 0 ? 0 : static_cast<std::uint64_t>(pos), timeout_ms);
  });
  runner.add("persist/committed",
             [p, &store](IoCall& call) { call.reply(make_uint(p->cx(), store.committed())); });
}

}  // namespace sx
