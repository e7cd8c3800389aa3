// Export and import between all backends, exports that were changed, damaged stores read for
// rescue, blobs that nothing names.
#include "server/store/dump.h"

#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>

#include "server/store/sqlite_db.h"
#include "server/store/test_support.h"

using namespace sx;
using namespace sx::store;

namespace {

bool says(const std::string& message, std::string_view part) {
  CAPTURE(message);
  const bool found = message.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

std::string exported(Store& store) {
  std::string text;
  DumpWriter writer([&](std::string_view piece) -> Result<void> {
    text += piece;
    return {};
  });
  const auto done = store.dump([&](const Row& row) { return writer.row(row); });
  REQUIRE_MESSAGE(done.ok(), done.error().message);
  REQUIRE(writer.finish().ok());
  return text;
}

std::string import_error(const std::string& text) {
  auto store = open_memory_store();
  const auto done = load_dump(*store, nullptr, lines_of(text));
  REQUIRE_FALSE(done.ok());
  CHECK(store->committed() == 0);
  CHECK(store->kv_list("")->empty());
  must_append(*store, "a", {"1"});  // the store works on
  return done.error().message;
}

// One of everything, odd bytes included.
void fill(Store& s) {
  must_append(s, "a", {"1", "2", "3", "4"});
  must(s, {Append{"b\xff", {{":t\"\\", -5, std::string("zero\0, line\n, \xc3\x28", 14)}}}});
  must(s, {AppendOnce{"a", "key 1", {event("5"), event("6")}}});
  must(s, {KvPut{"k", "v"}, KvPut{"gone", "x"}, KvPut{"ä", "\x01ö\xfe"}});
  must(s, {KvDelete{"gone"}, OutboxPut{"q", "m", 5}, OutboxPut{"q", "n", 6}});
  must(s, {OutboxRetry{s.outbox_due("q", 5, 1)->at(0).id, 9}});
  must(s, {Truncate{"a", 3}});
  must_append(s, "whole", {"x", "y"});
  must(s, {Truncate{"whole", 2}});
}

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE(
    "an export into any backend from any backend is the same store, and goes on as it would") {
  std::string first;
  on_each_backend([&](Store& from) {
    fill(from);
    const std::string text = exported(from);
    if (first.empty()) first = text;
    CHECK(text == first);
    on_each_backend([&](Store& to) {
      const auto loaded = load_dump(to, nullptr, lines_of(text));
      REQUIRE_MESSAGE(loaded.ok(), loaded.error().message);
      CHECK(loaded->events == 9);
      CHECK(loaded->kv_keys == 2);
      CHECK(to.committed() == 9);
      CHECK(exported(to) == text);
      CHECK(to.verify()->head == from.verify()->head);
      // Numbers go on where they stood.
      CHECK(must_append(to, "whole", {"z"}).first_seq == 3);
      CHECK(std::get<KvReply>(must(to, {KvPut{"new", "1"}}).at(0)).version == 7);
      const auto again =
          std::get<AppendReply>(must(to, {AppendOnce{"a", "key 1", {event("no")}}}).at(0));
      CHECK(again.repeated);
      CHECK(again.first_seq == 5);
      CHECK(to.read("a", 1, 9)->compacted_through == 3);
    });
  });
}

TEST_CASE("an export taken while writers write is one moment of the store") {
  on_each_backend([](Store& s) {
    for (int i = 0; i < 200; ++i) must_append(s, "a", {"x"});
    std::atomic<bool> stop{false};
    std::thread writer([&] {
      for (int i = 1; !stop; ++i)
        (void)commit_and_wait(s, {Append{"a", {event("y")}}, KvPut{"n", std::to_string(i)},
                                  Truncate{"a", static_cast<std::uint64_t>(i)}});
    });
    for (int round = 0; round < 5; ++round) {
      auto copy = open_memory_store();
      const auto loaded = load_dump(*copy, nullptr, lines_of(exported(s)));
      REQUIRE_MESSAGE(loaded.ok(), loaded.error().message);
      must_verify(*copy);
      // Each commit of the writer is there whole or not at all.
      const auto n = copy->kv_get("n").value();
      CHECK(copy->committed() == 200 + (n ? std::stoull(n->value) : 0));
    }
    stop = true;
    writer.join();
  });
}

TEST_CASE("import refuses a store that is not empty, and leaves it as it is") {
  auto from = open_memory_store();
  fill(*from);
  const std::string text = exported(*from);
  on_each_backend([&](Store& s) {
    must(s, {KvPut{"k", "mine"}});
    const auto refused = load_dump(s, nullptr, lines_of(text));
    REQUIRE_FALSE(refused.ok());
    says(refused.error().message, "the store is not empty");
    CHECK(s.kv_get("k").value()->value == "mine");
    must_append(s, "a", {"1"});
  });
}

TEST_CASE("an export that was changed or cut is refused with its line, and nothing is imported") {
  auto from = open_memory_store();
  fill(*from);
  const std::string text = exported(*from);
  const auto changed = [&](std::string_view part, std::string_view by) {
    std::string copy = text;
    const std::size_t at = copy.find(part);
    REQUIRE(at != std::string::npos);
    return copy.replace(at, part.size(), by);
  };
  says(import_error("hello\n"), "line 1: expected '{', found 'hello'");
  says(import_error("{\"format\":\"other\"}\n"), "is not an export");
  says(import_error(changed("\"version\":1", "\"version\":7")), "has version 7, this sx reads");
  says(import_error(text.substr(0, text.size() / 2)), "expected");
  says(import_error(text.substr(0, text.rfind("{\"lines\""))), "without its closing line");
  says(import_error(changed("\"data\":\"4\"", "\"data\":\"5\"")),
       "line 5: the hash of event 4 does not match");
  says(import_error(changed("\"value\":\"v\"", "\"value\":\"w\"")), "do not have this SHA-256");
  says(import_error(changed("\"seq\":4", "\"seq\":5")), "line 5: the event has pos 4 and seq 5");
  says(import_error(changed("\"at\":7", "\"at\":\"7\"")), "the number \"at\" is missing");
  says(import_error(changed("{\"key\"", "{\"cow\"")), "knows no such line");
  says(import_error(changed("\"through\":3", "\"through\":2")),
       "event 3 of the stream is compacted");
  const std::size_t line = text.find("{\"pos\":2");
  std::string shorter = text;
  shorter.erase(line, text.find('\n', line) + 1 - line);
  says(import_error(shorter), "lines are missing or in another order");
}

TEST_CASE("blobs travel with an export, and their content is checked") {
  TempDir dir;
  auto from = BlobStore::open(dir / "from").take();
  auto to = BlobStore::open(dir / "to").take();
  const std::string large(700'000, 'x');
  std::string text;
  DumpWriter writer([&](std::string_view piece) -> Result<void> {
    text += piece;
    return {};
  });
  auto store = open_memory_store();
  REQUIRE(store->dump([&](const Row& row) { return writer.row(row); }).ok());
  for (const std::string& content : {large, std::string("small"), std::string()}) {
    const auto ref = from.put(content);
    REQUIRE(ref.ok());
    for (std::uint64_t at = 0; at == 0 || at < ref->size; at += 300'000)
      REQUIRE(writer.blob(*ref, at, *from.read(ref->cid, at, 300'000)).ok());
  }
  REQUIRE(writer.finish().ok());
  auto target = open_memory_store();
  const auto loaded = load_dump(*target, &to, lines_of(text));
  REQUIRE_MESSAGE(loaded.ok(), loaded.error().message);
  CHECK(loaded->blobs == 3);
  CHECK(to.list().value() == from.list().value());
  CHECK(to.get(from.put(large)->cid).value() == large);
}

TEST_CASE("ranges of a blob are its bytes, compressed or not") {
  TempDir dir;
  auto blobs = BlobStore::open(dir / "b").take();
  std::string packed, raw;
  for (int i = 0; i < 60'000; ++i) packed += "line " + std::to_string(i) + "\n";
  std::uint64_t noise = 88172645463325252ull;
  for (int i = 0; i < 40'000; ++i) {
    noise ^= noise << 13;
    noise ^= noise >> 7;
    noise ^= noise << 17;
    raw.append(reinterpret_cast<const char*>(&noise), 8);
  }
  for (const std::string& content : {packed, raw}) {
    const auto ref = blobs.put(content);
    REQUIRE(ref.ok());
    for (const auto& [from, length] :
         std::vector<std::pair<std::size_t, std::size_t>>{{0, 10},
                                                          {5, 0},
                                                          {131'070, 10},
                                                          {200'000, 100'000},
                                                          {content.size() - 3, 100},
                                                          {content.size() + 9, 5},
                                                          {0, content.size()}}) {
      CAPTURE(from);
      const auto part = blobs.read(ref->cid, from, length);
      REQUIRE_MESSAGE(part.ok(), part.error().message);
      CHECK(*part == (from > content.size() ? "" : content.substr(from, length)));
    }
    const auto stat = blobs.stat(ref->cid);
    REQUIRE(stat.ok());
    CHECK(*stat == *ref);
  }
  CHECK_FALSE(blobs.read(std::string(64, 'a'), 0, 1).ok());
}

TEST_CASE("blobs that nothing names go after the grace time, all others stay") {
  TempDir dir;
  auto blobs = BlobStore::open(dir / "b").take();
  const auto put = [&](const std::string& text) { return blobs.put(text)->cid; };
  auto s = open_memory_store();
  const std::string in_event = put("event"), in_value = put("value"), in_outbox = put("outbox"),
                    in_key = put("key"), nowhere = put("nowhere"), compacted = put("compacted");
  must(*s, {Append{"a", {event("{:img \"/media/" + in_event + ".png\"}")}},
            KvPut{"k", "(\"" + in_value + "\")"}, KvPut{"blob/" + in_key, "1"},
            OutboxPut{"q", "x" + in_outbox, 0}, Append{"b", {event(compacted)}}});
  must(*s, {Truncate{"b", 1}});
  CHECK(sweep_blobs(*s, blobs, 3600)->removed == 0);  // all are young
  const auto sweep = sweep_blobs(*s, blobs, 0);
  REQUIRE_MESSAGE(sweep.ok(), sweep.error().message);
  CHECK(sweep->removed == 2);
  CHECK(sweep->kept == 4);
  CHECK(sweep->bytes == std::string("nowhere").size() + std::string("compacted").size());
  for (const std::string& cid : {in_event, in_value, in_outbox, in_key}) CHECK(blobs.has(cid));
  CHECK_FALSE(blobs.has(nowhere));
}

TEST_CASE("flipped bytes anywhere in a store file: found or harmless, and rescue reads the rest") {
  TempDir dir;
  constexpr int kEvents = 400;
  {
    auto s = must_open(dir / "s.db");
    for (int i = 0; i < kEvents; i += 20) {
      Append op{"a", {}};
      for (int k = 0; k < 20; ++k)
        op.events.push_back(event("event " + std::to_string(i + k) + std::string(300, 'x')));
      must(*s, {op, KvPut{"k" + std::to_string(i), std::string(200, 'v')}});
    }
  }
  const std::string good = slurp(dir / "s.db");
  int found = 0, harmless = 0;
  for (std::size_t at = 100; at < good.size(); at += 3'001) {
    CAPTURE(at);
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x5a);
    std::ofstream(dir / "bad.db", std::ios::binary) << bad;
    bool seen = false;
    if (auto store = open_sqlite_store(dir / "bad.db"); !store.ok()) {
      seen = true;
      CHECK(store.error().message.size() > 20);
    } else {
      const auto report = (*store)->verify();
      seen = !report.ok() || report->bad.has_value();
      // What verify calls good reads back as it was written.
      if (!seen) {
        int wrong = 0, n = 0;
        const auto all = (*store)->read_all(1, SIZE_MAX);
        for (const Event& e : all->events)
          wrong += e.data != "event " + std::to_string(n++) + std::string(300, 'x');
        CHECK(wrong == 0);
        CHECK(n == kEvents);
      }
    }
    seen ? ++found : ++harmless;
    if (!seen) continue;
    std::ofstream(dir / "bad.db", std::ios::binary) << bad;
    std::uint64_t readable = 0, damaged = 0;
    const auto rescued = rescue_sqlite_store(
        dir / "bad.db",
        [&](const Row& row) -> Result<void> {
          if (const auto* e = std::get_if<Event>(&row))
            readable += e->data == "event " + std::to_string(e->pos - 1) + std::string(300, 'x');
          return {};
        },
        [&](const BadRecord&) -> Result<void> {
          ++damaged;
          return {};
        });
    CHECK(slurp(dir / "bad.db") == bad);  // nothing was changed
    if (rescued.ok()) CHECK(readable >= kEvents - 40);
  }
  CHECK(found > 20);
  MESSAGE(found, " found, ", harmless, " harmless");
}

TEST_CASE("a store damaged at its end is not opened for writing, and the place is named") {
  TempDir dir;
  {
    auto s = must_open(dir / "s.db");
    must_append(*s, "a", {"1", "2", "3"});
  }
  {
    SqliteDb db(dir / "s.db", nullptr, SQLITE_OPEN_READWRITE);
    db.exec("UPDATE event SET data='forged' WHERE pos=2");
  }
  const std::string before = slurp(dir / "s.db");
  const auto refused = open_sqlite_store(dir / "s.db");
  REQUIRE_FALSE(refused.ok());
  says(refused.error().message, "is damaged at position 2 (stream a, seq 2)");
  says(refused.error().message, "Nothing was changed");
  CHECK(slurp(dir / "s.db") == before);
}

TEST_CASE("compacting gives the space of truncated events back") {
  TempDir dir;
  auto s = must_open(dir / "s.db", {nullptr, false});
  for (int i = 0; i < 50; ++i) must_append(*s, "a", {std::string(20'000, 'x')});
  must(*s, {Truncate{"a", 50}});
  const auto report = s->compact();
  REQUIRE_MESSAGE(report.ok(), report.error().message);
  CHECK(report->bytes_before > 1'000'000);
  CHECK(report->bytes_after < 200'000);
  must_verify(*s);
  CHECK(must_append(*s, "a", {"go on"}).first_seq == 51);
  on_each_backend([](Store& each) {
    must_append(each, "a", {"1"});
    CHECK(each.compact().ok());
  });
}
