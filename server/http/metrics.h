// Counters of the HTTP layer: each worker writes its own, a reader adds them up.
//
// A worker is the only writer of its block, so an increment is a plain load and store (relaxed
// atomics, no locked instruction); /metrics and tests read from any thread and may be one event
// late.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <string>

namespace sx {

class Counter {
 public:
  void add(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void subtract(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Upper bounds in microseconds; the last bucket takes everything longer.
inline constexpr std::array<std::uint64_t, 15> kDurationBucketsUs = {
    50,     100,    250,     500,     1'000,     2'500,     5'000,     10'000,
    25'000, 50'000, 100'000, 250'000, 1'000'000, 2'500'000, 10'000'000};

struct alignas(64) WorkerMetrics {
  std::array<Counter, 6> responses_by_class;  // [2] = 2xx …; [0] unused
  Counter requests_in_flight;
  Counter streams;
  Counter websockets;
  Counter connections;
  Counter connections_total;
  Counter connections_refused;
  Counter requests_shed;     // 503 because of requests_max
  Counter address_refused;   // 429 because of what one address may take
  Counter handler_timeouts;  // 503 because of handler_timeout_ms
  Counter receive_timeouts;  // 408
  Counter bytes_in;
  Counter bytes_out;
  std::array<Counter, kDurationBucketsUs.size() + 1> durations;
  Counter duration_us_sum;

  void record(int status, std::uint64_t duration_us) {
    responses_by_class[static_cast<std::size_t>(status >= 100 && status < 600 ? status / 100 : 5)]
        .add();
    std::size_t bucket = 0;
    while (bucket < kDurationBucketsUs.size() && duration_us > kDurationBucketsUs[bucket]) ++bucket;
    durations[bucket].add();
    duration_us_sum.add(duration_us);
  }
};

// The sum over all workers at one moment.
struct HttpTotals {
  std::array<std::uint64_t, 6> responses_by_class{};
  std::uint64_t requests = 0;
  std::uint64_t requests_in_flight = 0;
  std::uint64_t streams = 0;
  std::uint64_t websockets = 0;
  std::uint64_t connections = 0;
  std::uint64_t connections_total = 0;
  std::uint64_t connections_refused = 0;
  std::uint64_t requests_shed = 0;
  std::uint64_t address_refused = 0;
  std::uint64_t handler_timeouts = 0;
  std::uint64_t receive_timeouts = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::array<std::uint64_t, kDurationBucketsUs.size() + 1> durations{};
  std::uint64_t duration_us_sum = 0;
};

class HttpMetrics {
 public:
  // Before the workers run; the reference stays valid.
  WorkerMetrics& add_worker() { return workers_.emplace_back(); }

  HttpTotals totals() const;
  // The Prometheus text exposition format, names beginning with sx_http_.
  std::string prometheus() const;

 private:
  std::deque<WorkerMetrics> workers_;
};

}  // namespace sx
