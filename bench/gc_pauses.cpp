// How long the collector stops a program that keeps 100 MB alive: median, 99th percentile and
// maximum of the pauses, in milliseconds of this thread's CPU time, so that other programs on the
// machine do not count; then what a turn of a loop costs that makes a pair and drops it, and one
// that does not, collections included.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <vector>

#include "engine/sx.h"

namespace {

double now_ms() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) / 1e6;
}

struct Pauses {
  double began = 0;
  int depth = 0;  // a full collection begins with a minor one
  std::vector<double> ms;
};

void on_pause(void* owner, bool begins) {
  auto& pauses = *static_cast<Pauses*>(owner);
  if (begins) {
    if (pauses.depth++ == 0) pauses.began = now_ms();
  } else if (--pauses.depth == 0) {
    pauses.ms.push_back(now_ms() - pauses.began);
  }
}

// A table of a million entries whose values are lists and dicts: about 100 MB. Each step replaces
// one entry and makes some garbage.
constexpr char kKeep[] = R"(
(define kept (table/new))
(define (entry i) (list i {:id i :name "an entry" :next (+ i 1)}))
(let fill ((i 0))
  (when (< i 1000000)
    (table/put! kept i (entry i))
    (fill (+ i 1))))
)";
constexpr char kChurn[] = R"(
(define (churn i seed)
  (when (< i 6000000)
    (table/put! kept (modulo seed 1000000) (entry i))
    (map (fn (x) (* x x)) '(1 2 3 4 5 6 7 8))
    (churn (+ i 1) (modulo (* seed 16807) 2147483647))))
(churn 0 42)
)";
constexpr char kPairs[] = R"(
(define (pairs i p) (if (= i 0) p (pairs (- i 1) (cons i i))))
(pairs 100000000 nil)
)";
constexpr char kNoPairs[] = R"(
(define (pairs i p) (if (= i 0) p (pairs (- i 1) i)))
(pairs 100000000 nil)
)";

void run(sx::Engine& engine, const char* source) {
  const auto ran = engine.run_source({source, "gc_pauses.sx"});
  if (ran.ok()) return;
  std::fprintf(stderr, "gc_pauses: %s\n", ran.error().message.c_str());
  std::exit(1);
}

}  // namespace

int main() {
  Pauses pauses;
  sx::VmConfig config;
  config.heap.on_pause = on_pause;
  config.heap.pause_owner = &pauses;
  sx::Engine engine(config);
  engine.find_source = [](std::string_view module) -> std::optional<sx::SourceFile> {
    if (module != "core") return std::nullopt;
    std::ifstream in("lib/core/core.sx");
    std::stringstream text;
    text << in.rdbuf();
    return sx::SourceFile{text.str(), "lib/core/core.sx"};
  };
  std::string source = kKeep;
  run(engine, source.c_str());
  const double live_mb = static_cast<double>(engine.cx().heap.used_bytes()) / (1 << 20);
  pauses.ms.clear();
  source = std::string(kKeep) + kChurn;
  run(engine, source.c_str());
  std::vector<double> ms = pauses.ms;
  std::sort(ms.begin(), ms.end());
  const auto at = [&](double share) {
    return ms[static_cast<std::size_t>(share * static_cast<double>(ms.size() - 1))];
  };
  std::printf("{\"live_mb\":%.0f,\"pauses\":%zu,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f,",
              live_mb, ms.size(), at(0.5), at(0.99), ms.back());
  double with = 1e30, without = 1e30;
  for (int round = 0; round < 3; ++round) {
    double begin = now_ms();
    run(engine, kPairs);
    with = std::min(with, now_ms() - begin);
    begin = now_ms();
    run(engine, kNoPairs);
    without = std::min(without, now_ms() - begin);
  }
  std::printf("\"pair_turn_ns\":%.2f,\"bare_turn_ns\":%.2f}\n", with / 100, without / 100);
}
