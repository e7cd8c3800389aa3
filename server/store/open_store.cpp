// From the text of `--store` to a store.
#include <future>

#include "engine/base/str.h"
#include "server/store/memory_store.h"
#include "server/store/pg_store.h"
#include "server/store/sqlite_store.h"
#include "server/store/store.h"

namespace sx::store {

namespace {

Error unsafe_refused() {
  return Error{
      "?unsafe-no-sync is for the tests of `sx test` and `sx run`: such a store loses data when "
      "the machine stops"};
}

Result<std::unique_ptr<Store>> open_sqlite(std::string_view path, const OpenStoreOptions& options) {
  constexpr std::string_view kUnsafe = "?unsafe-no-sync";
  SqliteOptions sqlite;
  if (path.ends_with(kUnsafe)) {
    if (!options.allow_unsafe) return unsafe_refused();
    path.remove_suffix(kUnsafe.size());
    sqlite.sync = false;
  }
  return open_sqlite_store(std::string(path), sqlite);
}

Result<std::unique_ptr<Store>> open_pg(std::string_view url, const OpenStoreOptions& options) {
  constexpr std::string_view kUnsafe = "unsafe-no-sync";
  std::string plain(url);
  PgOptions pg;
  if (const std::size_t at = plain.find(kUnsafe); at != std::string::npos && at > 0) {
    if (!options.allow_unsafe) return unsafe_refused();
    plain.erase(at - 1, kUnsafe.size() + 1);
    // It may have been the first of several.
    if (const std::size_t next = plain.find('&');
        plain.find('?') == std::string::npos && next != std::string::npos)
      plain[next] = '?';
    pg.sync = false;
  }
  return open_pg_store(plain, pg);
}

}  // namespace

Result<std::unique_ptr<Store>> open_store(std::string_view url, const OpenStoreOptions& options) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (url == "memory:") return open_memory_store();
  if (url.starts_with(kSqlite)) return open_sqlite(url.substr(kSqlite.size()), options);
  constexpr std::string_view kSupported =
      "supported are sqlite:PATH (a file on a local disk), postgres://USER@HOST/DATABASE and "
      "memory: (gone when the process ends)";
  if (url.starts_with("postgres://") || url.starts_with("postgresql://"))
    return open_pg(url, options);
  return Error{str("'", url, "' is not a store: ", kSupported)};
}

Result<CommitOutcome> commit_and_wait(Store& store, std::vector<Op> ops) {
  // Shared: the store's thread may still be inside set_value when get() has returned here.
  auto answer = std::make_shared<std::promise<Result<CommitOutcome>>>();
  auto future = answer->get_future();
  store.commit(std::move(ops),
               [answer](Result<CommitOutcome> outcome) { answer->set_value(std::move(outcome)); });
  return future.get();
}

}  // namespace sx::store
