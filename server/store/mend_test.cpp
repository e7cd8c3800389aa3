// Damaged stores, rescued, mended and imported again: what was sound is in its place, what is lost
// is said, no number is given twice.
#include "server/store/mend.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>

#include "engine/base/str.h"
#include "server/store/test_support.h"

using namespace sx;
using namespace sx::store;

namespace {

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The rescue export of a file, or nothing when not even its first page can be read.
std::optional<std::string> rescued(const std::string& path) {
  std::string text;
  DumpWriter writer([&](std::string_view piece) -> Result<void> {
    text += piece;
    return {};
  });
  auto done = rescue_sqlite_store(
      path, [&](const Row& row) { return writer.row(row); },
      [&](const BadRecord& bad) { return writer.damage(bad); });
  if (!done.ok()) return std::nullopt;
  REQUIRE(writer.finish().ok());
  return text;
}

std::unique_ptr<Store> mended(const std::string& text, Mending& report) {
  Mender mender;
  const auto seen = mender.survey(lines_of(text));
  REQUIRE_MESSAGE(seen.ok(), seen.error().message);
  auto store = open_memory_store();
  const auto loaded = load_dump(*store, nullptr, mender.mended(lines_of(text)), false);
  REQUIRE_MESSAGE(loaded.ok(), loaded.error().message);
  report = mender.report();
  return store;
}

std::vector<Event> all_events(Store& store) {
  auto all = store.read_all(1, SIZE_MAX);
  REQUIRE_MESSAGE(all.ok(), all.error().message);
  return all->events;
}

std::string data_of(int n) { return str("\"event ", n, std::string(200 + n % 90, 'x'), "\""); }

// Three streams in turn, one of them truncated, keys, marks and messages.
void fill(Store& store, int events) {
  for (int i = 0; i < events; ++i) {
    const std::string stream(1, static_cast<char>('a' + i % 3));
    must(store, {Append{stream, {event(data_of(i))}},
                 KvPut{str("k", i % 40), str("\"", std::string(100, 'v'), i, "\"")}});
  }
  must(store, {AppendOnce{"a", "mark", {event(data_of(events))}}, OutboxPut{"q", "\"m\"", 5},
               Truncate{"c", 20}});
}

}  // namespace

TEST_CASE(
    "whichever pages of a store are gone, the rest comes back in its place, or nothing does") {
  const char* given = std::getenv("SX_SEED");
  const std::uint64_t seed = given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  MESSAGE("seed ", seed);
  std::mt19937_64 random(seed);
  TempDir dir;
  constexpr int kEvents = 300;
  std::vector<Event> before;
  std::vector<KvEntry> keys;
  {
    auto s = must_open(dir / "s.db");
    fill(*s, kEvents);
    before = all_events(*s);
    keys = *s->kv_list("");
  }
  const std::string good = slurp(dir / "s.db");
  int came_back = 0, with_losses = 0;
  for (int round = 0; round < 60; ++round) {
    CAPTURE(round);
    std::string bad = good;
    for (int pages = 1 + static_cast<int>(random() % 3); pages > 0; --pages) {
      const std::size_t page = 1 + random() % (bad.size() / 4096 - 1);
      if (random() % 2)  // a whole page, or some of its bytes
        for (std::size_t i = 0; i < 4096; ++i) bad[page * 4096 + i] = static_cast<char>(random());
      else
        for (int i = 0; i < 6; ++i) bad[page * 4096 + random() % 4096] ^= 0x41;
    }
    std::ofstream(dir / "bad.db", std::ios::binary) << bad;
    const auto text = rescued(dir / "bad.db");
    CHECK(slurp(dir / "bad.db") == bad);
    if (!text) continue;
    Mender probe;
    if (!probe.survey(lines_of(*text)).ok()) continue;  // two tables contradict each other
    Mending report;
    auto store = mended(*text, report);
    ++came_back;
    must_verify(*store);
    const auto after = all_events(*store);
    std::uint64_t replaced = 0;
    for (const Event& e : after) {
      REQUIRE(e.pos >= 1);
      const bool known = e.pos <= before.size();
      const Event* original = known ? &before[e.pos - 1] : nullptr;
      // Where an index was gone too, which lost one was whose is a guess that fits.
      if (e.type == ":lost" || e.compacted || !original) {
        replaced += e.type == ":lost";
        continue;
      }
      CHECK(e.stream == original->stream);
      CHECK(e.seq == original->seq);
      // What cannot be proven may have been changed.
      if (report.unproven > 0) continue;
      CHECK(e.type == original->type);
      CHECK(e.data == original->data);
    }
    CHECK(replaced <= report.lost + report.changed);
    with_losses += report.lost + report.changed > 0;
    const auto left = store->kv_list("");
    for (const KvEntry& entry : *left) {
      const auto original = std::find_if(keys.begin(), keys.end(),
                                         [&](const KvEntry& k) { return k.key == entry.key; });
      CAPTURE(entry.key);
      REQUIRE(original != keys.end());
      CHECK(entry.value == original->value);
    }
    // It can be written to and goes on behind the last numbers.
    must(*store, {Append{"a", {event("on")}}, KvPut{"k0", "new"}});
    must_verify(*store);
  }
  MESSAGE(came_back, " came back, ", with_losses, " of them with losses");
  CHECK(came_back > 20);
  CHECK(with_losses > 5);
}

TEST_CASE("an event that was changed is kept inside of a :lost one, a damaged key is left out") {
  TempDir dir;
  {
    auto s = must_open(dir / "s.db");
    must(*s, {Append{"a", {event("\"one\""), event("\"two\""), event("\"three\"")}},
              KvPut{"good", "1"}, KvPut{"bad", "\"first value\""}});
  }
  std::string bytes = slurp(dir / "s.db");
  bytes.replace(bytes.find("\"two\""), 5, "\"TWO\"");
  bytes.replace(bytes.find("first value"), 11, "other value");
  std::ofstream(dir / "s.db", std::ios::binary) << bytes;
  const auto text = rescued(dir / "s.db");
  REQUIRE(text);

  auto plain = open_memory_store();
  const auto refused = load_dump(*plain, nullptr, lines_of(*text));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("`sx store import --rescued`") != std::string::npos);
  CHECK(plain->committed() == 0);

  Mending report;
  auto store = mended(*text, report);
  must_verify(*store);
  CHECK(report.changed == 1);
  CHECK(report.lost == 0);
  REQUIRE(report.keys == std::vector<std::string>{"bad"});
  const auto events = all_events(*store);
  REQUIRE(events.size() == 3);
  CHECK(events[0].data == "\"one\"");
  CHECK(events[1].type == ":lost");
  CHECK(events[1].seq == 2);
  CHECK(events[1].data.find("\\\"TWO\\\"") != std::string::npos);
  CHECK(events[2].data == "\"three\"");
  CHECK(store->kv_get("good")->has_value());
  CHECK_FALSE(store->kv_get("bad")->has_value());
}

TEST_CASE("a lost event of which no index knows gets the place that its stream lacks") {
  DumpWriter* writer = nullptr;
  std::string text;
  DumpWriter made([&](std::string_view piece) -> Result<void> {
    text += piece;
    return {};
  });
  writer = &made;
  const auto row = [&](std::uint64_t pos, const char* stream, std::uint64_t seq) {
    Event e;
    e.pos = pos, e.stream = stream, e.seq = seq, e.type = ":x", e.data = std::to_string(pos);
    e.hash = std::string(64, '0');
    REQUIRE(writer->row(e).ok());
  };
  row(1, "a", 1);
  REQUIRE(writer->damage({2, "", 0, "gone"}).ok());
  row(3, "b", 1);
  REQUIRE(writer->damage({4, "", 0, "gone"}).ok());
  row(5, "a", 2);
  row(6, "b", 3);
  REQUIRE(writer->row(StoreEnd{6, 0}).ok());
  REQUIRE(writer->finish().ok());
  Mending report;
  auto store = mended(text, report);
  must_verify(*store);
  CHECK(report.lost == 2);
  const auto events = all_events(*store);
  REQUIRE(events.size() == 6);
  CHECK(events[3].stream == "b");
  CHECK(events[3].seq == 2);
  CHECK(events[1].stream == "$lost");
  CHECK(events[5].data == "6");
}

TEST_CASE("an export that was cut or changed by hand is not mended") {
  TempDir dir;
  { must_append(*must_open(dir / "s.db"), "a", {"1", "2"}); }
  const auto text = rescued(dir / "s.db");
  REQUIRE(text);
  Mender cut, changed, other;
  CHECK_FALSE(cut.survey(lines_of(text->substr(0, text->size() - 40))).ok());
  std::string edited = *text;
  edited.replace(edited.find("\"data\":\"1\""), 10, "\"data\":\"7\"");
  CHECK(changed.survey(lines_of(edited)).error().message.find("was changed") != std::string::npos);
  CHECK_FALSE(other.survey(lines_of("{\"format\":\"other\",\"version\":1}\n")).ok());
}

TEST_CASE("the rescue of a store without events says nothing is damaged") {
  TempDir dir;
  { must(*must_open(dir / "s.db"), {KvPut{"k", "1"}}); }
  const auto text = rescued(dir / "s.db");
  REQUIRE(text);
  CHECK(text->find("damaged") == std::string::npos);
  auto store = open_memory_store();
  CHECK(load_dump(*store, nullptr, lines_of(*text)).ok());
}
