#include "server/store/pg_connection.h"

#include <cstdlib>
#include <cstring>
#include <optional>

#include "engine/base/str.h"

namespace sx::store {
namespace {

// Type numbers of PostgreSQL's catalogue; they never change.
constexpr std::uint32_t kInt8 = 20, kBytea = 17;

void put_be(std::string& out, std::uint64_t n, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(n >> shift));
}

// The head of a binary array of one dimension without NULLs.
std::string array_head(std::uint32_t type, std::size_t count, std::size_t bytes) {
  std::string out;
  out.reserve(20 + bytes);
  put_be(out, count ? 1 : 0, 4);
  put_be(out, 0, 4);
  put_be(out, type, 4);
  if (count) {
    put_be(out, count, 4);
    put_be(out, 1, 4);
  }
  return out;
}

const PqLibrary& loaded_library() {
  auto library = pq_library();
  if (!library.ok()) throw PgError(library.error().message, "", false);
  return **library;
}

std::string_view trimmed(const char* text) {
  std::string_view view = text ? text : "";
  while (!view.empty() && (view.back() == '\n' || view.back() == ' ')) view.remove_suffix(1);
  return view;
}

// libpq says one thing a line, and asks a question below it.
std::string one_line(const char* text) {
  std::string line;
  for (const char c : trimmed(text)) {
    if (c == '\n') {
      line += "; ";
    } else if (c != '\t') {
      line += c;
    }
  }
  return line;
}

// What a person can do about a SQLSTATE, by its class.
std::string_view advice(std::string_view code) {
  if (code == "53100") return ": the database's disk is full, free some space there";
  if (code == "53300") return ": it has no connection left, raise max_connections";
  if (code == "28P01" || code == "28000") return ": check user and password in --store";
  if (code == "3D000") return ": make it with createdb, or correct the name in --store";
  if (code == "42501") return ": the user of --store must own the tables or be given them";
  if (code == "55P03") return ": another session holds the store's row locked";
  if (code == "25006") return ": the server is read-only (a standby?); give the primary in --store";
  return "";
}

}  // namespace

std::string pg_shown(const std::string& url) {
  // postgres://user:secret@host/… → postgres://user@host/…
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t at = url.find('@', begin);
  const std::size_t colon = url.find(':', begin);
  std::string shown = url;
  if (at != std::string::npos && colon < at) shown.erase(colon, at - colon);
  const std::size_t query = shown.find('?');
  if (query != std::string::npos) shown.resize(query);  // may hold a password as well
  return shown;
}

PgParams& PgParams::add(std::int64_t n) {
  std::string bytes;
  put_be(bytes, static_cast<std::uint64_t>(n), 8);
  values_.push_back(std::move(bytes));
  null_.push_back(false);
  return *this;
}

PgParams& PgParams::add(std::string_view bytes) {
  values_.emplace_back(bytes);
  null_.push_back(false);
  return *this;
}

PgParams& PgParams::add(const std::vector<std::int64_t>& numbers) {
  std::string out = array_head(kInt8, numbers.size(), numbers.size() * 12);
  for (const std::int64_t n : numbers) {
    put_be(out, 8, 4);
    put_be(out, static_cast<std::uint64_t>(n), 8);
  }
  values_.push_back(std::move(out));
  null_.push_back(false);
  return *this;
}

PgParams& PgParams::add(const std::vector<std::string>& texts) {
  std::size_t bytes = 0;
  for (const std::string& text : texts) bytes += 4 + text.size();
  std::string out = array_head(kBytea, texts.size(), bytes);
  for (const std::string& text : texts) {
    put_be(out, text.size(), 4);
    out.append(text);
  }
  values_.push_back(std::move(out));
  null_.push_back(false);
  return *this;
}

PgParams& PgParams::add_null_bytes() {
  values_.emplace_back();
  null_.push_back(true);
  return *this;
}

std::int64_t PgResult::i64(int row, int column) const {
  const std::string_view bytes = text(row, column);
  std::uint64_t n = 0;
  for (const char c : bytes) n = n << 8 | static_cast<unsigned char>(c);
  if (bytes.size() == 4) return static_cast<std::int32_t>(n);
  return static_cast<std::int64_t>(n);
}

std::uint64_t PgResult::changed_rows() const {
  return std::strtoull(pq_->PQcmdTuples(result_), nullptr, 10);
}

PgConnection::PgConnection(const std::string& url, const Options& options) : pq_(loaded_library()) {
  // What the url does not say. A dead peer is noticed within ten seconds, not after hours.
  const char* const names[] = {"dbname",
                               "connect_timeout",
                               "tcp_user_timeout",
                               "keepalives_idle",
                               "keepalives_interval",
                               "keepalives_count",
                               "fallback_application_name",
                               nullptr};
  const char* const values[] = {url.c_str(), "5", "10000", "5", "2", "3", "sx", nullptr};
  // expand_dbname: the url's own settings go over the ones above only when they come later.
  connection_ = pq_.PQconnectdbParams(names, values, 1);
  if (!connection_ || pq_.PQstatus(connection_) != CONNECTION_OK) {
    const std::string why = connection_ ? one_line(pq_.PQerrorMessage(connection_)) : "no memory";
    if (connection_) pq_.PQfinish(connection_);
    connection_ = nullptr;
    throw PgError(str("PostgreSQL at ", pg_shown(url), " cannot be reached: ", why), "", true);
  }
  try {
    pq_.PQsetNoticeProcessor(
        connection_, [](void*, const char*) {}, nullptr);
    // A transaction that lost its client must not hold the store's row for ever.
    exec("SET idle_in_transaction_session_timeout = 15000; SET lock_timeout = 20000");
    exec(options.sync ? "SET synchronous_commit = on" : "SET synchronous_commit = off");
    if (options.sync) {
      const std::string commit = text_of("SHOW synchronous_commit");
      if (commit != "on")
        throw PgError(str("PostgreSQL answers synchronous_commit = ", commit,
                          " after it was set to on: the store needs commits that are on disk"),
                      "", false);
      if (text_of("SELECT current_setting('fsync', true)") == "off")
        throw PgError(str("PostgreSQL at ", pg_shown(url),
                          " runs with fsync = off: a power failure would lose what was "
                          "acknowledged; set fsync = on"),
                      "", false);
    }
  } catch (...) {
    pq_.PQfinish(connection_);
    throw;
  }
}

PgConnection::~PgConnection() {
  if (connection_) pq_.PQfinish(connection_);
}

void PgConnection::fail(const PGresult* result) {
  const char* code = result ? pq_.PQresultErrorField(result, PG_DIAG_SQLSTATE) : nullptr;
  const char* said = result ? pq_.PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : nullptr;
  const std::string_view class_of = code ? std::string_view(code).substr(0, 2) : "";
  // Without a code it is libpq that speaks: the server went away. 57P0x: it is shutting down, or an
  // operator ended the session.
  const bool lost =
      !code || pq_.PQstatus(connection_) != CONNECTION_OK || class_of == "08" ||
      (code && (std::string_view(code) == "57P01" || std::string_view(code) == "57P02" ||
                std::string_view(code) == "57P03" || std::string_view(code) == "25P03"));
  const std::string why(said ? trimmed(said) : trimmed(pq_.PQerrorMessage(connection_)));
  if (lost)
    throw PgError(str("the connection to PostgreSQL was lost: ", why), code ? code : "", true);
  throw PgError(str("PostgreSQL refused: ", why, advice(code ? code : ""), " (SQLSTATE ",
                    std::string_view(code ? code : "none"), ")"),
                code ? code : "", false);
}

const char* PgConnection::prepared(const char* sql) {
  const auto found = prepared_.find(sql);
  if (found != prepared_.end()) return found->second.c_str();
  std::string name = str("sx", prepared_.size());
  PgResult result(pq_, pq_.PQprepare(connection_, name.c_str(), sql, 0, nullptr));
  if (pq_.PQresultStatus(result.raw()) != PGRES_COMMAND_OK) fail(result.raw());
  return prepared_.emplace(sql, std::move(name)).first->second.c_str();
}

namespace {

// Parameters as libpq wants them.
struct Wire {
  std::vector<const char*> values;
  std::vector<int> lengths;
  std::vector<int> formats;

  Wire(const std::vector<std::string>& texts, const std::vector<bool>& null) {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      values.push_back(null[i] ? nullptr : texts[i].data());
      lengths.push_back(static_cast<int>(texts[i].size()));
      formats.push_back(1);
    }
  }
};

bool is_good(ExecStatusType status) {
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

}  // namespace

PgResult PgConnection::run(const char* sql, const PgParams& params) {
  const char* name = prepared(sql);
  const Wire wire(params.values_, params.null_);
  PgResult result(
      pq_, pq_.PQexecPrepared(connection_, name, static_cast<int>(wire.values.size()),
                              wire.values.data(), wire.lengths.data(), wire.formats.data(), 1));
  if (!is_good(pq_.PQresultStatus(result.raw()))) fail(result.raw());
  return result;
}

std::vector<PgResult> PgConnection::run_all(const std::vector<Step>& steps) {
  for (const Step& step : steps) prepared(step.sql);
  std::vector<PgResult> results;
  if (pq_.PQenterPipelineMode(connection_) != 1) fail(nullptr);
  PgResult bad;
  bool failed = false;
  for (const Step& step : steps) {
    const Wire wire(step.params.values_, step.params.null_);
    failed = failed || pq_.PQsendQueryPrepared(
                           connection_, prepared(step.sql), static_cast<int>(wire.values.size()),
                           wire.values.data(), wire.lengths.data(), wire.formats.data(), 1) != 1;
  }
  failed = failed || pq_.PQpipelineSync(connection_) != 1;
  // One result and one null pointer for each step, then the sync; a lost connection ends it early.
  for (std::size_t i = 0; !failed && i < steps.size(); ++i) {
    PgResult result(pq_, pq_.PQgetResult(connection_));
    if (!result.raw()) {
      failed = true;
      break;
    }
    while (PGresult* more = pq_.PQgetResult(connection_)) pq_.PQclear(more);
    const ExecStatusType status = pq_.PQresultStatus(result.raw());
    if (!is_good(status) && status != PGRES_PIPELINE_ABORTED && !bad.raw()) {
      bad = std::move(result);
    } else {
      results.push_back(std::move(result));
    }
    failed = pq_.PQstatus(connection_) != CONNECTION_OK;
  }
  if (!failed) {
    PgResult sync(pq_, pq_.PQgetResult(connection_));
    failed = pq_.PQresultStatus(sync.raw()) != PGRES_PIPELINE_SYNC ||
             pq_.PQexitPipelineMode(connection_) != 1;
  }
  if (bad.raw()) fail(bad.raw());
  if (failed) fail(nullptr);
  return results;
}

void PgConnection::exec(const char* sql) {
  PgResult result(pq_, pq_.PQexec(connection_, sql));
  if (!is_good(pq_.PQresultStatus(result.raw()))) fail(result.raw());
}

std::string PgConnection::text_of(const char* sql) {
  PgResult result(pq_, pq_.PQexec(connection_, sql));
  if (!is_good(pq_.PQresultStatus(result.raw()))) fail(result.raw());
  return result.rows() > 0 ? std::string(result.text(0, 0)) : std::string();
}

}  // namespace sx::store
