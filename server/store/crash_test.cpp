// kill -9 at random moments: whatever was acknowledged is there afterwards.
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <random>
#include <sstream>

#include "server/store/test_support.h"

extern char** environ;

using namespace sx;
using namespace sx::store;

namespace {

// Runs the child until it has printed at least `lines` lines, waits, kills it; answers what it
// printed.
std::string run_and_kill(const std::string& url, int lines, int extra_us) {
  int out[2];
  REQUIRE(pipe(out) == 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, out[0]);
  std::string program = SX_STORE_CRASH_CHILD, argument = url;
  char* argv[] = {program.data(), argument.data(), nullptr};
  pid_t child = 0;
  REQUIRE(posix_spawn(&child, program.c_str(), &actions, nullptr, argv, environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  close(out[1]);
  std::string printed;
  char buffer[4096];
  bool killed = false;
  int seen = 0;
  for (ssize_t n; (n = read(out[0], buffer, sizeof buffer)) > 0;) {
    printed.append(buffer, n);
    for (ssize_t i = 0; i < n; ++i) seen += buffer[i] == '\n';
    if (!killed && seen >= lines) {
      usleep(extra_us);
      kill(child, SIGKILL);
      killed = true;
    }
  }
  close(out[0]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));  // it did not end by itself: an error in it would be an exit
  return printed;
}

}  // namespace

TEST_CASE("kill -9 at a random moment loses nothing acknowledged, eight times on the same store") {
  const std::uint64_t seed = std::random_device{}();
  MESSAGE("seed ", seed);
  std::mt19937_64 random(seed);
  TempDir dir;
  const std::string path = dir / "s.db";
  std::map<std::pair<std::string, std::uint64_t>, std::string> acknowledged;
  for (int round = 0; round < 8; ++round) {
    CAPTURE(round);
    const int lines = round == 0 ? 1 : static_cast<int>(random() % 1500) + 1;
    std::istringstream printed(
        run_and_kill("sqlite:" + path, lines, static_cast<int>(random() % 3000)));
    std::map<std::string, std::string> last;
    std::string stream, data;
    for (std::uint64_t seq; printed >> stream >> seq >> data;) {
      const bool fresh = acknowledged.emplace(std::pair{stream, seq}, data).second;
      REQUIRE(fresh);  // no seq is given twice, also not across crashes
      last[stream] = data;
    }
    REQUIRE_FALSE(last.empty());

    auto s = must_open(path);
    must_verify(*s);
    std::map<std::pair<std::string, std::uint64_t>, std::string> stored;
    std::uint64_t next = 1;
    for (;;) {
      const auto slice = s->read_all(next, 5000);
      REQUIRE(slice.ok());
      for (const Event& e : slice->events) {
        REQUIRE(e.pos == next++);
        stored[{e.stream, e.seq}] = e.data;
      }
      if (!slice->more) break;
    }
    for (const auto& [place, text] : acknowledged) {
      const auto found = stored.find(place);
      REQUIRE(found != stored.end());
      REQUIRE(found->second == text);
    }
    // The key was written in the same commits: it is as new as the stream's last event.
    for (const auto& [name, text] : last) {
      const auto slice = s->read(name, s->last_seq(name).value(), 1);
      CHECK(s->kv_get(name).value()->value == slice->events.at(0).data);
    }
  }
  CHECK(acknowledged.size() > 100);
}
