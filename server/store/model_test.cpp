// Random commits against both backends and a model simple enough to be seen to be right. The seed
// is printed with every failure; SX_STORE_SEED repeats a run.
#include <cstdlib>
#include <map>
#include <random>

#include "server/store/test_support.h"

using namespace sx;
using namespace sx::store;

namespace {

// The whole store as plain maps. A commit works on a copy and keeps it only if all went well.
struct Model {
  struct Rec {
    std::string stream, type, data;
    std::uint64_t seq;
    std::int64_t at;
    bool compacted = false;
  };
  std::vector<Rec> log;
  std::map<std::string, std::vector<std::size_t>> streams;  // indices into log
  std::map<std::string, std::uint64_t> truncated;
  std::map<std::pair<std::string, std::string>, std::pair<std::size_t, std::size_t>> once;
  std::map<std::string, std::string> kv;
  std::map<std::uint64_t, OutboxItem> outbox;

  std::uint64_t head(const std::string& s) const {
    const auto it = streams.find(s);
    return it == streams.end() ? 0 : it->second.size();
  }
  void append(const std::string& s, const std::vector<NewEvent>& events) {
    for (const auto& e : events) {
      log.push_back({s, e.type, e.data, head(s) + 1, e.at_ms});
      streams[s].push_back(log.size() - 1);
    }
  }
  // The op's conflict, or what it did. Outbox ids are the store's to choose: taken from its reply.
  std::optional<Conflict> apply(std::size_t index, const Op& any, const OpReply* reply) {
    using Value = std::optional<std::string>;
    if (auto* op = std::get_if<Append>(&any)) append(op->stream, op->events);
    if (auto* op = std::get_if<AppendExpect>(&any)) {
      if (head(op->stream) != op->expected)
        return Conflict{index, op->stream, op->expected, head(op->stream)};
      append(op->stream, op->events);
    }
    if (auto* op = std::get_if<AppendOnce>(&any)) {
      const std::pair key{op->stream, op->key};
      if (!once.count(key)) {
        once[key] = {log.size(), op->events.size()};
        append(op->stream, op->events);
      }
    }
    if (auto* op = std::get_if<KvPut>(&any)) kv[op->key] = op->value;
    if (auto* op = std::get_if<KvCas>(&any)) {
      const Value actual = kv.count(op->key) ? Value(kv[op->key]) : Value();
      if (actual != op->expected) return Conflict{index, op->key, op->expected, actual};
      kv[op->key] = op->value;
    }
    if (auto* op = std::get_if<KvDelete>(&any)) kv.erase(op->key);
    if (auto* op = std::get_if<Truncate>(&any)) {
      for (std::size_t i :
           streams.count(op->stream) ? streams[op->stream] : std::vector<std::size_t>{})
        if (log[i].seq <= op->through) {
          truncated[op->stream] = std::max(truncated[op->stream], log[i].seq);
          log[i].compacted = true;
        }
    }
    if (auto* op = std::get_if<OutboxPut>(&any); op && reply) {
      const std::uint64_t id = std::get<OutboxReply>(*reply).id;
      outbox[id] = {id, op->queue, op->data, op->due_ms, 0};
    }
    if (auto* op = std::get_if<OutboxDone>(&any)) outbox.erase(op->id);
    if (auto* op = std::get_if<OutboxRetry>(&any); op && outbox.count(op->id)) {
      outbox[op->id].due_ms = op->due_ms;
      outbox[op->id].attempts++;
    }
    return std::nullopt;
  }
};

class Walk {
 public:
  explicit Walk(std::uint64_t seed) : random_(seed) {}

  std::vector<Op> commit(const Model& model) {
    std::vector<Op> ops(1 + below(below(4) == 0 ? 6 : 1));
    for (Op& op : ops) op = one(model);
    return ops;
  }
  std::size_t below(std::size_t n) { return random_() % n; }
  std::string stream() { return std::string("s") + char('a' + below(5)); }

 private:
  std::string key() { return std::string("k/") + char('a' + below(6)); }
  std::vector<NewEvent> events() {
    std::vector<NewEvent> out(1 + below(3));
    for (auto& e : out)
      e = {":t" + std::to_string(below(3)), std::int64_t(below(1000)) - 500,
           std::string(below(below(20) == 0 ? 9000 : 30), char('a' + below(26)))};
    return out;
  }
  std::uint64_t about(std::uint64_t n) { return below(3) ? n : n + below(3) - (n ? 1 : 0); }
  Op one(const Model& m) {
    const std::string s = stream(), k = key();
    const std::string v = std::to_string(below(4));
    const std::uint64_t id = m.outbox.empty() ? below(50) : m.outbox.begin()->first;
    switch (below(12)) {
      case 0:
      case 1:
        return Append{s, events()};
      case 2:
      case 3:
        return AppendExpect{s, about(m.head(s)), events()};
      case 4:
        return AppendOnce{s, "once" + std::to_string(below(40)), events()};
      case 5:
        return KvPut{k, v};
      case 6:
      case 7: {
        const auto it = m.kv.find(k);
        auto expected = it == m.kv.end() ? std::nullopt : std::optional(it->second);
        if (below(3) == 0) expected = std::to_string(below(4));
        return KvCas{k, expected, v};
      }
      case 8:
        return KvDelete{k};
      case 9:
        return Truncate{s, below(m.head(s) + 3)};
      case 10:
        return OutboxPut{below(2) ? "q" : "r", v, std::int64_t(below(100))};
      default:
        return below(2) ? Op(OutboxDone{id}) : Op(OutboxRetry{id, std::int64_t(below(100))});
    }
  }
  std::mt19937_64 random_;
};

void compare_reads(Store& store, const Model& model, Walk& walk) {
  const std::string name = walk.stream();
  const std::uint64_t from = walk.below(model.head(name) + 3);
  const std::size_t limit = walk.below(20);
  const auto slice = store.read(name, from, limit);
  REQUIRE(slice.ok());
  const std::uint64_t truncated = model.truncated.count(name) ? model.truncated.at(name) : 0;
  const std::uint64_t wanted = std::max<std::uint64_t>(from, 1);
  REQUIRE(slice->compacted_through == (wanted <= truncated ? truncated : 0));
  std::size_t at = 0;
  for (std::uint64_t seq = std::max(wanted, truncated + 1); seq <= model.head(name) && at < limit;
       ++seq, ++at) {
    REQUIRE(at < slice->events.size());
    const Event& e = slice->events[at];
    const Model::Rec& r = model.log[model.streams.at(name)[seq - 1]];
    REQUIRE(e.seq == seq);
    REQUIRE(e.type == r.type);
    REQUIRE(e.data == r.data);
    REQUIRE(e.at_ms == r.at);
  }
  REQUIRE(slice->events.size() == at);
  REQUIRE(store.last_seq(name).value() == model.head(name));
}

void compare_all(Store& store, const Model& model) {
  REQUIRE(store.committed() == model.log.size());
  const auto all = store.read_all(1, SIZE_MAX);
  REQUIRE(all->events.size() == model.log.size());
  for (std::size_t i = 0; i < model.log.size(); ++i) {
    const Event& e = all->events[i];
    const Model::Rec& r = model.log[i];
    REQUIRE(e.pos == i + 1);
    REQUIRE(e.stream == r.stream);
    REQUIRE(e.seq == r.seq);
    REQUIRE(e.compacted == r.compacted);
    if (!r.compacted) REQUIRE(e.data == r.data);
  }
  std::map<std::string, std::string> kv;
  const auto entries = store.kv_list("");
  for (const auto& entry : entries.value()) kv[entry.key] = entry.value;
  REQUIRE(kv == model.kv);
  std::map<std::uint64_t, OutboxItem> outbox;
  const auto items = store.outbox_due("", 1000, SIZE_MAX);
  for (const auto& item : items.value()) outbox[item.id] = item;
  REQUIRE(outbox == model.outbox);
  for (const auto& [key, block] : model.once) {
    const auto events = store.read_once(key.first, key.second);
    REQUIRE(events->size() == block.second);
    REQUIRE(events->front().pos == block.first + 1);
  }
  const auto streams = store.streams();
  REQUIRE(streams->size() == model.streams.size());
  const auto report = store.verify();
  REQUIRE_FALSE(report->bad.has_value());
}

void compare_replies(const std::vector<OpReply>& left, const std::vector<OpReply>& right) {
  REQUIRE(left.size() == right.size());
  for (std::size_t i = 0; i < left.size(); ++i) {
    REQUIRE(left[i].index() == right[i].index());
    if (auto* x = std::get_if<AppendReply>(&left[i])) {
      const auto& y = std::get<AppendReply>(right[i]);
      REQUIRE(x->first_seq == y.first_seq);
      REQUIRE(x->first_pos == y.first_pos);
      REQUIRE(x->count == y.count);
      REQUIRE(x->repeated == y.repeated);
      REQUIRE(x->events == y.events);
    }
    if (auto* x = std::get_if<KvReply>(&left[i])) {
      REQUIRE(x->version == std::get<KvReply>(right[i]).version);
      REQUIRE(x->existed == std::get<KvReply>(right[i]).existed);
    }
    if (auto* x = std::get_if<OutboxReply>(&left[i])) {
      REQUIRE(x->id == std::get<OutboxReply>(right[i]).id);
      REQUIRE(x->existed == std::get<OutboxReply>(right[i]).existed);
    }
  }
}

}  // namespace

TEST_CASE("random commits leave all backends as the model says, through reopening") {
  const char* given = std::getenv("SX_STORE_SEED");
  const std::uint64_t seed = given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  MESSAGE("SX_STORE_SEED=", seed);
  TempDir dir;
  // What is tested here does not need the disk.
  const std::string url = Postgres::server().fresh_url();
  const auto open_sqlite = [&] { return must_open(dir / "m.db", {nullptr, false}); };
  const auto open_pg = [&] { return must_open_pg(url, {.sync = false}); };
  std::vector<std::unique_ptr<Store>> stores;
  stores.push_back(open_memory_store());
  stores.push_back(open_sqlite());
  stores.push_back(open_pg());
  Model model;
  Walk walk(seed);
  std::size_t conflicts = 0, ops_done = 0;
  for (int round = 0; round < 4'000; ++round) {
    const std::vector<Op> ops = walk.commit(model);
    ops_done += ops.size();
    const auto first = commit_and_wait(*stores[0], ops);
    REQUIRE(first.ok());
    Model next = model;  // commits are all or nothing
    std::optional<Conflict> conflict;
    for (std::size_t i = 0; i < ops.size() && !conflict; ++i)
      conflict = next.apply(i, ops[i], first->conflict ? nullptr : &first->replies[i]);
    REQUIRE(first->conflict == conflict);
    if (conflict) {
      ++conflicts;
    } else {
      model = std::move(next);
    }
    for (std::size_t s = 1; s < stores.size(); ++s) {
      CAPTURE(s);
      const auto other = commit_and_wait(*stores[s], ops);
      REQUIRE_MESSAGE(other.ok(), other.error().message);
      REQUIRE(first->conflict == other->conflict);
      compare_replies(first->replies, other->replies);
    }
    if (round % 8 == 0)
      for (auto& store : stores) compare_reads(*store, model, walk);
    if (round % 500 == 499) {
      for (auto& store : stores) compare_all(*store, model);
      stores.resize(1);
      stores.push_back(open_sqlite());
      stores.push_back(open_pg());
      for (auto& store : stores) compare_all(*store, model);
    }
  }
  CHECK(ops_done >= 5'000);
  CHECK(conflicts > 100);
  for (auto& store : stores) CHECK(store->verify()->head == stores[0]->verify()->head);
}
