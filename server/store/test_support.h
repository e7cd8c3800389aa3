// What the store's tests share: a folder that goes away, all backends by name, short commits.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "server/store/dump.h"
#include "server/store/memory_store.h"
#include "server/store/pg_store.h"
#include "server/store/postgres_fixture.h"
#include "server/store/sqlite_store.h"
#include "server/store/store.h"

namespace sx::store {

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sx-store-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline NewEvent event(std::string data, std::string type = ":t", std::int64_t at_ms = 7) {
  return {std::move(type), at_ms, std::move(data)};
}

// A commit that has to succeed without conflict; answers its replies.
inline std::vector<OpReply> must(Store& store, std::vector<Op> ops) {
  auto outcome = commit_and_wait(store, std::move(ops));
  REQUIRE_MESSAGE(outcome.ok(), outcome.error().message);
  REQUIRE_FALSE(outcome->conflict.has_value());
  return outcome->replies;
}
inline AppendReply must_append(Store& store, std::string stream, std::vector<std::string> datas) {
  Append op{std::move(stream), {}};
  for (auto& data : datas) op.events.push_back(event(std::move(data)));
  return std::get<AppendReply>(must(store, {op}).at(0));
}
inline Conflict must_conflict(Store& store, std::vector<Op> ops) {
  auto outcome = commit_and_wait(store, std::move(ops));
  REQUIRE_MESSAGE(outcome.ok(), outcome.error().message);
  REQUIRE(outcome->conflict.has_value());
  CHECK(outcome->replies.empty());
  return *outcome->conflict;
}
inline std::string must_fail(Store& store, std::vector<Op> ops) {
  auto outcome = commit_and_wait(store, std::move(ops));
  REQUIRE_FALSE(outcome.ok());
  return outcome.error().message;
}

inline std::vector<std::string> datas(const Result<Slice>& slice) {
  REQUIRE_MESSAGE(slice.ok(), slice.error().message);
  std::vector<std::string> out;
  for (const Event& e : slice->events) out.push_back(e.compacted ? "(compacted)" : e.data);
  return out;
}
using Texts = std::vector<std::string>;

inline void must_verify(Store& store) {
  auto report = store.verify();
  if (!report.ok() && report.error().message == "the store is closed") return;
  REQUIRE_MESSAGE(report.ok(), report.error().message);
  const std::string what = report->bad ? report->bad->what : "";
  REQUIRE_MESSAGE(!report->bad.has_value(), what);
  CHECK(report->events == store.committed());
}

inline std::unique_ptr<Store> must_open(const std::string& path, SqliteOptions options = {}) {
  auto store = open_sqlite_store(path, options);
  REQUIRE_MESSAGE(store.ok(), store.error().message);
  return store.take();
}

inline std::unique_ptr<Store> must_open_pg(const std::string& url, PgOptions options = {}) {
  auto store = open_pg_store(url, options);
  REQUIRE_MESSAGE(store.ok(), store.error().message);
  return store.take();
}

// Runs the same test over all backends.
template <class F>
void on_each_backend(F test) {
  {
    INFO("memory backend");
    auto store = open_memory_store();
    test(*store);
    must_verify(*store);
  }
  {
    INFO("sqlite backend");
    TempDir dir;
    auto store = must_open(dir / "s.db");
    test(*store);
    must_verify(*store);
  }
  {
    INFO("postgresql backend");
    auto store = must_open_pg(Postgres::server().fresh_url());
    test(*store);
    must_verify(*store);
  }
}

// An export's text as whoever reads one takes it.
inline NextLine lines_of(const std::string& text) {
  auto in = std::make_shared<std::istringstream>(text);
  return [in]() -> Result<std::optional<std::string>> {
    std::string line;
    if (!std::getline(*in, line)) return std::optional<std::string>();
    return std::optional<std::string>(line);
  };
}

}  // namespace sx::store
