// What a bench of the store counts: commits a second and how long each took.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

namespace sx::bench {

using Clock = std::chrono::steady_clock;

struct Figure {
  double per_second = 0;
  double p50_us = 0, p99_us = 0;
};

inline Figure figure(std::vector<double>& us, double seconds) {
  if (us.empty()) return {};
  std::sort(us.begin(), us.end());
  return {static_cast<double>(us.size()) / seconds, us[us.size() / 2], us[us.size() * 99 / 100]};
}

inline double us_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

// Programs in SX on `isolates` isolates, each a thread with an engine and an event loop, as a
// server has them. `fibers` fibers over all of them append one event of 200 bytes to one stream,
// wait for the answer and append the next (isolates.cpp).
Figure fibers_appending(const std::string& url, double seconds, int isolates, int fibers);

// The same with batches of 100 events and one fiber.
Figure batches_appending(const std::string& url, double seconds);

}  // namespace sx::bench
