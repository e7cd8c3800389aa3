#include "server/store/sqlite_ledger.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "engine/base/str.h"
#include "server/store/durable_file.h"

namespace sx::store {
namespace {

// 4 KiB pages: fold after 16 MiB of new WAL. A fold beside a busy writer never reaches the end of
// the WAL, so the writer itself folds the short rest after it, and the WAL starts over in its first
// bytes: syncing bytes that the file already had is a good third cheaper than making it longer.
// When readers are in the way of that, the writer tries again beyond 64 MiB.
// (SqliteOptions::fold_frames, and four times that for the writer itself.)
constexpr int kWalFramesMax = 24'000;  // about 96 MiB: from here on writers wait for the fold
constexpr std::size_t kHeadsMax = 200'000;
constexpr std::uint64_t kRecoveryWalk = 100'000;  // events verified before writing goes on
constexpr int kTruncateChunk = 1'000;

std::int64_t kv_sum(std::string_view key, std::string_view value, std::uint64_t version) {
  return row_checksum({key, value}, {version});
}

}  // namespace

SqliteCheckpointer::SqliteCheckpointer(const std::string& path, const SqliteOptions& options)
    : db_(open_writer(path, options)),
      fold_frames_(options.fold_frames),
      thread_([this] { run(); }) {}

SqliteCheckpointer::~SqliteCheckpointer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
  if (leave_wal_) db_.leave_wal_on_close();
}

void SqliteCheckpointer::wal_grew_to(int frames) {
  {
    std::lock_guard lock(mutex_);
    if (frames < frames_) folded_ = 0;  // the WAL started over
    frames_ = frames;
    if (frames_ - folded_ < fold_frames_) return;
  }
  wake_.notify_one();
}

void SqliteCheckpointer::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return stopping_ || frames_ - folded_ >= fold_frames_; });
    if (stopping_) return;
    folded_ = frames_;  // counts as done also when it fails: not again before more has come
    lock.unlock();
    sqlite3_wal_checkpoint_v2(db_.raw(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    round_done_ = true;
    lock.lock();
  }
}

struct SqliteLedger::Connection {
  SqliteDb db;
  int wal_frames = 0;
  SqliteStatement begin, owner, commit, head, add_stream, add_event, truncatable, drop_payload,
      set_truncated, once, add_once, block, kv, put_kv, delete_kv, add_outbox, delete_outbox,
      retry_outbox, set_counter;

  explicit Connection(SqliteDb opened)
      : db(std::move(opened)),
        begin(db, "BEGIN IMMEDIATE"),
        owner(db, "SELECT value FROM meta WHERE key='owner'"),
        commit(db, "COMMIT"),
        head(db,
             "SELECT id, (SELECT ifnull(max(seq), 0) FROM event WHERE stream=id), truncated "
             "FROM stream WHERE name=?"),
        add_stream(db, "INSERT INTO stream(name) VALUES(?)"),
        add_event(db,
                  "INSERT INTO event(pos, stream, seq, type, at, data, hash) "
                  "VALUES(?, ?, ?, ?, ?, ?, ?)"),
        truncatable(db,
                    "SELECT pos, type, at, data FROM event "
                    "WHERE stream=? AND seq>? AND seq<=? AND type IS NOT NULL ORDER BY seq"),
        drop_payload(db, "UPDATE event SET type=NULL, at=0, data=? WHERE pos=?"),
        set_truncated(db, "UPDATE stream SET truncated=? WHERE id=?"),
        once(db, "SELECT pos, count FROM once WHERE stream=? AND key=?"),
        add_once(db, "INSERT INTO once(stream, key, pos, count) VALUES(?, ?, ?, ?)"),
        block(db,
              "SELECT s.name, e.seq, e.pos, e.type, e.at, e.data, e.hash "
              "FROM event e CROSS JOIN stream s ON s.id=e.stream "
              "WHERE e.pos>=? AND e.pos<? ORDER BY e.pos"),
        kv(db, "SELECT value FROM kv WHERE key=?"),
        put_kv(db,
               "INSERT INTO kv(key, value, version, sum) VALUES(?, ?, ?, ?) ON CONFLICT(key) "
               "DO UPDATE SET value=excluded.value, version=excluded.version, sum=excluded.sum"),
        delete_kv(db, "DELETE FROM kv WHERE key=?"),
        add_outbox(db,
                   "INSERT INTO outbox(id, queue, due, attempts, data, sum) "
                   "VALUES(?, ?, ?, 0, ?, ?)"),
        delete_outbox(db, "DELETE FROM outbox WHERE id=?"),
        retry_outbox(db, "UPDATE outbox SET due=?, attempts=attempts+1 WHERE id=?"),
        set_counter(db, "UPDATE meta SET value=? WHERE key='counter'") {
    sqlite3_wal_hook(
        db.raw(),
        [](void* self, sqlite3*, const char*, int frames) {
          static_cast<Connection*>(self)->wal_frames = frames;
          return SQLITE_OK;
        },
        this);
  }

  bool changed_a_row() const { return sqlite3_changes(db.raw()) > 0; }
};

SqliteLedger::SqliteLedger(std::string path, SqliteOptions options, std::string token,
                           SqliteReaderPool& readers)
    : path_(std::move(path)), options_(options), token_(std::move(token)), readers_(readers) {
  SqliteDb db = open_writer(path_, options_);
  prepare_schema(db, path_);
  if (const std::string mode = db.text_of("PRAGMA journal_mode=WAL"); mode != "wal")
    throw LedgerError(
        str("the store ", path_, " needs SQLite's WAL mode, and its file system gave '",
            std::string_view(mode), "': keep it on a local disk"),
        false);
  check_tail(db);  // before anything is written: a damaged file stays as it is
  take_ownership(db, token_);
  db = SqliteDb();
  // Making the tables needed a rollback journal. That it is gone must be on disk before anything is
  // acknowledged: one that came back after a power cut would undo what is built on the tables.
  if (auto synced = sync_folder(folder_of(path_)); !synced.ok())
    throw LedgerError(synced.error().message, false);
  connect();
  acked_ = end_ = read_end(db_->db);
}

SqliteLedger::~SqliteLedger() = default;

void SqliteLedger::connect() {
  SqliteDb db = open_writer(path_, options_);
  // The checkpointer folds; after that, a WAL that once grew large gives its space back.
  db.exec("PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=134217728");
  db.exec("PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY");
  auto connection = std::make_unique<Connection>(std::move(db));
  auto checkpointer = std::make_unique<SqliteCheckpointer>(path_, options_);
  db_ = std::move(connection);
  checkpointer_ = std::move(checkpointer);
}

SqliteLedger::End SqliteLedger::read_end(SqliteDb& db) {
  End end;
  SqliteStatement last(db, "SELECT pos, hash FROM event ORDER BY pos DESC LIMIT 1");
  if (last.step()) {
    end.pos = last.u64(0);
    if (!read_digest(last.text(1), end.hash))
      throw LedgerError(str("the last event of ", path_, " (pos ", end.pos,
                            ") has no valid hash: the file is damaged, restore a backup"),
                        false);
  }
  end.counter =
      static_cast<std::uint64_t>(db.number_of("SELECT value FROM meta WHERE key='counter'"));
  return end;
}

void SqliteLedger::begin() {
  db_->begin.run();
  SqliteUse use(db_->owner);
  if (!db_->owner.step() || db_->owner.text(0) != token_)
    throw LedgerError(str("another process has taken over the store ", path_,
                          ": this one must not write any more, restart it"),
                      false);
  if (heads_.size() > kHeadsMax) heads_.clear();
}

void SqliteLedger::commit() {
  if (end_.counter != acked_.counter) db_->set_counter.bind(end_.counter).run();
  try {
    db_->commit.run();
  } catch (const SqliteError& error) {
    throw SqliteError(str(error.what(),
                          "; this write is not acknowledged and may or may not have "
                          "survived: read before repeating it"),
                      error.code);
  }
  acked_ = end_;
}

// The writer's part of the folding: what the checkpointer left, once it has been through.
void SqliteLedger::upkeep() noexcept {
  if (!db_) return;
  checkpointer_->wal_grew_to(db_->wal_frames);
  if (db_->wal_frames < 4 * options_.fold_frames) next_own_fold_ = 4 * options_.fold_frames;
  if (checkpointer_->take_round_done() || db_->wal_frames >= next_own_fold_) {
    if (db_->wal_frames >= next_own_fold_)
      next_own_fold_ = db_->wal_frames + options_.fold_frames / 4;
    sqlite3_wal_checkpoint_v2(db_->db.raw(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  }
  if (db_->wal_frames >= kWalFramesMax) hold_until_folded();
}

// The folding has fallen behind the writing (a slow or busy disk): writers wait for it rather than
// let the WAL grow without bound. A second checkpointer is refused at once, not queued, so ours
// asks again; it gives up after a while, because a reader that never ends must not stop the store.
void SqliteLedger::hold_until_folded() {
  for (int tries = 0; tries < 400; ++tries) {
    const int code = sqlite3_wal_checkpoint_v2(db_->db.raw(), nullptr, SQLITE_CHECKPOINT_RESTART,
                                               nullptr, nullptr);
    if (code != SQLITE_BUSY) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void SqliteLedger::rollback() noexcept {
  if (db_ && !sqlite3_get_autocommit(db_->db.raw()))
    sqlite3_exec(db_->db.raw(), "ROLLBACK", nullptr, nullptr, nullptr);
  heads_.clear();
  end_ = acked_;
}

// No handle survives an I/O error. The WAL is written anew (durable_file.h says why) before SQLite
// reads it again, so that what recovery finds there is on disk before anything is built on it.
void SqliteLedger::recover() {
  heads_.clear();
  readers_.pause(true);
  try {
    if (checkpointer_) checkpointer_->leave_wal_on_close();
    checkpointer_.reset();
    if (db_) db_->db.leave_wal_on_close();
    db_.reset();
    if (auto renewed = renew_file(path_ + "-wal"); !renewed.ok())
      throw LedgerError(renewed.error().message, true);
    connect();
    check_recovered();
    acked_ = end_ = read_end(db_->db);
    readers_.resume();
  } catch (const std::exception& error) {
    // Leave nothing half open: the next try starts from the files again.
    if (checkpointer_) checkpointer_->leave_wal_on_close();
    checkpointer_.reset();
    if (db_) db_->db.leave_wal_on_close();
    db_.reset();
    const std::string reason =
        str("the store ", path_, " is out of service: ", std::string_view(error.what()));
    readers_.refuse(reason);
    throw LedgerError(reason, true);
  }
}

std::optional<BadRecord> SqliteLedger::walk_from(SqliteDb& db, std::uint64_t from,
                                                 ChainWalker& walker) {
  if (from > 0) {
    SqliteStatement hash_at(db, "SELECT hash FROM event WHERE pos=?");
    Digest start;
    SqliteUse use(hash_at);
    if (!hash_at.bind(from).step() || !read_digest(hash_at.text(0), start))
      return BadRecord{from, "", 0, "it is gone"};
    walker = ChainWalker(from, start);
  }
  SqliteReader reader(open_reader(path_, options_));
  return reader.walk_chain(walker);
}

// What was written last is what a crash of the machine or a bad copy damages first.
void SqliteLedger::check_tail(SqliteDb& db) {
  if (options_.tail_walk == 0) return;
  const std::uint64_t end = read_end(db).pos;
  const std::uint64_t from = end > options_.tail_walk ? end - options_.tail_walk : 0;
  ChainWalker walker;
  if (const auto bad = walk_from(db, from, walker))
    throw LedgerError(
        str("the store ", path_, " is damaged at position ", bad->pos,
            bad->stream.empty() ? std::string()
                                : str(" (stream ", bad->stream, ", seq ", bad->seq, ")"),
            ": ", bad->what,
            ". Nothing was changed. Restore a backup; `sx store export --rescue` reads what is "
            "left"),
        false);
}

void SqliteLedger::check_recovered() {
  const auto lost = [&](std::string what) {
    return LedgerError(str(what, ": the disk lost acknowledged data, restore a backup"), false);
  };
  const std::uint64_t from = acked_.pos > kRecoveryWalk ? acked_.pos - kRecoveryWalk : 0;
  ChainWalker walker;
  SqliteStatement hash_at(db_->db, "SELECT hash FROM event WHERE pos=?");
  if (const auto bad = walk_from(db_->db, from, walker))
    throw lost(str("event ", bad->pos, " is bad: ", bad->what));
  if (walker.pos() < acked_.pos)
    throw lost(str("the log ends at ", walker.pos(), ", acknowledged were ", acked_.pos));
  SqliteUse use(hash_at);
  if (acked_.pos > 0 &&
      (!hash_at.bind(acked_.pos).step() || hash_at.text(0) != as_text(acked_.hash)))
    throw lost(str("event ", acked_.pos, " is not the one that was acknowledged"));
}

SqliteLedger::Head& SqliteLedger::head(std::string_view stream) {
  auto found = heads_.find(stream);
  if (found != heads_.end()) return found->second;
  Head head;
  SqliteUse use(db_->head);
  if (db_->head.bind(stream).step()) head = {db_->head.i64(0), db_->head.u64(1), db_->head.u64(2)};
  return heads_.emplace(std::string(stream), head).first->second;
}

std::optional<std::string> SqliteLedger::kv_value(std::string_view key) {
  SqliteUse use(db_->kv);
  if (!db_->kv.bind(key).step()) return std::nullopt;
  return std::string(db_->kv.text(0));
}

std::optional<Ledger::Block> SqliteLedger::once(std::string_view stream, std::string_view key) {
  SqliteUse use(db_->once);
  if (!db_->once.bind(head(stream).id).bind(key).step()) return std::nullopt;
  return Block{db_->once.u64(0), db_->once.u64(1)};
}

std::vector<Event> SqliteLedger::events(Block block) {
  std::vector<Event> events;
  SqliteStatement& row = db_->block;
  SqliteUse use(row);
  row.bind(block.first_pos).bind(block.first_pos + block.count);
  while (row.step()) events.push_back(event_from(row, std::string(row.text(0)), 1));
  return events;
}

AppendReply SqliteLedger::append(std::string_view stream, const std::vector<NewEvent>& events) {
  Head& head = this->head(stream);
  if (!head.id) {
    db_->add_stream.bind(stream).run();
    head.id = sqlite3_last_insert_rowid(db_->db.raw());
  }
  const AppendReply reply{head.last_seq + 1, end_.pos + 1, events.size()};
  for (const NewEvent& event : events) {
    const std::uint64_t pos = ++end_.pos;
    const std::uint64_t seq = ++head.last_seq;
    end_.hash = chain_hash(end_.hash, pos, stream, seq,
                           payload_digest(event.type, event.at_ms, event.data));
    db_->add_event.bind(pos)
        .bind(head.id)
        .bind(seq)
        .bind(std::string_view(event.type))
        .bind(event.at_ms)
        .bind(std::string_view(event.data))
        .bind(end_.hash)
        .run();
  }
  return reply;
}

AppendReply SqliteLedger::append_compacted(std::string_view stream, const Digest& payload) {
  Head& head = this->head(stream);
  if (!head.id) {
    db_->add_stream.bind(stream).run();
    head.id = sqlite3_last_insert_rowid(db_->db.raw());
  }
  const AppendReply reply{++head.last_seq, ++end_.pos, 1};
  end_.hash = chain_hash(end_.hash, end_.pos, stream, head.last_seq, payload);
  db_->add_event.bind(end_.pos)
      .bind(head.id)
      .bind(head.last_seq)
      .bind_null()
      .bind(std::int64_t{0})
      .bind(payload)
      .bind(end_.hash)
      .run();
  return reply;
}

// Rewrites the file without its holes; what it took meanwhile in the WAL goes as well.
void SqliteLedger::compact() {
  db_->db.exec("VACUUM");
  hold_until_folded();
  sqlite3_wal_checkpoint_v2(db_->db.raw(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
}

void SqliteLedger::remember_once(std::string_view stream, std::string_view key, Block block) {
  db_->add_once.bind(head(stream).id).bind(key).bind(block.first_pos).bind(block.count).run();
}

KvReply SqliteLedger::kv_put(std::string_view key, std::string_view value) {
  const bool existed = kv_value(key).has_value();
  const std::uint64_t version = ++end_.counter;
  db_->put_kv.bind(key).bind(value).bind(version).bind(kv_sum(key, value, version)).run();
  return {version, existed};
}

KvReply SqliteLedger::kv_delete(std::string_view key) {
  const std::uint64_t version = ++end_.counter;
  db_->delete_kv.bind(key).run();
  return {version, db_->changed_a_row()};
}

TruncateReply SqliteLedger::truncate(std::string_view stream, std::uint64_t through) {
  Head& head = this->head(stream);
  through = std::min(through, head.last_seq);
  if (through <= head.truncated) return {head.truncated, head.last_seq};
  // In chunks: rows must not change under the statement that reads them.
  while (head.truncated < through) {
    const std::uint64_t end = std::min(through, head.truncated + kTruncateChunk);
    std::vector<std::pair<std::uint64_t, Digest>> digests;
    SqliteStatement& row = db_->truncatable;
    row.bind(head.id).bind(head.truncated).bind(end);
    while (row.step())
      digests.emplace_back(row.u64(0), payload_digest(row.text(1), row.i64(2), row.text(3)));
    for (const auto& [pos, digest] : digests) db_->drop_payload.bind(digest).bind(pos).run();
    head.truncated = end;
  }
  db_->set_truncated.bind(head.truncated).bind(head.id).run();
  return {head.truncated, head.last_seq};
}

OutboxReply SqliteLedger::outbox_put(const OutboxPut& message) {
  const std::uint64_t id = ++end_.counter;
  db_->add_outbox.bind(id)
      .bind(std::string_view(message.queue))
      .bind(message.due_ms)
      .bind(std::string_view(message.data))
      .bind(row_checksum({message.queue, message.data}, {id}))
      .run();
  return {id, true};
}

OutboxReply SqliteLedger::outbox_done(std::uint64_t id) {
  db_->delete_outbox.bind(sql_number(id)).run();
  return {id, db_->changed_a_row()};
}

OutboxReply SqliteLedger::outbox_retry(std::uint64_t id, std::int64_t due_ms) {
  db_->retry_outbox.bind(due_ms).bind(sql_number(id)).run();
  return {id, db_->changed_a_row()};
}

}  // namespace sx::store
