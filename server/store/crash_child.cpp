// The process that crash_test.cpp kills: four threads append to the store given as argument and
// print "stream seq data" after each acknowledgement, until somebody ends them.
#include <unistd.h>

#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/str.h"
#include "server/store/store.h"

using namespace sx;
using namespace sx::store;

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  auto opened = open_store(argv[1]);
  if (!opened.ok()) {
    std::fprintf(stderr, "%s\n", opened.error().message.c_str());
    return 1;
  }
  Store& store = **opened;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&store, t] {
      const std::string stream = str("s", t);
      for (std::uint64_t i = 1;; ++i) {
        const std::string data = str(getpid(), ":", t, ":", i);
        std::vector<Op> ops = {Append{stream, {{":n", 0, data}}}, KvPut{stream, data}};
        if (i % 7 == 0) ops.push_back(Append{"shared", {{":n", 0, data}, {":n", 0, data}}});
        auto outcome = commit_and_wait(store, std::move(ops));
        if (!outcome.ok() || outcome->conflict) _exit(3);
        const std::string line =
            str(stream, " ", std::get<AppendReply>(outcome->replies[0]).first_seq, " ", data, "\n");
        // One write for a whole line: what the parent reads was acknowledged, never cut in two.
        if (write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
          _exit(4);
      }
    });
  for (auto& thread : threads) thread.join();
}
