// The persist ops as programs use them, over a real store; with a heap that collects at every
// allocation, and with one whose nursery fills in the middle of a servicer, so that values that
// were not rooted would be found.
#include "server/io/persist_servicer.h"

#include <doctest/doctest.h>

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>

#include "engine/sx.h"
#include "server/io/content_servicer.h"
#include "server/io/core_source.h"
#include "server/io/event_cache.h"

namespace {

using namespace sx;

struct World {
  std::unique_ptr<store::Store> store = store::open_store("memory:").take();
  Engine engine;

  static VmConfig config(bool small_nursery) {
    VmConfig made;
    made.heap.stress = !small_nursery;
    if (small_nursery) made.heap.nursery_bytes = 128 << 10;
    return made;
  }

  explicit World(bool small_nursery = false) : engine(config(small_nursery)) {
    engine.find_source = core_source;
    add_persist_servicers(engine.runner, *store, nullptr);
  }

  // interactive: what it defines is there for the next one.
  std::string run(std::string_view source, bool interactive = false) {
    auto value = engine.eval(source, "<eval>", interactive);
    return value.ok() ? print(engine.cx(), value.value()) : value.error().message;
  }
};

}  // namespace

TEST_CASE("a commit of many ops keeps texts that look like what cannot be stored") {
  World w;
  CHECK(
      w.run(
          R"((define events (map (fn (i) {:type :note :at i :data {:text (str "#<" i ">") :n i}}) (range 20)))
    (define reply (perform {:op "persist/commit" :args (list (list
      {:op :append :stream "a" :events events}
      {:op :append-expect :stream "b" :expected 0 :events (vec events)}
      {:op :kv-put :key "k" :value {:html "#<b>" :list (range 5)}}
      {:op :kv-cas :key "c" :expected :absent :value ["#<" :x]}))}))
    [(count (get reply :results)) (get reply :committed)
     (get (last (perform {:op "persist/read" :args (list "b" 1 nil)})) :data)
     (perform {:op "persist/kv-get" :args (list "k")})
     (perform {:op "persist/kv-get" :args (list "c")})])") ==
      R"([4 40 {:text "#<19>" :n 19} {:html "#<b>" :list (0 1 2 3 4)} ["#<" :x]])");
}

TEST_CASE("what does not read back is refused by name and nothing of its commit is written") {
  World w;
  const std::string said = w.run(R"((perform {:op "persist/commit" :args (list [
      {:op :kv-put :key "a" :value 1} {:op :kv-put :key "b" :value (fn (x) x)}])}))");
  CHECK(said.find("persist/commit: Expected a value that reads back, got #<function") !=
        std::string::npos);
  CHECK(w.run(R"((perform {:op "persist/kv-has" :args (list "a")}))") == "false");
}

TEST_CASE("kv-cas compares values, not their text") {
  World w;
  CHECK(w.run(R"((perform {:op "persist/kv-put" :args (list "k" {:a 1 :b "#<"})})
    [(perform {:op "persist/kv-cas" :args (list "k" {:b "#<" :a 1} {:a 2})})
     (get (perform {:op "persist/kv-cas" :args (list "k" {:a 1} {:a 3})}) :actual)])") ==
        "[true {:a 2}]");
}

TEST_CASE("a first failed condition names its place, and no op of the commit is done") {
  World w;
  CHECK(w.run(R"((define reply (perform {:op "persist/commit" :args (list [
      {:op :kv-put :key "k" :value 1}
      {:op :append-expect :stream "s" :expected 3 :events [{:type :t :at 1 :data nil}]}])}))
    [reply (perform {:op "persist/kv-has" :args (list "k")})])") ==
        "[{:conflict true :at 1 :expected 3 :actual 0} false]");
}

TEST_CASE("an append answers the very events that a read finds") {
  for (const bool small_nursery : {false, true}) {
    World w(small_nursery);
    CHECK(w.run(R"(
      (define data (list nil true 'word :key -7 (expt 3 90) 2.5 "" "text #<b>" #u8"bytes" '(1 (2 3) [4])
                         #{:a "b"} {:deep {:list (map inc (range 40)) :set #{1 2}}} {"one" 1 2 "two"}
                         (reduce (fn (d i) (assoc d (str "key" i) i)) {} (range 60)) (vec (range 100))))
      (define (event i) {:type (if (even? i) :note {:kind "odd"}) :at i :data (nth data i)})
      (define batch (perform {:op "persist/append-batch" :args (list "s" (map event (range (count data))))}))
      (define refused (guard (e (else :refused))
        (perform {:op "persist/append-batch" :args (list "s" [(event 1) {:type :t :at 1 :data (fn (x) x)}])})))
      (define single (perform {:op "persist/append" :args (list "s" :last 99 {:list (range 3)})}))
      (define once (map (fn (n) (perform {:op "persist/append-once" :args (list "s" "key" :once n [n])})) [1 2]))
      (define read (perform {:op "persist/read" :args (list "s" 1 nil)}))
      [refused (= batch (take (count data) read)) (= single (nth read (count data)))
       (= (first once) (second once) (last read)) (- (count read) (count data))])") ==
          "[:refused true true true 2]");
  }
}

TEST_CASE("a collection in the middle of a commit moves nothing from under it") {
  World w(true);
  for (int round = 0; round < 20; ++round) {
    CHECK(
        w.run(
            R"((define events (map (fn (i) {:type :note :at i :data {:text (str "#<" i (string/repeat "x" 400)) :n i}}) (range 60)))
      (define reply (perform {:op "persist/commit" :args (list [
        {:op :append :stream "a" :events (vec events)} {:op :kv-put :key "last" :value {:text "#<" :n 60}}])}))
      [(count (get reply :results))
       (map (fn (e) (get (get e :data) :n)) (take-last 3 (perform {:op "persist/read" :args (list "a" 1 nil)})))
       (perform {:op "persist/kv-get" :args (list "last")})])") ==
        R"([2 (57 58 59) {:text "#<" :n 60}])");
  }
}

TEST_CASE("a value read again is the one that stands in the store now") {
  for (const bool small_nursery : {false, true}) {
    World w(small_nursery);
    CHECK(
        w.run(
            R"((define (put n) (perform {:op "persist/kv-put" :args (list "k" {:n n :text (string/repeat "y" 300)})}))
      (define (read key) (get (perform {:op "persist/kv-get" :args (list key)}) :n))
      (put 1)
      (define first-reads [(read "k") (read "k")])
      (put 2)
      (define then (read "k"))
      (perform {:op "persist/kv-delete" :args (list "k")})
      (define gone (read "k"))
      (put 1)
      [first-reads then gone (read "k") (read "never")])") == "[[1 1] 2 nil 1 nil]");
  }
}

TEST_CASE("more read values than are kept, and values changed over and over, stay right") {
  World w(true);
  CHECK(w.run(R"((define (key n) (str "k" n))
    (define (text n) (string/repeat (str n " ") 20000))
    (for-each (fn (n) (perform {:op "persist/kv-put" :args (list (key n) (text n))})) (range 150))
    (define (right? n) (= (text n) (perform {:op "persist/kv-get" :args (list (key n))})))
    (define once (every right? (range 150)))
    (define again (every right? (range 150)))
    (for-each (fn (n) (perform {:op "persist/kv-put" :args (list "k0" (text n))})
                      (perform {:op "persist/kv-get" :args (list "k0")}))
              (range 300))
    [once again (= (text 299) (perform {:op "persist/kv-get" :args (list "k0")})) (right? 149)])") ==
        "[true true true true]");
}

TEST_CASE("reading a truncated stream shows that its beginning is gone, and its past says so") {
  World w;
  CHECK(w.run(R"((dotimes (i 4)
      (perform {:op "persist/append" :args (list "a" :t 1 i)}))
    (perform {:op "persist/append" :args (list "b" :t 1 0)})
    (define (data events) (map (fn (e) (get e :data)) events))
    (define (as-of pos from)
      (perform {:op "persist/read-as-of" :args (list "a" pos from nil)}))
    (define before [(data (as-of 2 1)) (data (as-of 99 3)) (data (as-of 0 1))])
    (perform {:op "persist/truncate-through" :args (list "a" 2)})
    [before (as-of 2 1) (data (as-of 3 3))
     (first (perform {:op "persist/read" :args (list "a" 1 2)}))])") ==
        R"([[(0 1) (2 3) ()] {:compacted-through 2} (2) {:compacted true :stream "a" :seq 2}])");
}

TEST_CASE(
    "waiting past a position answers at once when it is past, and else when the time is over") {
  World w;
  CHECK(w.run(R"((perform {:op "persist/append" :args (list "a" :t 1 1)})
    (define (wait pos ms) (perform {:op "persist/wait-past" :args (list pos ms)}))
    [(wait 0 60000) (wait 1 20) (wait 1 0)])") == "[1 1 1]");
  CHECK(w.run(R"((perform {:op "persist/wait-past" :args (list 0 3600001)}))")
            .find("Expected a time from 0 to 3600000 ms, got 3600001") != std::string::npos);
}

TEST_CASE(
    "a fiber that waits for the store is told when it moves, and a world that is gone is not") {
  auto store = store::open_store("memory:").take();
  std::mutex mutex;
  std::condition_variable come;
  std::vector<std::function<void()>> posted;
  const auto post = [&](std::function<void()> fn) {
    const std::lock_guard lock(mutex);
    posted.push_back(std::move(fn));
    come.notify_one();
  };
  const auto run_one = [&] {
    std::unique_lock lock(mutex);
    REQUIRE(come.wait_for(lock, std::chrono::seconds(20), [&] { return !posted.empty(); }));
    auto fn = std::move(posted.front());
    posted.erase(posted.begin());
    lock.unlock();
    fn();
  };
  const auto write = [&] {
    REQUIRE(store::commit_and_wait(*store, {store::Append{"a", {{":t", 1, "1"}}}}).ok());
  };
  std::string told;
  {
    Engine engine{VmConfig{}};
    engine.find_source = core_source;
    add_persist_servicers(engine.runner, *store, post);
    const auto wait =
        engine.eval(R"((fn (pos) (perform {:op "persist/wait-past" :args [pos 60000]})))");
    REQUIRE_MESSAGE(wait.ok(), wait.error().message);
    Root fn(engine.cx().heap, wait.value());
    const auto start = [&](std::int64_t pos) {
      const Value args[] = {Value::small_int(pos)};
      engine.runner.spawn(fn, args, 1,
                          [&](Outcome, Value v) { told += print(engine.cx(), v) + ";"; });
    };
    start(0);
    CHECK(told.empty());
    write();
    run_one();
    CHECK(told == "1;");
    start(1);
  }
  // Its waiter is still there; what it would be told falls to the ground.
  write();
  store->close();
  CHECK(told == "1;");
}

TEST_CASE("the store forgets a wait whose fiber was cancelled") {
  auto store = store::open_store("memory:").take();
  std::mutex mutex;
  int posted = 0;
  Engine engine{VmConfig{}};
  engine.find_source = core_source;
  add_persist_servicers(engine.runner, *store, [&](const std::function<void()>&) {
    const std::lock_guard lock(mutex);
    ++posted;
  });
  const auto wait = engine.eval(R"((fn () (perform {:op "persist/wait-past" :args [0 60000]})))");
  REQUIRE_MESSAGE(wait.ok(), wait.error().message);
  Root fn(engine.cx().heap, wait.value());
  std::string ended;
  const auto start = [&] {
    return engine.runner.spawn(fn, nullptr, 0,
                               [&](Outcome, Value v) { ended = error_summary(engine.cx(), v); });
  };
  start();
  const TaskId second = start();
  engine.runner.cancel(second, engine.runner.serial(second), "client-gone", "The client went away");
  CHECK(ended == "The client went away");
  REQUIRE(store::commit_and_wait(*store, {store::Append{"a", {{":t", 1, "1"}}}}).ok());
  store->close();  // whoever waited has been told by now
  const std::lock_guard lock(mutex);
  CHECK(posted == 1);
}

TEST_CASE("a blob comes in pieces and is read in ranges; one that is abandoned leaves nothing") {
  std::string folder = "/tmp/sx-blob-test-XXXXXX";
  REQUIRE(mkdtemp(folder.data()) != nullptr);
  {
    auto blobs = store::BlobStore::open(folder).take();
    World w;
    add_blob_servicers(w.engine.runner, blobs);
    CHECK(w.run(R"((define (op name &rest args) (perform {:op name :args args}))
      (define piece (string/repeat "abc" 1000))
      (define n (op "blob/begin"))
      (op "blob/write" n piece)
      (op "blob/write" n "end")
      (define ref (op "blob/finish" n))
      (define gone (op "blob/begin"))
      (op "blob/write" gone "x")
      (op "blob/abandon" gone)
      (define cid (get ref :cid))
      [(get ref :size) (= ref (op "blob/stat" cid)) (= ref (op "blob/put" (str piece "end")))
       (bytes->string (op "blob/read" cid 2998 100)) (op "blob/read" (string/repeat "0" 64) 0 1)
       (op "blob/stat" "nonsense")])") == R"([3003 true true "bcend" nil nil])");
    CHECK(blobs.list()->size() == 1);
    CHECK(w.run(R"((perform {:op "blob/write" :args (list 77 "x")}))")
              .find("Expected the number of a blob in the making, got 77") != std::string::npos);
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("events that are read again are those that the store holds by then") {
  for (const bool small_nursery : {false, true}) {
    CAPTURE(small_nursery);
    World w(small_nursery);
    const auto run = [&w](std::string_view source) { return w.run(source, true); };
    run(R"((define (add stream n)
               (perform {:op "persist/append" :args (list stream :note n {:n n :text (str "t" n)})}))
             (define (read stream from limit)
               (perform {:op "persist/read" :args (list stream from limit)}))
             (define (numbers events) (map (fn (e) (get-in e [:data :n])) events)))");
    run(R"((for-each (fn (n) (add "a" n) (add "b" (- n))) (range 1 41)))");
    const std::string first = run(R"((read "a" 1 nil))");
    CHECK(first.find("{:n 40 :text \"t40\"}") != std::string::npos);
    CHECK(run(R"((read "a" 1 nil))") == first);
    CHECK(run(R"((read "a" 1 200))") == first);
    CHECK(run(R"((numbers (read "b" 38 nil)))") == "(-38 -39 -40)");
    CHECK(run(R"((numbers (read "a" 38 2)))") == "(38 39)");
    CHECK(run(R"((read "a" 1 0))") == "()");
    CHECK(run(R"((read "nobody" 1 nil))") == "()");
    // The same place in the cache: 4096 events later.
    run(R"((perform {:op "persist/append-batch"
                       :args (list "a" (map (fn (n) {:type :note :at n :data {:n n}}) (range 41 4400)))}))");
    CHECK(run(R"((numbers (read "a" 4097 10)))") == run("(->list (range 4097 4107))"));
    CHECK(run(R"((numbers (read "a" 1 10)))") == "(1 2 3 4 5 6 7 8 9 10)");
    CHECK(run(R"((= (range 1 4400) (numbers (read "a" 1 nil))))") == "true");
    run(R"((perform {:op "persist/truncate-through" :args (list "a" 5)}))");
    CHECK(run(R"((get (first (read "a" 1 10)) :compacted))") == "true");
    CHECK(run(R"((get (first (read "a" 1 10)) :seq))") == "5");
    CHECK(run(R"((numbers (rest (read "a" 1 3))))") == "(6 7 8)");
  }
}

TEST_CASE("an event in the cache is one of its own stream, position, type and text") {
  Context cx(VmConfig{}.heap, 1);
  EventCache cache(cx);
  const store::EventView event{7, 70, ":note", 5, "{:n 1}", false};
  CHECK(cache.find("a", event).is_unset());
  cache.keep("a", event, Value::small_int(1));
  CHECK(cache.find("a", event) == Value::small_int(1));
  CHECK(cache.find("b", event).is_unset());
  for (const store::EventView& other : {store::EventView{8, 70, ":note", 5, "{:n 1}", false},
                                        store::EventView{7, 71, ":note", 5, "{:n 1}", false},
                                        store::EventView{7, 70, ":nota", 5, "{:n 1}", false},
                                        store::EventView{7, 70, ":note", 6, "{:n 1}", false},
                                        store::EventView{7, 70, ":note", 5, "{:n 2}", false},
                                        store::EventView{7, 70, ":note{", 5, ":n 1}", false}})
    CHECK(cache.find("a", other).is_unset());
  cache.keep("a", {4103, 71, ":note", 5, "{:n 2}", false}, Value::small_int(2));
  CHECK(cache.find("a", event).is_unset());
}
