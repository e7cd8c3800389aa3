// A store in a PostgreSQL database: durable, shared by machines, written by one process at a time.
#pragma once

#include <memory>
#include <string>

#include "server/store/store.h"

namespace sx::store {

struct PgOptions {
  bool sync = true;  // tests only: false promises nothing about a crash of the database
  // How long an owner that gave no sign of life is waited for.
  int lease_ms = 10'000;
};

// url: postgres://user:password@host:port/database?…, as libpq takes it. Makes the tables when the
// database has none; takes the ownership, or says which process has it.
Result<std::unique_ptr<Store>> open_pg_store(const std::string& url, const PgOptions& options = {});

// Statements for the database itself, to make room for a store and to give it back.
Result<void> run_on_pg(const std::string& url, const std::string& sql);

}  // namespace sx::store
