#include "server/store/pg_ledger.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "engine/base/str.h"

namespace sx::store {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kHeadsMax = 200'000;
constexpr std::size_t kRowsMax = 20'000;  // a larger group goes to the database in parts
constexpr std::size_t kRowBytesMax = 32u << 20;
constexpr std::int64_t kTruncateChunk = 1'000;
// How long a writer waits for a database that restarts, before it answers with an error.
constexpr auto kPatience = std::chrono::seconds(3);

template <class Rows>
std::size_t bytes_of(const Rows& texts) {
  std::size_t bytes = 0;
  for (const auto& text : texts) bytes += text.size();
  return bytes;
}

}  // namespace

bool PgLedger::Rows::empty() const {
  return stream_id.empty() && pos.empty() && once_pos.empty() && kv.empty() && outbox_id.empty();
}

PgLedger::PgLedger(std::string url, PgOptions options, PgOwner owner)
    : url_(std::move(url)), options_(options), owner_(std::move(owner)) {
  connect();
  acked_ = end_ = read_end();
}

PgLedger::~PgLedger() = default;

PgConnection& PgLedger::db() {
  if (!db_) throw PgError(str("PostgreSQL at ", pg_shown(url_), " cannot be reached"), "", true);
  return *db_;
}

void PgLedger::connect() {
  db_.reset();
  const auto patience = Clock::now() + (outage_ ? Clock::duration{} : kPatience);
  for (;;) {
    try {
      db_ = std::make_unique<PgConnection>(url_, PgConnection::Options{options_.sync});
      outage_ = false;
      return;
    } catch (const PgError& error) {
      outage_ = true;
      if (!error.lost) throw;
      if (Clock::now() >= patience)
        throw PgError(str(error.what(), "; nothing is written until it answers again"), "", true);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

// Waits for a transaction of ours that may still be under way in a session we have lost.
PgLedger::End PgLedger::read_end() {
  const PgResult head = db().run(
      "SELECT pos, hash, counter, batch FROM sx_head "
      "WHERE id = 1 AND owner = $1 AND epoch = $2 FOR UPDATE",
      PgParams().add(std::string_view(owner_.token)).add(owner_.epoch));
  if (head.rows() == 0)
    throw LedgerError(str("another process has taken over the store at ", pg_shown(url_),
                          ": this one must not write any more, restart it"),
                      true);
  End end;
  end.pos = head.u64(0, 0);
  end.counter = head.u64(0, 2);
  end.batch = head.text(0, 3);
  if (!read_digest(head.text(0, 1), end.hash))
    throw LedgerError("sx_head has no valid hash: the store is damaged, restore a backup", true);
  return end;
}

void PgLedger::begin() {
  db();
  open_ = false;
  kv_.clear();
  once_.clear();
  wanted_streams_.clear();
  wanted_keys_.clear();
  wanted_once_.clear();
  rows_ = {};
  batch_ = random_token();
  if (heads_.size() > kHeadsMax) heads_.clear();
}

void PgLedger::expect(const std::vector<Op>& ops) {
  const auto stream = [&](const std::string& name) {
    if (!heads_.count(name)) wanted_streams_.insert(name);
  };
  const auto key = [&](const std::string& name) {
    if (!kv_.count(name)) wanted_keys_.insert(name);
  };
  for (const Op& any : ops) {
    if (const auto* append = std::get_if<Append>(&any)) stream(append->stream);
    if (const auto* expect = std::get_if<AppendExpect>(&any)) stream(expect->stream);
    if (const auto* truncate = std::get_if<Truncate>(&any)) stream(truncate->stream);
    if (const auto* put = std::get_if<KvPut>(&any)) key(put->key);
    if (const auto* cas = std::get_if<KvCas>(&any)) key(cas->key);
    if (const auto* drop = std::get_if<KvDelete>(&any)) key(drop->key);
    if (const auto* once = std::get_if<AppendOnce>(&any)) {
      stream(once->stream);
      if (OnceKey name{once->stream, once->key}; !once_.count(name)) wanted_once_.insert(name);
    }
  }
}

void PgLedger::fetch() {
  std::vector<std::string> once_streams, once_keys;
  for (const auto& [stream, key] : wanted_once_) {
    once_streams.push_back(stream);
    once_keys.push_back(key);
  }
  const std::vector<std::string> streams(wanted_streams_.begin(), wanted_streams_.end());
  const std::vector<std::string> keys(wanted_keys_.begin(), wanted_keys_.end());
  std::vector<PgConnection::Step> steps;
  if (!streams.empty())
    steps.push_back(
        {"SELECT s.name, s.id, s.truncated, "
         "(SELECT coalesce(max(e.seq), 0) FROM sx_event e WHERE e.stream = s.id) "
         "FROM sx_stream s WHERE s.name = ANY($1)",
         PgParams().add(streams)});
  if (!keys.empty())
    steps.push_back({"SELECT key, value FROM sx_kv WHERE key = ANY($1)", PgParams().add(keys)});
  if (!once_keys.empty())
    steps.push_back(
        {"SELECT w.name, w.key, o.pos, o.count "
         "FROM unnest($1::bytea[], $2::bytea[]) AS w(name, key) "
         "JOIN sx_stream s ON s.name = w.name "
         "JOIN sx_once o ON o.stream = s.id AND o.key = w.key",
         PgParams().add(once_streams).add(once_keys)});
  const std::vector<PgResult> found = db().run_all(steps);
  std::size_t at = 0;
  if (!streams.empty()) {
    for (const std::string& name : streams) heads_[name] = {};
    const PgResult& rows = found[at++];
    for (int i = 0; i < rows.rows(); ++i)
      heads_[std::string(rows.text(i, 0))] = {rows.i64(i, 1), rows.u64(i, 3), rows.u64(i, 2)};
  }
  if (!keys.empty()) {
    for (const std::string& key : keys) kv_[key] = std::nullopt;
    const PgResult& rows = found[at++];
    for (int i = 0; i < rows.rows(); ++i) kv_[std::string(rows.text(i, 0))] = rows.text(i, 1);
  }
  if (!once_keys.empty()) {
    for (const OnceKey& key : wanted_once_) once_[key] = std::nullopt;
    const PgResult& rows = found[at++];
    for (int i = 0; i < rows.rows(); ++i)
      once_[{std::string(rows.text(i, 0)), std::string(rows.text(i, 1))}] =
          Block{rows.u64(i, 2), rows.u64(i, 3)};
  }
  wanted_streams_.clear();
  wanted_keys_.clear();
  wanted_once_.clear();
}

PgLedger::Head& PgLedger::head(std::string_view stream) {
  const std::string name(stream);
  auto found = heads_.find(name);
  if (found != heads_.end()) return found->second;
  wanted_streams_.insert(name);
  fetch();
  return heads_[name];
}

std::optional<std::string> PgLedger::kv_value(std::string_view key) {
  const std::string name(key);
  auto found = kv_.find(name);
  if (found == kv_.end()) {
    wanted_keys_.insert(name);
    fetch();
    found = kv_.find(name);
  }
  return found->second;
}

std::optional<Ledger::Block> PgLedger::once(std::string_view stream, std::string_view key) {
  const OnceKey name{std::string(stream), std::string(key)};
  auto found = once_.find(name);
  if (found == once_.end()) {
    wanted_once_.insert(name);
    fetch();
    found = once_.find(name);
  }
  return found->second;
}

std::vector<Event> PgLedger::events(Block block) {
  if (!rows_.empty()) flush(false);
  const PgResult rows = db().run(
      "SELECT s.name, e.seq, e.pos, e.type, e.at, e.data, e.hash FROM sx_event e "
      "JOIN sx_stream s ON s.id = e.stream WHERE e.pos >= $1 AND e.pos < $2 ORDER BY e.pos",
      PgParams().add(block.first_pos).add(block.first_pos + block.count));
  std::vector<Event> events;
  for (int i = 0; i < rows.rows(); ++i)
    events.push_back(event_from(rows, i, std::string(rows.text(i, 0)), 1));
  return events;
}

// --- writing
// ---------------------------------------------------------------------------------------

PgLedger::Head& PgLedger::stream_to_grow(std::string_view stream) {
  Head& head = this->head(stream);
  if (!head.id) {
    head.id = static_cast<std::int64_t>(end_.pos + 1);
    rows_.stream_id.push_back(head.id);
    rows_.stream_name.emplace_back(stream);
  }
  return head;
}

// Compacted events have no type: they go one by one, import alone writes such.
AppendReply PgLedger::append_compacted(std::string_view stream, const Digest& payload) {
  Head& head = stream_to_grow(stream);
  flush(false);
  const AppendReply reply{++head.last_seq, ++end_.pos, 1};
  end_.hash = chain_hash(end_.hash, end_.pos, stream, head.last_seq, payload);
  db().run(
      "INSERT INTO sx_event(pos, stream, seq, type, at, data, hash) "
      "VALUES($1, $2, $3, NULL, 0, $4, $5)",
      PgParams().add(end_.pos).add(head.id).add(head.last_seq).add(payload).add(end_.hash));
  return reply;
}

// Makes the space of what is gone usable again. PostgreSQL alone knows the word.
void PgLedger::compact() {
  for (const char* sql : {"VACUUM sx_event", "VACUUM sx_kv", "VACUUM sx_outbox", "VACUUM sx_head"})
    db().exec(sql);
}

AppendReply PgLedger::append(std::string_view stream, const std::vector<NewEvent>& events) {
  Head& head = stream_to_grow(stream);
  const AppendReply reply{head.last_seq + 1, end_.pos + 1, events.size()};
  for (const NewEvent& event : events) {
    const std::uint64_t pos = ++end_.pos;
    const std::uint64_t seq = ++head.last_seq;
    end_.hash = chain_hash(end_.hash, pos, stream, seq,
                           payload_digest(event.type, event.at_ms, event.data));
    rows_.pos.push_back(static_cast<std::int64_t>(pos));
    rows_.stream.push_back(head.id);
    rows_.seq.push_back(static_cast<std::int64_t>(seq));
    rows_.type.push_back(event.type);
    rows_.at.push_back(event.at_ms);
    rows_.data.push_back(event.data);
    rows_.hash.emplace_back(as_text(end_.hash));
  }
  if (rows_.pos.size() > kRowsMax || bytes_of(rows_.data) > kRowBytesMax) flush(false);
  return reply;
}

void PgLedger::remember_once(std::string_view stream, std::string_view key, Block block) {
  once_[{std::string(stream), std::string(key)}] = block;
  rows_.once_stream.push_back(head(stream).id);
  rows_.once_key.emplace_back(key);
  rows_.once_pos.push_back(static_cast<std::int64_t>(block.first_pos));
  rows_.once_count.push_back(static_cast<std::int64_t>(block.count));
}

KvReply PgLedger::kv_put(std::string_view key, std::string_view value) {
  const bool existed = kv_value(key).has_value();
  const std::uint64_t version = ++end_.counter;
  kv_[std::string(key)] = value;
  rows_.kv[std::string(key)] = version;
  return {version, existed};
}

KvReply PgLedger::kv_delete(std::string_view key) {
  const bool existed = kv_value(key).has_value();
  const std::uint64_t version = ++end_.counter;
  kv_[std::string(key)] = std::nullopt;
  rows_.kv[std::string(key)] = version;
  return {version, existed};
}

TruncateReply PgLedger::truncate(std::string_view stream, std::uint64_t through) {
  Head& head = this->head(stream);
  through = std::min(through, head.last_seq);
  if (through <= head.truncated) return {head.truncated, head.last_seq};
  flush(false);
  for (std::uint64_t at = head.truncated; at < through; at += kTruncateChunk) {
    const std::uint64_t end = std::min<std::uint64_t>(through, at + kTruncateChunk);
    const PgResult rows = db().run(
        "SELECT pos, type, at, data FROM sx_event "
        "WHERE stream = $1 AND seq > $2 AND seq <= $3 AND type IS NOT NULL ORDER BY seq",
        PgParams().add(head.id).add(at).add(end));
    std::vector<std::int64_t> positions;
    std::vector<std::string> digests;
    for (int i = 0; i < rows.rows(); ++i) {
      positions.push_back(rows.i64(i, 0));
      digests.emplace_back(
          as_text(payload_digest(rows.text(i, 1), rows.i64(i, 2), rows.text(i, 3))));
    }
    db().run(
        "UPDATE sx_event SET type = NULL, at = 0, data = w.digest "
        "FROM unnest($1::bigint[], $2::bytea[]) AS w(pos, digest) WHERE sx_event.pos = w.pos",
        PgParams().add(positions).add(digests));
  }
  head.truncated = through;
  db().run("UPDATE sx_stream SET truncated = $1 WHERE id = $2",
           PgParams().add(through).add(head.id));
  return {head.truncated, head.last_seq};
}

OutboxReply PgLedger::outbox_put(const OutboxPut& message) {
  const std::uint64_t id = ++end_.counter;
  rows_.outbox_id.push_back(static_cast<std::int64_t>(id));
  rows_.outbox_queue.push_back(message.queue);
  rows_.outbox_due.push_back(message.due_ms);
  rows_.outbox_data.push_back(message.data);
  rows_.outbox_sum.push_back(row_checksum({message.queue, message.data}, {id}));
  return {id, true};
}

OutboxReply PgLedger::outbox_done(std::uint64_t id) {
  flush(false);
  return {id, db().run("DELETE FROM sx_outbox WHERE id = $1", PgParams().add(sql_number(id)))
                      .changed_rows() > 0};
}

OutboxReply PgLedger::outbox_retry(std::uint64_t id, std::int64_t due_ms) {
  flush(false);
  return {id, db().run("UPDATE sx_outbox SET due = $1, attempts = attempts + 1 WHERE id = $2",
                       PgParams().add(due_ms).add(sql_number(id)))
                      .changed_rows() > 0};
}

std::vector<PgConnection::Step> PgLedger::row_steps() {
  std::vector<PgConnection::Step> steps;
  const Rows& r = rows_;
  if (!r.stream_id.empty())
    steps.push_back(
        {"INSERT INTO sx_stream(id, name, truncated) "
         "SELECT id, name, 0 FROM unnest($1::bigint[], $2::bytea[]) AS w(id, name)",
         PgParams().add(r.stream_id).add(r.stream_name)});
  if (!r.pos.empty())
    steps.push_back(
        {"INSERT INTO sx_event(pos, stream, seq, type, at, data, hash) "
         "SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[], "
         "$5::bigint[], $6::bytea[], $7::bytea[])",
         PgParams().add(r.pos).add(r.stream).add(r.seq).add(r.type).add(r.at).add(r.data).add(
             r.hash)});
  if (!r.once_pos.empty())
    steps.push_back(
        {"INSERT INTO sx_once(stream, key, pos, count) "
         "SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bigint[])",
         PgParams().add(r.once_stream).add(r.once_key).add(r.once_pos).add(r.once_count)});
  std::vector<std::string> gone, keys, values;
  std::vector<std::int64_t> versions, sums;
  for (const auto& [key, version] : r.kv) {
    const std::optional<std::string>& value = kv_[key];
    if (!value) {
      gone.push_back(key);
      continue;
    }
    keys.push_back(key);
    values.push_back(*value);
    versions.push_back(static_cast<std::int64_t>(version));
    sums.push_back(row_checksum({key, *value}, {version}));
  }
  if (!gone.empty())
    steps.push_back({"DELETE FROM sx_kv WHERE key = ANY($1)", PgParams().add(gone)});
  if (!keys.empty())
    steps.push_back(
        {"INSERT INTO sx_kv(key, value, version, sum) "
         "SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[]) "
         "ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version, "
         "sum = excluded.sum",
         PgParams().add(keys).add(values).add(versions).add(sums)});
  if (!r.outbox_id.empty())
    steps.push_back(
        {"INSERT INTO sx_outbox(id, queue, due, attempts, data, sum) "
         "SELECT id, queue, due, 0, data, sum FROM unnest($1::bigint[], $2::bytea[], "
         "$3::bigint[], $4::bytea[], $5::bigint[]) AS w(id, queue, due, data, sum)",
         PgParams()
             .add(r.outbox_id)
             .add(r.outbox_queue)
             .add(r.outbox_due)
             .add(r.outbox_data)
             .add(r.outbox_sum)});
  return steps;
}

// Sends what was collected. The first flush of a group opens its transaction and takes the row of
// the head; the last one writes there where the log ends now.
void PgLedger::flush(bool last) {
  if (open_ && !last && rows_.empty()) return;
  std::vector<PgConnection::Step> steps;
  if (!open_) steps.push_back({"BEGIN", {}});
  const bool heads = !open_ || last;
  if (heads)
    steps.push_back(
        {"UPDATE sx_head SET pos = pos + $1, hash = $2, counter = $3, batch = $4 "
         "WHERE id = 1 AND owner = $5 AND epoch = $6 AND batch = $7 RETURNING pos",
         PgParams()
             .add(last ? end_.pos - acked_.pos : std::uint64_t{0})
             .add(last ? end_.hash : acked_.hash)
             .add(last ? end_.counter : acked_.counter)
             .add(std::string_view(batch_))
             .add(std::string_view(owner_.token))
             .add(owner_.epoch)
             .add(std::string_view(open_ ? batch_ : acked_.batch))});
  const std::size_t head_step = steps.size() - 1;
  for (auto& step : row_steps()) steps.push_back(std::move(step));
  if (steps.empty()) return;
  std::vector<PgResult> results;
  try {
    results = db().run_all(steps);
  } catch (const PgError& error) {
    // Rows that are there already were written by somebody else: the head says so as well.
    if (error.code != "23505") throw;
    throw LedgerError(
        str("the store at ", pg_shown(url_), " holds rows that this process did not write (",
            error.what(), "): restart it"),
        true);
  }
  open_ = true;
  rows_ = {};
  if (!heads) return;
  const PgResult& head = results[head_step];
  if (head.rows() != 1 || head.u64(0, 0) != (last ? end_.pos : acked_.pos))
    throw LedgerError(str("another process has taken over the store at ", pg_shown(url_),
                          ": this one must not write any more, restart it"),
                      true);
}

void PgLedger::commit() {
  const bool changed = open_ || !rows_.empty() || end_.counter != acked_.counter;
  if (!changed) {
    // Only refusals and repeats. What they rest on is on disk, if it is still ours to speak of.
    const PgResult mine = db().run(
        "SELECT pos FROM sx_head WHERE id = 1 AND owner = $1 AND epoch = $2 AND batch = $3",
        PgParams()
            .add(std::string_view(owner_.token))
            .add(owner_.epoch)
            .add(std::string_view(acked_.batch)));
    if (mine.rows() != 1)
      throw LedgerError(str("another process has taken over the store at ", pg_shown(url_),
                            ": this one must not write any more, restart it"),
                        true);
    return;
  }
  flush(true);
  try {
    db().run("COMMIT");
  } catch (const PgError& error) {
    if (!error.lost) throw;
    after_lost_commit(error.what());
  }
  end_.batch = batch_;
  acked_ = end_;
  open_ = false;
}

// The connection broke while COMMIT was under way: did it happen? The head's batch tells, once
// nobody holds its row any more. Returns when it did.
void PgLedger::after_lost_commit(const std::string& why) {
  End now;
  try {
    connect();
    now = read_end();
  } catch (const LedgerError& error) {
    throw LedgerError(
        str(why, " in the middle of a COMMIT, and what came of it cannot be learnt (", error.what(),
            "): this write is not acknowledged and may or may not have survived, "
            "read before repeating it"),
        true);
  }
  if (now.batch == batch_) return;
  LedgerError undone(str(why, " before COMMIT: nothing was written, repeat it"), false);
  undone.retry = now.batch == acked_.batch;
  if (!undone.retry) undone.reopen = true;
  throw undone;
}

void PgLedger::rollback() noexcept {
  try {
    if (db_ && db_->lost()) {
      db_.reset();
    } else if (db_ && db_->in_transaction()) {
      db_->exec("ROLLBACK");
    }
  } catch (const std::exception&) {
    db_.reset();
  }
  heads_.clear();
  rows_ = {};
  kv_.clear();
  once_.clear();
  open_ = false;
  end_ = acked_;
}

// What the database holds is the truth; it must not be less than what was acknowledged.
void PgLedger::recover() {
  heads_.clear();
  connect();
  const End now = read_end();
  if (now.pos < acked_.pos || now.counter < acked_.counter ||
      (now.pos == acked_.pos && now.hash != acked_.hash)) {
    db_.reset();
    throw LedgerError(
        str("the store at ", pg_shown(url_), " stands at ", now.pos, ", acknowledged were ",
            acked_.pos, ": the database lost acknowledged data, restore a backup"),
        true);
  }
  acked_ = end_ = now;
}

}  // namespace sx::store
