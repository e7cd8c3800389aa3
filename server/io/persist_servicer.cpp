#include "server/io/persist_servicer.h"

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "engine/base/str.h"
#include "engine/sx.h"
#include "engine/value/collections.h"
#include "engine/value/root_list.h"

namespace sx {

namespace {

using store::CommitOutcome;
using store::Conflict;
using store::Event;
using store::NewEvent;

constexpr std::int64_t kReadLimitDefault = 1'000'000;

// Values read back from kv texts, so that a row read again is parsed only when it says something
// else: the text is compared each time. Values are immutable, so performers may share them.
class ReadBack {
 public:
  explicit ReadBack(Context& cx) : cx_(cx), values_(cx.heap) {}

  Result<Value> value_of(const std::string& key, std::string text) {
    if (const auto found = slots_.find(key); found != slots_.end() && texts_[found->second] == text)
      return values_[found->second];
    SX_TRY(const Value value, read_data(cx_, text));
    keep(key, std::move(text), value);
    return value;
  }

 private:
  static constexpr std::size_t kBytesMax = std::size_t{8} << 20;
  static constexpr std::size_t kEntryBytes = 256;  // about what an entry takes beside its text

  void keep(const std::string& key, std::string text, Value value) {
    if (text.size() > kBytesMax / 16) return;
    if (bytes_ + text.size() + kEntryBytes > kBytesMax) {
      // Begin anew rather than keep count of what was used when.
      slots_.clear();
      texts_.clear();
      values_.truncate(0);
      bytes_ = 0;
    }
    bytes_ += text.size() + kEntryBytes;
    const auto [at, fresh] = slots_.try_emplace(key, texts_.size());
    if (fresh) {
      texts_.push_back(std::move(text));
      values_.push(value);
    } else {
      bytes_ -= texts_[at->second].size() + kEntryBytes;
      texts_[at->second] = std::move(text);
      values_[at->second] = value;
    }
  }

  Context& cx_;
  std::unordered_map<std::string, std::size_t> slots_;
  std::vector<std::string> texts_;
  RootList values_;
  std::size_t bytes_ = 0;
};

// What each op of a commit answers, decided when it is sent.
enum class ReplyShape { Event, Events, Nil, True, Commit };

class Persist {
 public:
  Persist(Runner& runner, store::Store& store, PostToVm post)
      : runner_(runner), store_(store), post_(std::move(post)), read_back_(runner.vm().cx) {}

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

  Result<Value> value_of(const std::string& text) { return read_data(cx(), text); }

  // What was not written by us stays readable as the text it is.
  Value stored_value(const std::string& text) {
    auto read = value_of(text);
    return read.ok() ? read.value() : make_string(cx(), text);
  }

  Value event_value(const Event& event) {
    Context& c = cx();
    Root stream(c.heap, make_string(c, event.stream));
    if (event.compacted) {
      Root seq(c.heap, make_uint(c, event.seq));
      Root pos(c.heap, make_uint(c, event.pos));
      const Field fields[] = {
          {"compacted", Value::tru()}, {"stream", stream}, {"seq", seq}, {"pos", pos}};
      return make_dict(c, fields);
    }
    Root type(c.heap, stored_value(event.type));
    Root data(c.heap, stored_value(event.data));
    Root seq(c.heap, make_uint(c, event.seq));
    Root pos(c.heap, make_uint(c, event.pos));
    Root at(c.heap, make_int(c, event.at_ms));
    const Field fields[] = {{"stream", stream}, {"seq", seq}, {"pos", pos},
                            {"type", type},     {"at", at},   {"data", data}};
    return make_dict(c, fields);
  }

  Value events_value(const std::vector<Event>& events) {
    Root list(cx().heap, Value::empty_list());
    for (std::size_t i = events.size(); i > 0; --i) {
      const Value event = event_value(events[i - 1]);
      list = cx().heap.cons(event, list);
    }
    return list;
  }

  Value seq_list(const store::AppendReply& reply, const std::vector<Event>& sent) {
    std::vector<Event> events = reply.repeated ? reply.events : sent;
    if (!reply.repeated) {
      for (std::size_t i = 0; i < events.size(); ++i) {
        events[i].seq = reply.first_seq + i;
        events[i].pos = reply.first_pos + i;
      }
    }
    return events_value(events);
  }

  static Event sent_event(const std::string& stream, const NewEvent& event) {
    Event out;
    out.stream = stream;
    out.type = event.type;
    out.at_ms = event.at_ms;
    out.data = event.data;
    return out;
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

  bool new_event(IoCall& call, Value type_given, Value at, Value data_given, NewEvent& out) {
    Root type(cx().heap, type_given), data(cx().heap, data_given);
    if (!integer_of(call, at, ":at (milliseconds)", out.at_ms)) return false;
    return text_of(call, type, out.type) && text_of(call, data, out.data);
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

  bool new_events(IoCall& call, Value events, std::vector<NewEvent>& out) {
    const bool good = each(events, [&](Value event) {
      NewEvent made;
      if (!new_event(call, field(event, "type"), field(event, "at"), field(event, "data"), made))
        return false;
      out.push_back(std::move(made));
      return true;
    });
    if (!good) return false;
    if (out.empty()) {
      call.fail("type-error", str(call.op, ": Expected at least one event {:type :at :data}"));
      return false;
    }
    return true;
  }

  // The op as the store takes it; kv-cas compares values, not their text: the present text of an
  // equal value is what the store is told to expect.
  bool cas(IoCall& call, std::string key, Value expected, Value value,
           std::vector<store::Op>& ops) {
    store::KvCas op;
    Root expected_root(cx().heap, expected);
    if (!text_of(call, value, op.value)) return false;
    const bool absent = expected_root.get() == cx().keyword("absent");
    if (!absent) {
      std::string expected_text;
      if (!text_of(call, expected_root, expected_text)) return false;
      op.expected = expected_text;
      auto present = store_.kv_get(key);
      if (present.ok() && present.value()) {
        auto present_value = value_of(present.value()->value);
        if (present_value.ok() && equal(cx(), present_value.value(), expected_root))
          op.expected = present.value()->value;
      }
    }
    op.key = std::move(key);
    ops.push_back(std::move(op));
    return true;
  }

  bool build_op(IoCall& call, Value given, std::vector<store::Op>& ops,
                std::vector<std::vector<Event>>& sent) {
    Root op(cx().heap, given);
    const Value kind = field(op, "op");
    const std::string name = kind.is_keyword() ? std::string(cx().symbols.name(kind.id())) : "";
    std::string target;
    std::vector<Event> events;
    if (name == "append" || name == "append-expect" || name == "append-once") {
      std::vector<NewEvent> news;
      if (!string_of(call, field(op, "stream"), ":stream", target) ||
          !new_events(call, field(op, "events"), news))
        return false;
      for (const NewEvent& event : news) events.push_back(sent_event(target, event));
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
    } else {
      call.fail("type-error", str(call.op,
                                  ": Expected an op {:op :append … | :append-expect | :append-once "
                                  "| :kv-put | :kv-cas | "
                                  ":kv-delete | :truncate | :outbox-put}, got ",
                                  print(cx(), op, {.bytes_max = 120})));
      return false;
    }
    sent.push_back(std::move(events));
    return true;
  }

  // --- sending ---------------------------------------------------------------------------------

  void send(IoCall& call, std::vector<store::Op> ops, std::vector<std::vector<Event>> sent,
            ReplyShape shape) {
    const IoTicket ticket = call.ticket;
    if (!post_) {
      answer(ticket, store::commit_and_wait(store_, std::move(ops)), sent, shape);
      return;
    }
    auto kept = std::make_shared<std::vector<std::vector<Event>>>(std::move(sent));
    store_.commit(std::move(ops), [this, ticket, kept, shape](Result<CommitOutcome> outcome) {
      auto shared = std::make_shared<Result<CommitOutcome>>(std::move(outcome));
      post_([this, ticket, kept, shape, shared] {
        answer(ticket, std::move(*shared), *kept, shape);
      });
    });
  }

  Value conflict_side(const std::variant<std::uint64_t, std::optional<std::string>>& side) {
    if (const auto* seq = std::get_if<std::uint64_t>(&side)) return make_uint(cx(), *seq);
    const auto& text = *std::get_if<std::optional<std::string>>(&side);
    if (!text) return cx().keyword("absent");
    auto v = value_of(*text);
    return v.ok() ? v.value() : Value::nil();
  }

  void answer(const IoTicket& ticket, Result<CommitOutcome> outcome,
              const std::vector<std::vector<Event>>& sent, ReplyShape shape) {
    Context& c = cx();
    if (!outcome.ok()) {
      ticket.fail("store-error", outcome.error().message);
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
        return seq_list(*append, sent[i]);
      if (const auto* outbox = std::get_if<store::OutboxReply>(&reply))
        return make_uint(c, outbox->id);
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

  void send_append(IoCall& call, store::Op op, std::vector<Event> events, ReplyShape shape) {
    std::vector<store::Op> ops;
    ops.push_back(std::move(op));
    send(call, std::move(ops), {std::move(events)}, shape);
  }

  Result<Value> kv_value(const std::string& key, std::string text) {
    return read_back_.value_of(key, std::move(text));
  }

 private:
  Runner& runner_;
  store::Store& store_;
  PostToVm post_;
  ReadBack read_back_;
};

}  // namespace

void add_persist_servicers(Runner& runner, store::Store& store, PostToVm post) {
  auto p = std::make_shared<Persist>(runner, store, std::move(post));

  runner.add("persist/commit", [p](IoCall& call) {
    std::vector<store::Op> ops;
    std::vector<std::vector<Event>> sent;
    const Value list = call.arg(0);
    if (!is_vector(list) && !is_pair(list))
      return call.fail("type-error", str("persist/commit: Expected a list or vector of ops, got ",
                                         type_name(list)));
    if (!p->each(list, [&](Value op) { return p->build_op(call, op, ops, sent); })) return;
    p->send(call, std::move(ops), std::move(sent), ReplyShape::Commit);
  });

  runner.add("persist/append", [p](IoCall& call) {
    std::string stream;
    NewEvent event;
    if (!call.text(0, stream) || !p->new_event(call, call.arg(1), call.arg(2), call.arg(3), event))
      return;
    std::vector<Event> sent{Persist::sent_event(stream, event)};
    p->send_append(call, store::Append{stream, {event}}, std::move(sent), ReplyShape::Event);
  });
  runner.add("persist/append-expect", [p](IoCall& call) {
    std::string stream;
    std::int64_t expected = 0;
    NewEvent event;
    if (!call.text(0, stream) || !call.integer(1, expected) ||
        !p->new_event(call, call.arg(2), call.arg(3), call.arg(4), event))
      return;
    std::vector<Event> sent{Persist::sent_event(stream, event)};
    p->send_append(call, store::AppendExpect{stream, static_cast<std::uint64_t>(expected), {event}},
                   std::move(sent), ReplyShape::Event);
  });
  runner.add("persist/append-batch", [p](IoCall& call) {
    std::string stream;
    std::vector<NewEvent> news;
    if (!call.text(0, stream) || !p->new_events(call, call.arg(1), news)) return;
    std::vector<Event> sent;
    for (const NewEvent& event : news) sent.push_back(Persist::sent_event(stream, event));
    if (call.arg(2).is_nil()) {
      p->send_append(call, store::Append{stream, std::move(news)}, std::move(sent),
                     ReplyShape::Events);
      return;
    }
    std::int64_t expected = 0;
    if (!call.integer(2, expected)) return;
    p->send_append(
        call, store::AppendExpect{stream, static_cast<std::uint64_t>(expected), std::move(news)},
        std::move(sent), ReplyShape::Events);
  });
  runner.add("persist/append-once", [p](IoCall& call) {
    std::string stream, key;
    NewEvent event;
    if (!call.text(0, stream) || !call.text(1, key) ||
        !p->new_event(call, call.arg(2), call.arg(3), call.arg(4), event))
      return;
    std::vector<Event> sent{Persist::sent_event(stream, event)};
    p->send_append(call, store::AppendOnce{stream, key, {event}}, std::move(sent),
                   ReplyShape::Event);
  });
  runner.add("persist/read", [p, &store](IoCall& call) {
    std::string stream;
    std::int64_t from = 1, limit = kReadLimitDefault;
    if (!call.text(0, stream) || !call.integer(1, from)) return;
    if (!call.arg(2).is_nil() && !call.integer(2, limit)) return;
    std::vector<Event> events;
    std::uint64_t at = from < 1 ? 1 : static_cast<std::uint64_t>(from);
    while (static_cast<std::int64_t>(events.size()) < limit) {
      auto slice = store.read(stream, at, static_cast<std::size_t>(limit) - events.size());
      if (!slice.ok()) return call.fail("store-error", slice.error().message);
      for (Event& event : slice->events) {
        at = event.seq + 1;
        events.push_back(std::move(event));
      }
      if (!slice->more || slice->events.empty()) break;
    }
    call.reply(p->events_value(events));
  });
  runner.add("persist/read-all", [p, &store](IoCall& call) {
    std::int64_t from = 1, limit = 1000;
    if (!call.integer(0, from) || !call.integer(1, limit)) return;
    auto slice = store.read_all(from < 1 ? 1 : static_cast<std::uint64_t>(from),
                                static_cast<std::size_t>(limit));
    if (!slice.ok()) return call.fail("store-error", slice.error().message);
    call.reply(p->events_value(slice->events));
  });
  runner.add("persist/last-seq", [p, &store](IoCall& call) {
    std::string stream;
    if (!call.text(0, stream)) return;
    auto last = store.last_seq(stream);
    if (!last.ok()) return call.fail("store-error", last.error().message);
    call.reply(make_uint(p->cx(), last.value()));
  });
  runner.add("persist/streams", [p, &store](IoCall& call) {
    auto streams = store.streams();
    if (!streams.ok()) return call.fail("store-error", streams.error().message);
    Context& cx = p->cx();
    Root list(cx.heap, Value::empty_list());
    for (std::size_t i = streams->size(); i > 0; --i) {
      const Value name = make_string(cx, (*streams)[i - 1].name);
      list = cx.heap.cons(name, list);
    }
    call.reply(list);
  });
  runner.add("persist/truncate-through", [p](IoCall& call) {
    std::string stream;
    std::int64_t through = 0;
    if (!call.text(0, stream) || !call.integer(1, through)) return;
    p->send_append(call,
                   store::Truncate{stream, static_cast<std::uint64_t>(through < 0 ? 0 : through)},
                   {}, ReplyShape::Nil);
  });
  runner.add("persist/kv-get", [p, &store](IoCall& call) {
    std::string key;
    if (!call.text(0, key)) return;
    auto entry = store.kv_get(key);
    if (!entry.ok()) return call.fail("store-error", entry.error().message);
    if (!entry.value()) return call.reply(Value::nil());
    auto value = p->kv_value(key, std::move(entry.value()->value));
    if (!value.ok()) return call.fail("store-error", str("kv ", key, ": ", value.error().message));
    call.reply(value.value());
  });
  runner.add("persist/kv-has", [&store](IoCall& call) {
    std::string key;
    if (!call.text(0, key)) return;
    auto entry = store.kv_get(key);
    if (!entry.ok()) return call.fail("store-error", entry.error().message);
    call.reply(Value::boolean(entry.value().has_value()));
  });
  runner.add("persist/kv-put", [p](IoCall& call) {
    store::KvPut put;
    if (!call.text(0, put.key) || !p->text_of(call, call.arg(1), put.value)) return;
    p->send_append(call, std::move(put), {}, ReplyShape::Nil);
  });
  runner.add("persist/kv-cas", [p](IoCall& call) {
    std::string key;
    if (!call.text(0, key)) return;
    std::vector<store::Op> ops;
    if (!p->cas(call, key, call.arg(1), call.arg(2), ops)) return;
    p->send(call, std::move(ops), {{}}, ReplyShape::True);
  });
  runner.add("persist/kv-delete", [p](IoCall& call) {
    std::string key;
    if (!call.text(0, key)) return;
    p->send_append(call, store::KvDelete{key}, {}, ReplyShape::Nil);
  });
  runner.add("persist/kv-keys", [p, &store](IoCall& call) {
    std::string prefix;
    if (!call.text(0, prefix)) return;
    auto entries = store.kv_list(prefix);
    if (!entries.ok()) return call.fail("store-error", entries.error().message);
    Context& cx = p->cx();
    Root list(cx.heap, Value::empty_list());
    for (std::size_t i = entries->size(); i > 0; --i) {
      const Value key = make_string(cx, (*entries)[i - 1].key);
      list = cx.heap.cons(key, list);
    }
    call.reply(list);
  });
  runner.add("persist/committed",
             [p, &store](IoCall& call) { call.reply(make_uint(p->cx(), store.committed())); });
}

}  // namespace sx
