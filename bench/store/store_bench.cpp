// Durable commits per second beside bare SQLite, or a plain libpq program, with the same rows on
// the same disk in the same run, and what a million events take on disk. Only the ratios say
// something: syncs vary with disk and hour.
//   sx_store_bench FOLDER SECONDS [postgres://…]
// Prints a JSON object a line; bench/store/run.mjs makes the tables.
// With a PostgreSQL the same table beside a plain libpq program's work: an INSERT of as many rows
// in a transaction, committed with synchronous_commit=on.
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bench/store/figures.h"
#include "server/store/pg_connection.h"
#include "server/store/store.h"

using namespace sx;
using namespace sx::store;
using namespace sx::bench;

namespace {

const std::string kData(200, 'x');

// One row a transaction, prepared, WAL and FULL: what SQLite gives a careful single caller.
Figure bare_sqlite(const std::string& path, double seconds, int rows_per_commit) {
  sqlite3* db = nullptr;
  const auto exec = [&](const char* sql) {
    if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
      std::fprintf(stderr, "bare SQLite: %s\n", sqlite3_errmsg(db));
      std::exit(1);
    }
  };
  if (sqlite3_open(path.c_str(), &db) != SQLITE_OK) std::exit(1);
  exec(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
      "CREATE TABLE e(pos INTEGER PRIMARY KEY, stream, seq, type, data, UNIQUE(stream, seq))");
  sqlite3_stmt* insert = nullptr;
  sqlite3_prepare_v2(db, "INSERT INTO e(stream, seq, type, data) VALUES(?,?,?,?)", -1, &insert,
                     nullptr);
  std::vector<double> us;
  long seq = 0;
  for (const auto begin = Clock::now(); us_since(begin) < seconds * 1e6;) {
    const auto start = Clock::now();
    exec("BEGIN IMMEDIATE");
    for (int i = 0; i < rows_per_commit; ++i) {
      sqlite3_bind_text(insert, 1, "stream", -1, SQLITE_STATIC);
      sqlite3_bind_int64(insert, 2, ++seq);
      sqlite3_bind_text(insert, 3, ":type", -1, SQLITE_STATIC);
      sqlite3_bind_text(insert, 4, kData.data(), static_cast<int>(kData.size()), SQLITE_STATIC);
      sqlite3_step(insert);
      sqlite3_reset(insert);
    }
    exec("COMMIT");
    us.push_back(us_since(start));
  }
  sqlite3_finalize(insert);
  sqlite3_close(db);
  return figure(us, seconds);
}

// `callers` commits always under way, each replaced from its callback as a request loop would.
Figure our_store(const std::string& url, double seconds, int callers, int events, Stats* stats,
                 bool hot = false) {
  auto opened = open_store(url);
  if (!opened.ok()) {
    std::fprintf(stderr, "%s\n", opened.error().message.c_str());
    std::exit(1);
  }
  Store& store = **opened;
  std::vector<double> us;
  std::mutex mutex;
  std::condition_variable ended;
  int running = callers;
  const auto begin = Clock::now();
  std::function<void(int)> next = [&](int caller) {
    std::vector<NewEvent> batch(events, NewEvent{":type", 1, kData});
    const auto start = Clock::now();
    store.commit({Append{hot ? "hot" : "stream" + std::to_string(caller), std::move(batch)}},
                 [&, caller, start](Result<CommitOutcome> outcome) {
                   if (!outcome.ok()) std::exit(1);
                   us.push_back(us_since(start));  // always on the store's thread
                   if (us_since(begin) < seconds * 1e6) return next(caller);
                   std::lock_guard lock(mutex);
                   if (--running == 0) ended.notify_one();
                 });
  };
  for (int caller = 0; caller < callers; ++caller) next(caller);
  {
    std::unique_lock lock(mutex);
    ended.wait(lock, [&] { return running == 0; });
  }
  const double spent = us_since(begin) / 1e6;
  if (stats) *stats = store.stats().value();
  store.close();
  return figure(us, spent);
}

// Rows by a prepared INSERT each, in transactions of so many, as a plain program does it.
Figure bare_pg(const std::string& url, double seconds, int rows_per_commit) {
  PgConnection db(url, {});
  db.exec(
      "CREATE TABLE IF NOT EXISTS bare(pos bigint PRIMARY KEY, stream bytea, seq bigint, type "
      "bytea, "
      "data bytea, UNIQUE(stream, seq)); TRUNCATE bare");
  std::vector<double> us;
  std::int64_t seq = 0;
  for (const auto begin = Clock::now(); us_since(begin) < seconds * 1e6;) {
    const auto start = Clock::now();
    db.exec("BEGIN");
    for (int i = 0; i < rows_per_commit; ++i) {
      ++seq;
      db.run("INSERT INTO bare VALUES($1, $2, $3, $4, $5)", PgParams()
                                                                .add(seq)
                                                                .add(std::string_view("stream"))
                                                                .add(seq)
                                                                .add(std::string_view(":type"))
                                                                .add(std::string_view(kData)));
    }
    db.exec("COMMIT");
    us.push_back(us_since(start));
  }
  return figure(us, seconds);
}

// What `events` events of 200 bytes take on disk, as a multiple of their payload.
double bytes_per_payload(const std::string& path, int events) {
  auto store = open_store("sqlite:" + path).take();
  for (int done = 0; done < events; done += 1000) {
    std::vector<NewEvent> batch(1000, NewEvent{":type", 1, kData});
    if (!commit_and_wait(*store, {Append{"stream" + std::to_string(done % 7000), std::move(batch)}})
             .ok())
      std::exit(1);
  }
  store->close();
  return static_cast<double>(std::filesystem::file_size(path)) /
         (static_cast<double>(events) * static_cast<double>(kData.size() + 5 + 8));
}

// The same with a thread per caller that waits for each answer: the harder case for grouping.
Figure our_threads(const std::string& path, double seconds, int callers) {
  auto opened = open_store("sqlite:" + path);
  if (!opened.ok()) std::exit(1);
  Store& store = **opened;
  std::vector<std::vector<double>> each(callers);
  std::vector<std::thread> threads;
  const auto begin = Clock::now();
  for (int caller = 0; caller < callers; ++caller)
    threads.emplace_back([&, caller] {
      while (us_since(begin) < seconds * 1e6) {
        const auto start = Clock::now();
        if (!commit_and_wait(store,
                             {Append{"stream" + std::to_string(caller), {{":type", 1, kData}}}})
                 .ok())
          std::exit(1);
        each[caller].push_back(us_since(start));
      }
    });
  for (auto& thread : threads) thread.join();
  const double spent = us_since(begin) / 1e6;
  std::vector<double> us;
  for (const auto& part : each) us.insert(us.end(), part.begin(), part.end());
  return figure(us, spent);
}

// What each round measured for one line of the table. Rounds alternate with the bare ones, because
// a sync may cost 0.1 ms in one second and 4 ms in the next.
struct Line {
  const char* what;
  double rows;     // events per commit
  double aim = 0;  // of the rate, beside the bare one; 0: none
  double p99_aim = 0;
  std::vector<Figure> rounds = {};
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void print(const char* table, const Line& line, const Line& base) {
  std::vector<double> rate, p50, p99, ratio, p99_ratio;
  for (std::size_t i = 0; i < line.rounds.size(); ++i) {
    const Figure& f = line.rounds[i];
    rate.push_back(f.per_second * line.rows);
    p50.push_back(f.p50_us);
    p99.push_back(f.p99_us);
    ratio.push_back(f.per_second * line.rows / (base.rounds[i].per_second * base.rows));
    p99_ratio.push_back(f.p99_us / base.rounds[i].p99_us);
  }
  std::printf(
      "{\"table\":\"%s\",\"what\":\"%s\",\"bare\":%s,\"perSecond\":%.0f,\"p50\":%.0f,"
      "\"p99\":%.0f,\"ratio\":%.3f,\"aim\":%.1f,\"p99Ratio\":%.3f,\"p99Aim\":%.1f}\n",
      table, line.what, &line == &base ? "true" : "false", median(rate), median(p50), median(p99),
      median(ratio), line.aim, median(p99_ratio), line.p99_aim);
}

constexpr int kRounds = 5;

void beside_sqlite(const std::string& folder, double part) {
  Line bare{"bare SQLite, 1 row a transaction", 1}, one{"the store in C++, 1 caller", 1, 0.7, 3},
      sx_one{"SX, 1 fiber", 1, 0.7, 3};
  Line bare64{"bare SQLite, 64 rows a transaction", 64},
      hot{"the store in C++, 64 callers, one stream", 1, 0.5},
      sx_hot{"SX, 64 fibers on 2 isolates, one stream", 1, 0.5, 3},
      threads{"the store in C++, 64 threads, 64 streams", 1};
  Line bare100{"bare SQLite, 100 rows a transaction", 100},
      batch{"the store in C++, batches of 100", 100, 0.7, 3},
      sx_batch{"SX, append-batch of 100", 100, 0.7, 3};
  for (int round = 0; round < kRounds; ++round) {
    std::filesystem::create_directories(folder);
    const auto in = [&](const char* name) { return folder + "/" + name; };
    const auto url = [&](const char* name) { return "sqlite:" + in(name); };
    bare.rounds.push_back(bare_sqlite(in("bare1.db"), part, 1));
    one.rounds.push_back(our_store(url("s1.db"), part, 1, 1, nullptr));
    sx_one.rounds.push_back(fibers_appending(url("x1.db"), part, 1, 1));
    bare64.rounds.push_back(bare_sqlite(in("bare64.db"), part, 64));
    hot.rounds.push_back(our_store(url("s64.db"), part, 64, 1, nullptr, true));
    sx_hot.rounds.push_back(fibers_appending(url("x64.db"), part, 2, 64));
    threads.rounds.push_back(our_threads(in("t64.db"), part, 64));
    bare100.rounds.push_back(bare_sqlite(in("bare100.db"), part, 100));
    batch.rounds.push_back(our_store(url("s100.db"), part, 1, 100, nullptr));
    sx_batch.rounds.push_back(batches_appending(url("x100.db"), part));
    std::filesystem::remove_all(folder);
    std::fprintf(stderr, "SQLite: round %d of %d\n", round + 1, kRounds);
  }
  for (const Line* line : {&bare, &one, &sx_one}) print("SQLite", *line, bare);
  for (const Line* line : {&bare64, &hot, &sx_hot, &threads}) print("SQLite", *line, bare64);
  for (const Line* line : {&bare100, &batch, &sx_batch}) print("SQLite", *line, bare100);
}

void beside_libpq(const std::string& url, double part) {
  Line bare{"plain libpq, 1 row a transaction", 1}, one{"the store in C++, 1 caller", 1},
      sx_one{"SX, 1 fiber", 1};
  Line bare64{"plain libpq, 64 rows a transaction", 64},
      hot{"the store in C++, 64 callers, one stream", 1},
      sx_hot{"SX, 64 fibers on 2 isolates, one stream", 1};
  Line bare100{"plain libpq, 100 rows a transaction", 100},
      batch{"the store in C++, batches of 100", 100}, sx_batch{"SX, append-batch of 100", 100};
  for (int round = 0; round < kRounds; ++round) {
    bare.rounds.push_back(bare_pg(url, part, 1));
    one.rounds.push_back(our_store(url, part, 1, 1, nullptr));
    sx_one.rounds.push_back(fibers_appending(url, part, 1, 1));
    bare64.rounds.push_back(bare_pg(url, part, 64));
    hot.rounds.push_back(our_store(url, part, 64, 1, nullptr, true));
    sx_hot.rounds.push_back(fibers_appending(url, part, 2, 64));
    bare100.rounds.push_back(bare_pg(url, part, 100));
    batch.rounds.push_back(our_store(url, part, 1, 100, nullptr));
    sx_batch.rounds.push_back(batches_appending(url, part));
    std::fprintf(stderr, "PostgreSQL: round %d of %d\n", round + 1, kRounds);
  }
  for (const Line* line : {&bare, &one, &sx_one}) print("PostgreSQL", *line, bare);
  for (const Line* line : {&bare64, &hot, &sx_hot}) print("PostgreSQL", *line, bare64);
  for (const Line* line : {&bare100, &batch, &sx_batch}) print("PostgreSQL", *line, bare100);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: sx_store_bench FOLDER SECONDS [postgres://...]\n");
    return 2;
  }
  const std::string folder = std::string(argv[1]) + "/sx-store-bench-" + std::to_string(getpid());
  const double part = std::atof(argv[2]) / kRounds;
  beside_sqlite(folder, part);
  std::filesystem::create_directories(folder);
  constexpr int kEvents = 1'000'000;
  std::printf("{\"table\":\"size\",\"events\":%d,\"ratio\":%.3f}\n", kEvents,
              bytes_per_payload(folder + "/size.db", kEvents));
  std::filesystem::remove_all(folder);
  if (argc > 3) beside_libpq(argv[3], part);
}
