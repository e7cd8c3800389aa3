// The durable store in one SQLite file: WAL, a sync before every reply, one appender (appender.h).
#pragma once

#include <memory>
#include <string>

#include "server/store/sqlite_schema.h"
#include "server/store/store.h"

namespace sx::store {

// Makes the file and its folder (mode 0700) if absent, and owns it until closed.
Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& path,
                                                 const SqliteOptions& options = {});

}  // namespace sx::store
