// From the text of `--store` to a store.
#include <future>

#include "engine/base/str.h"
#include "server/store/memory_store.h"
#include "server/store/sqlite_store.h"
#include "server/store/store.h"

namespace sx::store {

Result<std::unique_ptr<Store>> open_store(std::string_view url) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (url == "memory:") return open_memory_store();
  if (url.starts_with(kSqlite)) return open_sqlite_store(std::string(url.substr(kSqlite.size())));
  constexpr std::string_view kSupported =
      "supported are sqlite:PATH (a file on a local disk) and memory: (gone when the process ends)";
  if (url.starts_with("postgres:") || url.starts_with("postgresql:"))
    return Error{str("PostgreSQL stores are not supported by this sx; ", kSupported)};
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
