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

// Reads a damaged store without changing it: what is readable goes to `sink`, what is bad or gone
// to `damaged`. An error means that nothing can be read at all, or comes from a sink.
using DamageSink = std::function<Result<void>(const BadRecord&)>;
Result<void> rescue_sqlite_store(const std::string& path, const RowSink& sink,
                                 const DamageSink& damaged);

}  // namespace sx::store
