// Appends by programs in SX: see figures.h.
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <thread>

#include "bench/store/figures.h"
#include "server/io/core_source.h"
#include "server/io/persist_servicer.h"
#include "server/store/store.h"

namespace sx::bench {
namespace {

// The text of the data is 200 bytes, with its quotes. bench/next answers whether to go on.
constexpr const char* kProgram = R"sx(
  (define data (string/repeat "x" 198))
  (define events (map (fn (i) {:type :type :at 1 :data data}) (range 100)))
  (define (single fiber)
    (perform {:op "persist/append" :args (list "hot" :type 1 data)})
    (when (perform {:op "bench/next" :args (list fiber)}) (single fiber)))
  (define (batch fiber)
    (perform {:op "persist/append-batch" :args (list "hot" events)})
    (when (perform {:op "bench/next" :args (list fiber)}) (batch fiber)))
)sx";

[[noreturn]] void fail(std::string_view what) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(what.size()), what.data());
  std::exit(1);
}

class Isolate {
 public:
  Isolate(store::Store& store, Clock::time_point end) : engine_(VmConfig{}), end_(end) {
    engine_.find_source = core_source;
    add_persist_servicers(engine_.runner, store,
                          [this](std::function<void()> fn) { post(std::move(fn)); });
    engine_.runner.add("bench/next", [this](IoCall& call) {
      std::int64_t fiber = 0;
      if (!call.integer(0, fiber)) return;
      Clock::time_point& began = began_[static_cast<std::size_t>(fiber)];
      us_.push_back(us_since(began));
      began = Clock::now();
      call.reply(Value::boolean(began < end_));
    });
    if (const auto made = engine_.eval(kProgram, "bench", true); !made.ok())
      fail(made.error().message);
  }

  // Until every fiber has ended.
  void run(const char* program, int fibers) {
    began_.assign(static_cast<std::size_t>(fibers), Clock::now());
    int running = fibers;
    const auto function = engine_.eval(program, "bench", true);
    if (!function.ok()) fail(function.error().message);
    Root root(engine_.cx().heap, function.value());
    for (int i = 0; i < fibers; ++i) {
      const Value args[] = {Value::small_int(i)};
      engine_.runner.spawn(root, args, 1, [&](Outcome outcome, Value value) {
        if (outcome != Outcome::Returned) fail(describe_error(engine_.cx(), value));
        --running;
      });
    }
    while (running > 0) {
      std::vector<std::function<void()>> batch;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return !posted_.empty(); });
        batch.swap(posted_);
      }
      for (const auto& fn : batch) fn();
    }
  }

  std::vector<double>& us() { return us_; }

 private:
  void post(std::function<void()> fn) {
    bool first;
    {
      const std::lock_guard lock(mutex_);
      first = posted_.empty();
      posted_.push_back(std::move(fn));
    }
    if (first) wake_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::function<void()>> posted_;  // under mutex_
  Engine engine_;
  Clock::time_point end_;
  std::vector<Clock::time_point> began_;  // of what each fiber waits for
  std::vector<double> us_;
};

Figure run(const std::string& url, double seconds, const char* program, int isolates, int fibers) {
  auto opened = store::open_store(url);
  if (!opened.ok()) fail(opened.error().message);
  store::Store& store = **opened;
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::microseconds(static_cast<std::int64_t>(seconds * 1e6));
  std::vector<std::vector<double>> each(static_cast<std::size_t>(isolates));
  std::vector<std::thread> threads;
  for (int i = 0; i < isolates; ++i)
    threads.emplace_back([&, i] {
      Isolate isolate(store, end);
      isolate.run(program, fibers / isolates);
      each[static_cast<std::size_t>(i)] = isolate.us();
    });
  for (auto& thread : threads) thread.join();
  const double spent = us_since(begin) / 1e6;
  store.close();
  std::vector<double> us;
  for (const auto& part : each) us.insert(us.end(), part.begin(), part.end());
  return figure(us, spent);
}

}  // namespace

Figure fibers_appending(const std::string& url, double seconds, int isolates, int fibers) {
  return run(url, seconds, "single", isolates, fibers);
}

Figure batches_appending(const std::string& url, double seconds) {
  return run(url, seconds, "batch", 1, 1);
}

}  // namespace sx::bench
