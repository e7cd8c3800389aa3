// A connection to PostgreSQL and the answers it gives, with errors as PgError (never leaves this
// folder). All values travel in binary; texts are bytea, so that any bytes keep their form and
// their order.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "server/store/chain.h"
#include "server/store/ledger.h"
#include "server/store/pq_library.h"

namespace sx::store {

struct PgError : LedgerError {
  PgError(const std::string& message, std::string code_in, bool lost_in)
      : LedgerError(message, lost_in), code(std::move(code_in)), lost(lost_in) {
    // A lost connection, a deadlock, a serialization failure undo the whole transaction. (Except
    // when COMMIT was under way: PgLedger asks what came of it.)
    retry = lost || code == "40001" || code == "40P01";
  }
  std::string code;  // SQLSTATE, or "" when the connection is at fault
  bool lost;         // the connection is gone
};

// Values for $1, $2 … of a statement.
class PgParams {
 public:
  PgParams& add(std::int64_t n);
  PgParams& add(std::uint64_t n) { return add(static_cast<std::int64_t>(n)); }
  PgParams& add(std::string_view bytes);
  PgParams& add(const Digest& digest) { return add(as_text(digest)); }
  // Columns of many rows: one array each.
  PgParams& add(const std::vector<std::int64_t>& numbers);
  PgParams& add(const std::vector<std::string>& texts);
  // nullopt: NULL.
  PgParams& add_null_bytes();

 private:
  friend class PgConnection;
  std::vector<std::string> values_;
  std::vector<bool> null_;
};

class PgResult {
 public:
  PgResult() = default;
  PgResult(const PqLibrary& pq, PGresult* result) : pq_(&pq), result_(result) {}
  ~PgResult() {
    if (result_) pq_->PQclear(result_);
  }
  PgResult(PgResult&& other) noexcept { *this = std::move(other); }
  PgResult& operator=(PgResult&& other) noexcept {
    std::swap(pq_, other.pq_);
    std::swap(result_, other.result_);
    return *this;
  }

  int rows() const { return result_ ? pq_->PQntuples(result_) : 0; }
  bool is_null(int row, int column) const { return pq_->PQgetisnull(result_, row, column) != 0; }
  std::int64_t i64(int row, int column) const;  // a bigint
  std::uint64_t u64(int row, int column) const {
    return static_cast<std::uint64_t>(i64(row, column));
  }
  std::string_view text(int row, int column) const {
    return {pq_->PQgetvalue(result_, row, column),
            static_cast<std::size_t>(pq_->PQgetlength(result_, row, column))};
  }
  std::uint64_t changed_rows() const;  // by INSERT, UPDATE, DELETE
  PGresult* raw() const { return result_; }

 private:
  const PqLibrary* pq_ = nullptr;
  PGresult* result_ = nullptr;
};

class PgConnection {
 public:
  struct Options {
    bool sync = true;  // false, in tests only: commits are not waited for
  };

  // Connects and makes sure that a commit is on disk when it is answered. Throws PgError.
  PgConnection(const std::string& url, const Options& options);
  ~PgConnection();
  PgConnection(const PgConnection&) = delete;

  // One statement with its parameters. `sql` is a literal: it is prepared once and known by its
  // address.
  PgResult run(const char* sql, const PgParams& params = {});
  // Several without waiting between them; the first error is thrown, and what came before it in the
  // same transaction is undone with it.
  struct Step {
    const char* sql;
    PgParams params;
  };
  std::vector<PgResult> run_all(const std::vector<Step>& steps);
  // Statements without parameters, any number, unprepared.
  void exec(const char* sql);
  std::string text_of(const char* sql);  // first column of the first row, as the server prints it

  bool lost() const { return pq_.PQstatus(connection_) != CONNECTION_OK; }
  bool in_transaction() const { return pq_.PQtransactionStatus(connection_) != PQTRANS_IDLE; }

 private:
  [[noreturn]] void fail(const PGresult* result);
  const char* prepared(const char* sql);

  const PqLibrary& pq_;
  PGconn* connection_ = nullptr;
  std::map<const char*, std::string> prepared_;
};

// The url without its password, for messages.
std::string pg_shown(const std::string& url);

}  // namespace sx::store
