#include "server/worker/process_metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>

#include "engine/base/str.h"
#include "engine/sx.h"
#include "server/http/exposition.h"

namespace sx {
namespace {

const auto kStarted = std::chrono::system_clock::now();

double resident_bytes() {
  long pages = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(file, "%*s %ld", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double open_files() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/fd"), closedir);
  if (!folder) return 0;
  int count = 0;
  while (const dirent* entry = readdir(folder.get())) count += entry->d_name[0] != '.';
  return count - 1;  // without the folder itself
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

std::string process_metrics(const store::Store& store) {
  std::string out;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  append_metric(out, "process_cpu_seconds_total", MetricType::Counter,
                "Processor time used, user and system.",
                seconds(usage.ru_utime) + seconds(usage.ru_stime));
  append_metric(out, "process_resident_memory_bytes", MetricType::Gauge, "Memory in use.",
                resident_bytes());
  append_metric(out, "process_open_fds", MetricType::Gauge, "Open file descriptors.", open_files());
  append_metric(out, "process_max_fds", MetricType::Gauge,
                "Most file descriptors that may be open.", static_cast<double>(files.rlim_cur));
  append_metric(out, "process_start_time_seconds", MetricType::Gauge,
                "When the process began, since 1970.",
                std::chrono::duration<double>(kStarted.time_since_epoch()).count());
  append_metric(out, "sx_store_position", MetricType::Counter,
                "Position of the last event that is on disk.",
                static_cast<double>(store.committed()));
  out += "# HELP sx_build_info What runs.\n# TYPE sx_build_info gauge\n";
  out += str("sx_build_info{tables=\"", table_fingerprint(), "\"} 1\n");
  return out;
}

}  // namespace sx
