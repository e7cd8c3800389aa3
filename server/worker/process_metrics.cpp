#include "server/worker/process_metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>

#include "engine/base/str.h"
#include "engine/sx.h"

namespace sx {
namespace {

const auto kStarted = std::chrono::system_clock::now();

void metric(std::string& out, std::string_view name, std::string_view type, std::string_view help,
            double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.15g", value);
  out += str("# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n", name, " ",
             std::string_view(text), "\n");
}

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
  metric(out, "process_cpu_seconds_total", "counter", "Processor time used, user and system.",
         seconds(usage.ru_utime) + seconds(usage.ru_stime));
  metric(out, "process_resident_memory_bytes", "gauge", "Memory in use.", resident_bytes());
  metric(out, "process_open_fds", "gauge", "Open file descriptors.", open_files());
  metric(out, "process_max_fds", "gauge", "Most file descriptors that may be open.",
         static_cast<double>(files.rlim_cur));
  metric(out, "process_start_time_seconds", "gauge", "When the process began, since 1970.",
         std::chrono::duration<double>(kStarted.time_since_epoch()).count());
  metric(out, "sx_store_position", "counter", "Position of the last event that is on disk.",
         static_cast<double>(store.committed()));
  out += "# HELP sx_build_info What runs.\n# TYPE sx_build_info gauge\n";
  out += str("sx_build_info{tables=\"", table_fingerprint(), "\"} 1\n");
  return out;
}

}  // namespace sx
