// The contract of store.h, told once and run over every backend.
#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

#include "server/store/test_support.h"

using namespace sx;
using namespace sx::store;

TEST_CASE("an appended event gets seq and pos from 1 and is read back as it was") {
  on_each_backend([](Store& s) {
    const auto reply = std::get<AppendReply>(
        must(s, {Append{"cart", {{":added", 1234567890123, "{:sku \"ä\" :n 2}"}}}}).at(0));
    CHECK(reply.first_seq == 1);
    CHECK(reply.first_pos == 1);
    CHECK(reply.count == 1);
    CHECK_FALSE(reply.repeated);
    const auto slice = s.read("cart", 1, 10);
    REQUIRE(slice->events.size() == 1);
    const Event& e = slice->events[0];
    CHECK(e.stream == "cart");
    CHECK(e.type == ":added");
    CHECK(e.at_ms == 1234567890123);
    CHECK(e.data == "{:sku \"ä\" :n 2}");
    CHECK(e.seq == 1);
    CHECK(e.pos == 1);
    CHECK(e.hash.size() == 64);
    CHECK_FALSE(e.compacted);
    CHECK(s.committed() == 1);
  });
}

TEST_CASE("data with zero bytes, no bytes and a megabyte comes back unchanged") {
  on_each_backend([](Store& s) {
    const std::string zeros("a\0b\0", 4), big(1 << 20, 'x');
    must_append(s, "bytes", {zeros, "", big});
    CHECK(datas(s.read("bytes", 1, 10)) == Texts{zeros, "", big});
  });
}

TEST_CASE("a batch is one block of seqs and positions even among other streams") {
  on_each_backend([](Store& s) {
    must_append(s, "a", {"1"});
    must_append(s, "b", {"x", "y"});
    const auto reply = must_append(s, "a", {"2", "3", "4"});
    CHECK(reply.first_seq == 2);
    CHECK(reply.last_seq() == 4);
    CHECK(reply.first_pos == 4);
    CHECK(reply.last_pos() == 6);
    CHECK(datas(s.read_all(1, 100)) == Texts{"1", "x", "y", "2", "3", "4"});
  });
}

TEST_CASE("append-expect writes at the expected seq, and says expected and actual otherwise") {
  on_each_backend([](Store& s) {
    must(s, {AppendExpect{"cart", 0, {event("1")}}});
    must(s, {AppendExpect{"cart", 1, {event("2"), event("3")}}});
    const auto conflict = must_conflict(s, {AppendExpect{"cart", 1, {event("no")}}});
    CHECK(conflict == Conflict{0, "cart", std::uint64_t{1}, std::uint64_t{3}});
    CHECK(must_conflict(s, {AppendExpect{"new", 4, {event("no")}}}) ==
          Conflict{0, "new", std::uint64_t{4}, std::uint64_t{0}});
    CHECK(datas(s.read("cart", 1, 10)) == Texts{"1", "2", "3"});
    CHECK(s.committed() == 3);
  });
}

TEST_CASE("append-once writes the first time and answers the stored block ever after") {
  on_each_backend([](Store& s) {
    must_append(s, "other", {"0"});
    const auto first = std::get<AppendReply>(
        must(s, {AppendOnce{"pay", "order-7", {event("a"), event("b")}}}).at(0));
    CHECK_FALSE(first.repeated);
    must_append(s, "pay", {"c"});
    const auto again =
        std::get<AppendReply>(must(s, {AppendOnce{"pay", "order-7", {event("other")}}}).at(0));
    CHECK(again.repeated);
    CHECK(again.first_seq == first.first_seq);
    CHECK(again.first_pos == first.first_pos);
    CHECK(again.count == 2);
    REQUIRE(again.events.size() == 2);
    CHECK(again.events == s.read("pay", 1, 2)->events);
    CHECK(again.events == *s.read_once("pay", "order-7"));
    CHECK(s.last_seq("pay").value() == 3);
  });
}

TEST_CASE("an idempotency key belongs to its stream") {
  on_each_backend([](Store& s) {
    must(s, {AppendOnce{"a", "k", {event("1")}}});
    const auto other = std::get<AppendReply>(must(s, {AppendOnce{"b", "k", {event("2")}}}).at(0));
    CHECK_FALSE(other.repeated);
    CHECK(s.read_once("c", "k")->empty());
    CHECK(s.read_once("a", "unknown")->empty());
  });
}

TEST_CASE("append-once of a truncated block answers its place with a compacted marker") {
  on_each_backend([](Store& s) {
    must(s, {AppendOnce{"a", "k", {event("1")}}});
    must(s, {Truncate{"a", 1}});
    const auto again = std::get<AppendReply>(must(s, {AppendOnce{"a", "k", {event("1")}}}).at(0));
    CHECK(again.repeated);
    CHECK(again.first_seq == 1);
    REQUIRE(again.events.size() == 1);
    CHECK(again.events[0].compacted);
    CHECK(s.last_seq("a").value() == 1);
  });
}

TEST_CASE("kv-put replaces, kv-delete removes, versions only grow") {
  on_each_backend([](Store& s) {
    const auto v1 = std::get<KvReply>(must(s, {KvPut{"k", "1"}}).at(0));
    CHECK_FALSE(v1.existed);
    const auto v2 = std::get<KvReply>(must(s, {KvPut{"k", "2"}}).at(0));
    CHECK(v2.existed);
    CHECK(v2.version > v1.version);
    CHECK(s.kv_get("k").value()->value == "2");
    CHECK(s.kv_get("k").value()->version == v2.version);
    const auto gone = std::get<KvReply>(must(s, {KvDelete{"k"}}).at(0));
    CHECK(gone.existed);
    CHECK_FALSE(s.kv_get("k")->has_value());
    CHECK_FALSE(std::get<KvReply>(must(s, {KvDelete{"k"}}).at(0)).existed);
    CHECK(std::get<KvReply>(must(s, {KvPut{"k", "3"}}).at(0)).version > gone.version);
  });
}

TEST_CASE("kv-cas compares with the present value, or with absence") {
  on_each_backend([](Store& s) {
    using Value = std::optional<std::string>;
    must(s, {KvCas{"k", std::nullopt, "1"}});
    CHECK(must_conflict(s, {KvCas{"k", std::nullopt, "x"}}) ==
          Conflict{0, "k", Value{}, Value{"1"}});
    CHECK(must_conflict(s, {KvCas{"k", "0", "x"}}) == Conflict{0, "k", Value{"0"}, Value{"1"}});
    must(s, {KvCas{"k", "1", "2"}});
    CHECK(s.kv_get("k").value()->value == "2");
    CHECK(must_conflict(s, {KvCas{"none", "", "x"}}) == Conflict{0, "none", Value{""}, Value{}});
    CHECK_FALSE(s.kv_get("none")->has_value());
  });
}

TEST_CASE("kv-list answers a prefix in byte order, in pages") {
  on_each_backend([](Store& s) {
    for (const char* key : {"b/2", "a/1", "b/1", "b", "c", "b/\xff\xff", "b0"})
      must(s, {KvPut{key, "v"}});
    const auto keys = [](const Result<std::vector<KvEntry>>& entries) {
      Texts out;
      for (const auto& entry : entries.value()) out.push_back(entry.key);
      return out;
    };
    CHECK(keys(s.kv_list("b/")) == Texts{"b/1", "b/2", "b/\xff\xff"});
    CHECK(keys(s.kv_list("b/", 2)) == Texts{"b/1", "b/2"});
    CHECK(keys(s.kv_list("b/", 2, "b/2")) == Texts{"b/\xff\xff"});
    CHECK(keys(s.kv_list("b/", 2, "a")) == Texts{"b/1", "b/2"});
    CHECK(keys(s.kv_list("")) == Texts{"a/1", "b", "b/1", "b/2", "b/\xff\xff", "b0", "c"});
    CHECK(keys(s.kv_list("b/\xff")) == Texts{"b/\xff\xff"});
    CHECK(keys(s.kv_list("zz")).empty());
    CHECK(keys(s.kv_list("b/", 0)).empty());
  });
}

TEST_CASE("a commit mixes ops over streams, keys and outbox and replies to each in order") {
  on_each_backend([](Store& s) {
    const auto replies =
        must(s, {Append{"a", {event("1")}}, KvPut{"k", "v"},
                 AppendExpect{"b", 0, {event("2"), event("3")}}, OutboxPut{"mail", "hello", 50},
                 KvCas{"k", "v", "w"}, AppendOnce{"a", "key", {event("4")}}, Truncate{"a", 1}});
    REQUIRE(replies.size() == 7);
    CHECK(std::get<AppendReply>(replies[0]).first_pos == 1);
    CHECK_FALSE(std::get<KvReply>(replies[1]).existed);
    CHECK(std::get<AppendReply>(replies[2]).last_pos() == 3);
    CHECK(std::get<OutboxReply>(replies[3]).id > 0);
    CHECK(std::get<KvReply>(replies[4]).existed);
    CHECK(std::get<AppendReply>(replies[5]).first_seq == 2);
    CHECK(std::get<TruncateReply>(replies[6]).through == 1);
    CHECK(s.kv_get("k").value()->value == "w");
    CHECK(datas(s.read_all(1, 10)) == Texts{"(compacted)", "2", "3", "4"});
  });
}

TEST_CASE("the first condition that fails undoes the whole commit and gives its index") {
  on_each_backend([](Store& s) {
    must_append(s, "a", {"1"});
    must(s, {KvPut{"k", "old"}});
    const auto before = s.stats().value();
    const auto conflict =
        must_conflict(s, {Append{"a", {event("x")}}, KvPut{"k", "new"}, OutboxPut{"q", "m", 0},
                          AppendOnce{"b", "key", {event("y")}}, Truncate{"a", 1}, KvDelete{"k"},
                          AppendExpect{"c", 3, {event("z")}}, KvCas{"k", "never", "n"}});
    CHECK(conflict == Conflict{6, "c", std::uint64_t{3}, std::uint64_t{0}});
    CHECK(datas(s.read_all(1, 10)) == Texts{"1"});
    CHECK(s.kv_get("k").value()->value == "old");
    CHECK(s.outbox_due("", 1000, 10)->empty());
    CHECK(s.read_once("b", "key")->empty());
    CHECK(s.streams()->size() == 1);
    CHECK(s.stats()->conflicts == before.conflicts + 1);
    CHECK(must_append(s, "a", {"2"}).first_pos == 2);
  });
}

TEST_CASE("conditions see what earlier ops of the same commit did") {
  on_each_backend([](Store& s) {
    must(s, {Append{"a", {event("1"), event("2")}}, AppendExpect{"a", 2, {event("3")}},
             KvPut{"k", "1"}, KvCas{"k", "1", "2"}, KvDelete{"k"}, KvCas{"k", std::nullopt, "3"}});
    CHECK(s.last_seq("a").value() == 3);
    CHECK(s.kv_get("k").value()->value == "3");
    CHECK(must_conflict(s, {Append{"a", {event("x")}}, AppendExpect{"a", 3, {event("y")}}}) ==
          Conflict{1, "a", std::uint64_t{3}, std::uint64_t{4}});
    const auto replies =
        must(s, {AppendOnce{"o", "k", {event("1")}}, AppendOnce{"o", "k", {event("2")}},
                 AppendExpect{"o", 1, {event("3")}}});
    CHECK(std::get<AppendReply>(replies[1]).repeated);
    CHECK(datas(s.read("o", 1, 9)) == Texts{"1", "3"});
  });
}

TEST_CASE("truncation drops payloads and keeps seq, pos and hash") {
  on_each_backend([](Store& s) {
    must_append(s, "a", {"1", "2"});
    must_append(s, "b", {"x"});
    must_append(s, "a", {"3", "4"});
    const auto hashes = s.read_all(1, 10)->events;
    const auto reply = std::get<TruncateReply>(must(s, {Truncate{"a", 3}}).at(0));
    CHECK(reply.through == 3);
    CHECK(reply.last_seq == 4);

    const auto slice = s.read("a", 1, 10);
    CHECK(slice->compacted_through == 3);
    CHECK(datas(slice) == Texts{"4"});
    CHECK(slice->last == 4);
    CHECK(s.read("a", 4, 10)->compacted_through == 0);

    const auto all = s.read_all(1, 10);
    CHECK(datas(all) == Texts{"(compacted)", "(compacted)", "x", "(compacted)", "4"});
    for (std::size_t i = 0; i < 5; ++i) {
      CHECK(all->events[i].hash == hashes[i].hash);
      CHECK(all->events[i].seq == hashes[i].seq);
      CHECK(all->events[i].pos == i + 1);
    }
    CHECK(all->events[0].type.empty());
    CHECK(all->events[0].at_ms == 0);
    CHECK(s.verify()->compacted == 3);
  });
}

TEST_CASE("last-seq is monotone through truncation and no seq is reused") {
  on_each_backend([](Store& s) {
    must_append(s, "a", {"1", "2", "3"});
    CHECK(std::get<TruncateReply>(must(s, {Truncate{"a", 99}}).at(0)).through == 3);
    CHECK(s.last_seq("a").value() == 3);
    CHECK(must_append(s, "a", {"4"}).first_seq == 4);
    CHECK(std::get<TruncateReply>(must(s, {Truncate{"a", 1}}).at(0)).through == 3);
    CHECK(datas(s.read("a", 1, 9)) == Texts{"4"});
    CHECK(std::get<TruncateReply>(must(s, {Truncate{"nobody", 5}}).at(0)).through == 0);
    CHECK(s.last_seq("nobody").value() == 0);
    CHECK(*s.streams() == std::vector<StreamInfo>{{"a", 4, 3}});
  });
}

TEST_CASE("a long stream is truncated whole") {
  on_each_backend([](Store& s) {
    Append op{"long", {}};
    for (int i = 0; i < 2'500; ++i) op.events.push_back(event(std::to_string(i)));
    must(s, {op});
    must(s, {Truncate{"long", 2'499}});
    CHECK(datas(s.read("long", 1, 10)) == Texts{"2499"});
    CHECK(s.verify()->compacted == 2'499);
  });
}

TEST_CASE("streams are listed by name with their heads, also when nothing is left of them") {
  on_each_backend([](Store& s) {
    must_append(s, "b", {"1"});
    must_append(s, "$global", {"1", "2"});
    must_append(s, "a", {"1"});
    must(s, {Truncate{"b", 1}});
    CHECK(*s.streams() == std::vector<StreamInfo>{{"$global", 2, 0}, {"a", 1, 0}, {"b", 1, 1}});
  });
}

TEST_CASE("a read window starts at its seq, ends at its limit and says if there is more") {
  on_each_backend([](Store& s) {
    must_append(s, "a", {"1", "2", "3", "4", "5"});
    CHECK(datas(s.read("a", 2, 2)) == Texts{"2", "3"});
    CHECK(s.read("a", 2, 2)->more);
    CHECK(s.read("a", 2, 2)->last == 5);
    CHECK_FALSE(s.read("a", 4, 2)->more);
    CHECK(datas(s.read("a", 0, 1)) == Texts{"1"});
    CHECK(datas(s.read("a", 6, 10)).empty());
    CHECK_FALSE(s.read("a", 6, 10)->more);
    CHECK(s.read("a", UINT64_MAX, SIZE_MAX)->events.empty());
    CHECK(s.read("a", 1, 0)->events.empty());
    CHECK(s.read("a", 1, 0)->more);
    CHECK(s.read("unknown", 1, 10)->last == 0);
    CHECK(datas(s.read_all(4, 1)) == Texts{"4"});
    CHECK(s.read_all(4, 1)->more);
    CHECK(s.read_all(9, 1)->last == 5);
    CHECK(s.read_all(UINT64_MAX, 1)->events.empty());
  });
}

TEST_CASE("a slice stops after passing the size bound and says that there is more") {
  on_each_backend([](Store& s) {
    const std::string big(6u << 20, 'x');
    must_append(s, "a", {big, big, big, big});
    const auto slice = s.read("a", 1, 100);
    CHECK(slice->events.size() == 3);
    CHECK(slice->more);
    CHECK(s.read_all(1, 100)->events.size() == 3);
  });
}

TEST_CASE("the outbox gives what is due, until it is done") {
  on_each_backend([](Store& s) {
    const auto replies = must(s, {OutboxPut{"mail", "late", 200}, OutboxPut{"mail", "early", 100},
                                  OutboxPut{"fed", "other", 150}});
    const auto id = [&](int i) { return std::get<OutboxReply>(replies[i]).id; };
    CHECK(s.outbox_due("mail", 99, 10)->empty());
    const auto due = s.outbox_due("", 200, 10);
    REQUIRE(due->size() == 3);
    CHECK(due->at(0) == OutboxItem{id(1), "mail", "early", 100, 0});
    CHECK(due->at(1).data == "other");
    CHECK(s.outbox_due("", 200, 1)->size() == 1);
    CHECK(s.outbox_due("mail", 200, 10)->size() == 2);
    must(s, {OutboxRetry{id(1), 300}, OutboxDone{id(0)}});
    CHECK(s.outbox_due("mail", 299, 10)->empty());
    CHECK(s.outbox_due("mail", 300, 10)->at(0) == OutboxItem{id(1), "mail", "early", 300, 1});
    CHECK_FALSE(std::get<OutboxReply>(must(s, {OutboxDone{id(0)}}).at(0)).existed);
    CHECK_FALSE(std::get<OutboxReply>(must(s, {OutboxRetry{UINT64_MAX, 1}}).at(0)).existed);
  });
}

TEST_CASE("a malformed commit is refused by op and reason and writes nothing") {
  on_each_backend([](Store& s) {
    CHECK(must_fail(s, {}).find("no ops") != std::string::npos);
    CHECK(must_fail(s, {Append{"a", {event("1")}}, Append{"", {event("1")}}}) ==
          "commit op 1: the stream is empty: give it a name");
    CHECK(must_fail(s, {Append{"a", {}}}) == "commit op 0: there is no event to append");
    CHECK(must_fail(s, {Append{"a", {event("1", "")}}}).find("event type") != std::string::npos);
    CHECK(must_fail(s, {KvPut{std::string(1025, 'k'), ""}}).find("1025 bytes") !=
          std::string::npos);
    CHECK(must_fail(s, {KvPut{std::string("a\0b", 3), ""}}).find("zero byte") != std::string::npos);
    CHECK(must_fail(s, {AppendOnce{"a", "", {event("1")}}}).find("idempotency") !=
          std::string::npos);
    CHECK(must_fail(s, {OutboxPut{"", "m", 0}}).find("queue") != std::string::npos);
    CHECK(must_fail(s, {KvPut{"k", std::string(kTextBytesMax + 1, 'x')}}).find("blob") !=
          std::string::npos);
    CHECK(s.committed() == 0);
    CHECK(s.streams()->empty());
    CHECK(s.stats()->errors == 9);
  });
}

TEST_CASE("equal histories have equal hashes on every backend, and any difference changes them") {
  std::vector<std::string> heads;
  on_each_backend([&](Store& s) {
    must_append(s, "a", {"1", "2"});
    must_append(s, "b", {"3"});
    must(s, {Truncate{"a", 1}});
    heads.push_back(s.verify()->head);
  });
  REQUIRE(heads.size() == 3);
  CHECK(heads[0] == heads[1]);
  auto other = open_memory_store();
  must_append(*other, "a", {"1", "2"});
  must(*other, {Append{"b", {event("3", ":t", 8)}}});  // another time
  CHECK(other->verify()->head != heads[0]);
}

TEST_CASE("a closed store answers errors at once, also to reads, and closing twice is fine") {
  TempDir dir;
  for (auto open : {+[](const std::string&) { return open_memory_store(); },
                    +[](const std::string& path) { return must_open(path); }}) {
    auto s = open(dir / "c.db");
    must_append(*s, "a", {"1"});
    s->close();
    s->close();
    CHECK(must_fail(*s, {Append{"a", {event("2")}}}) == "the store is closed: nothing was written");
    CHECK(s->read("a", 1, 1).error().message == "the store is closed");
    CHECK_FALSE(s->kv_get("a").ok());
    CHECK_FALSE(s->verify().ok());
    CHECK(s->committed() == 1);
  }
}

TEST_CASE("stats count what is there and what was answered") {
  on_each_backend([](Store& s) {
    must(s, {Append{"a", {event("1"), event("2")}}, KvPut{"k", "v"}, OutboxPut{"q", "m", 0}});
    must_conflict(s, {AppendExpect{"a", 9, {event("x")}}});
    const auto stats = s.stats();
    CHECK(stats->committed == 2);
    CHECK(stats->streams == 1);
    CHECK(stats->kv_keys == 1);
    CHECK(stats->outbox == 1);
    CHECK(stats->commits == 1);
    CHECK(stats->conflicts == 1);
    CHECK(stats->errors == 0);
    CHECK(stats->groups == 2);
    CHECK(stats->bytes > 0);
  });
}

TEST_CASE(
    "who waits for a position is told once: when it is passed, when the time is over, at the end") {
  on_each_backend([](Store& s) {
    must_append(s, "a", {"1"});
    std::uint64_t told = 0;
    s.wait_past(0, 1000, [&](std::uint64_t at) { told = at; });
    CHECK(told == 1);  // past already: at once, on this thread
    s.wait_past(1, 0, [&](std::uint64_t at) { told = at + 100; });
    CHECK(told == 101);

    std::promise<std::uint64_t> passed, late, closed;
    s.wait_past(1, 60'000, [&](std::uint64_t at) { passed.set_value(at); });
    s.wait_past(9, 60'000, [&](std::uint64_t at) { closed.set_value(at); });
    must(s, {KvPut{"k", "v"}});  // no event: nobody is woken
    must_append(s, "a", {"2", "3"});
    CHECK(passed.get_future().get() == 3);
    s.wait_past(5, 30, [&](std::uint64_t at) { late.set_value(at); });
    CHECK(late.get_future().get() == 3);
    must_verify(s);
    s.close();
    CHECK(closed.get_future().get() == 3);
    s.wait_past(9, 60'000, [&](std::uint64_t at) { told = at; });
    CHECK(told == 3);
  });
}

TEST_CASE("a wait that is called off is told nothing, and the others as before") {
  on_each_backend([](Store& s) {
    std::atomic<int> wrong{0};
    const auto tell_wrong = [&](std::uint64_t) { ++wrong; };
    std::promise<std::uint64_t> passed, late;
    const PositionWait early = s.wait_past(0, 30'000, tell_wrong);
    s.wait_past(0, 60'000, [&](std::uint64_t at) { passed.set_value(at); });
    const PositionWait middle = s.wait_past(0, 60'000, tell_wrong);
    s.wait_past(7, 40, [&](std::uint64_t at) { late.set_value(at); });
    CHECK(early.number != middle.number);
    s.stop_waiting(early);
    s.stop_waiting(middle);
    s.stop_waiting(middle);
    s.stop_waiting({});
    CHECK(late.get_future().get() == 0);
    must_append(s, "a", {"1"});
    CHECK(passed.get_future().get() == 1);
    // One that is past already is told at once; there is nothing to call off.
    const PositionWait none = s.wait_past(0, 60'000, [](std::uint64_t) {});
    CHECK(none.number == 0);
    s.close();
    CHECK(wrong == 0);
  });
}

TEST_CASE("a follower that waits between reads sees every event once and in order") {
  on_each_backend([](Store& s) {
    constexpr std::uint64_t kEvents = 300;
    std::thread writer([&] {
      for (std::uint64_t i = 0; i < kEvents; ++i)
        (void)commit_and_wait(s, {Append{"a", {event("x")}}});
    });
    std::uint64_t next = 1, wrong = 0, waits = 0;
    while (next <= kEvents) {
      std::promise<std::uint64_t> told;
      s.wait_past(next - 1, 10'000, [&](std::uint64_t at) { told.set_value(at); });
      const std::uint64_t at = told.get_future().get();
      ++waits;
      if (at < next) break;
      const auto slice = s.read_all(next, 1000);
      for (const Event& e : slice->events) wrong += e.pos != next++;
    }
    writer.join();
    CHECK(wrong == 0);
    CHECK(next == kEvents + 1);
    CHECK(waits <= kEvents);
  });
}

TEST_CASE("a scan hands over what a read answers, event by event, whatever the range") {
  on_each_backend([](Store& s) {
    must_append(s, "a", {"1", "", std::string("3\0", 2), "4"});
    must_append(s, "b", {"x"});
    must(s, {Append{"a", {event("5", ":other", -1), event("6", ":t", 0)}}});
    const auto same_for = [&](const char* stream, std::uint64_t from, std::size_t limit) {
      std::vector<Event> seen;
      const auto scanned = s.scan(stream, from, limit, [&](const EventView& e) {
        Event copy;
        copy.stream = stream;
        copy.seq = e.seq;
        copy.pos = e.pos;
        copy.type = e.type;
        copy.at_ms = e.at_ms;
        copy.data = e.data;
        copy.compacted = e.compacted;
        seen.push_back(std::move(copy));
      });
      auto read = s.read(stream, from, limit);
      REQUIRE(scanned.ok());
      for (Event& e : read->events) e.hash.clear();
      CHECK(seen == read->events);
      CHECK(scanned->events.empty());
      CHECK(scanned->last == read->last);
      CHECK(scanned->more == read->more);
      CHECK(scanned->compacted_through == read->compacted_through);
    };
    for (int truncated = 0; truncated < 2; ++truncated) {
      for (const std::uint64_t from : {0, 1, 3, 6, 7, 100})
        for (const std::size_t limit : {0, 1, 2, 100}) same_for("a", from, limit);
      same_for("b", 1, 10);
      same_for("nobody", 1, 10);
      must(s, {Truncate{"a", 4}});
    }
  });
}
