// A store in a PostgreSQL database: durable, shared by machines, written by one process at a time.
#pragma once

#include <memory>
#include <string>

#include "server/store/pg_schema.h"
#include "server/store/store.h"

namespace sx::store {

// url: postgres://user:password@host:port/database?…, as libpq takes it. Makes the tables when the
// database has none; takes the ownership, or says which process has it.
Result<std::unique_ptr<Store>> open_pg_store(const std::string& url, const PgOptions& options = {});

}  // namespace sx::store
