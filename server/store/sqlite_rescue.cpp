// Reading what can still be read of a damaged SQLite store. Nothing is changed: the file is opened
// read-only, and no lock is taken.
#include <algorithm>
#include <unordered_map>

#include "engine/base/str.h"
#include "server/store/sqlite_schema.h"
#include "server/store/sqlite_store.h"

namespace sx::store {
namespace {

// Rows of damaged pages are passed over one by one; so many in a row end the search.
constexpr std::uint64_t kGapMax = 1'000'000;

class Rescue {
 public:
  Rescue(SqliteDb& db, const RowSink& sink, const DamageSink& damaged)
      : db_(db), sink_(sink), damaged_(damaged) {}

  Result<void> events() {
    SqliteStatement event(db_,
                          "SELECT e.seq, e.pos, e.type, e.at, e.data, e.hash, s.name, s.truncated "
                          "FROM event e LEFT JOIN stream s ON s.id=e.stream WHERE e.pos=?");
    const std::uint64_t last = last_pos();
    ChainWalker walker;
    std::uint64_t unreadable_from = 0;
    bool gap = false;  // right before this record
    for (std::uint64_t pos = 1; pos <= last; ++pos) {
      SqliteUse use(event);
      bool there = false;
      std::string why = "there is no such record";
      try {
        there = event.bind(pos).step();
      } catch (const SqliteError& error) {
        why = what_is_bad(error);
      }
      if (!there) {
        if (!unreadable_from) unreadable_from = pos;
        if (pos - unreadable_from > kGapMax) break;
        SX_TRY(BadRecord lost, place_of(pos));
        lost.what = why;
        SX_CHECK(damaged_(lost));
        ++events_;
        gap = true;
        continue;
      }
      unreadable_from = 0;
      Event found = event_from(event, std::string(event.text(6)));
      const ChainRecord record{pos,           event.text(6), found.seq,     found.compacted,
                               event.text(2), event.i64(3),  event.text(4), event.text(5),
                               event.u64(7)};
      // A walk begun anew after each bad record still binds every later one to its predecessor.
      if (auto bad = walker.feed(record)) {
        if (gap) {
          bad->what = "it cannot be checked: the record before it is gone";
          bad->unproven = true;
        }
        SX_CHECK(damaged_(*bad));
      }
      gap = false;
      Digest hash{};
      if (walker.pos() != pos && read_digest(event.text(5), hash)) walker = ChainWalker(pos, hash);
      ++events_;
      if (!found.compacted) {
        SX_CHECK(sink_(found));
        continue;
      }
      Digest payload{};
      read_digest(event.text(4), payload);
      SX_CHECK(sink_(CompactedEvent{std::move(found), to_hex(payload)}));
    }
    return {};
  }

  Result<void> rest() {
    SX_CHECK(rows("SELECT name, truncated FROM stream WHERE truncated>0",
                  [&](SqliteStatement& row) -> Result<void> {
                    return sink_(TruncatedStream{std::string(row.text(0)), row.u64(1)});
                  }));
    SX_CHECK(rows("SELECT s.name, o.key, o.pos, o.count FROM once o JOIN stream s ON s.id=o.stream",
                  [&](SqliteStatement& row) -> Result<void> {
                    return sink_(OnceMark{std::string(row.text(0)), std::string(row.text(1)),
                                          row.u64(2), row.u64(3)});
                  }));
    SX_CHECK(
        rows("SELECT key, value, version, sum FROM kv", [&](SqliteStatement& row) -> Result<void> {
          const std::string_view key = row.text(0);
          if (row_checksum({key, row.text(1)}, {row.u64(2)}) != row.i64(3)) {
            if (key.empty()) return damaged_({0, "", 0, "a key has lost its name"});
            SX_CHECK(damaged_({0, "", 0, str("the checksum of the key '", key, "' does not match"),
                               false, std::string(key)}));
          }
          return sink_(KvEntry{std::string(row.text(0)), std::string(row.text(1)), row.u64(2)});
        }));
    SX_CHECK(rows("SELECT id, queue, data, due, attempts FROM outbox",
                  [&](SqliteStatement& row) -> Result<void> {
                    return sink_(OutboxItem{row.u64(0), std::string(row.text(1)),
                                            std::string(row.text(2)), row.i64(3), row.u64(4)});
                  }));
    std::uint64_t counter = 0;
    try {
      counter =
          static_cast<std::uint64_t>(db_.number_of("SELECT value FROM meta WHERE key='counter'"));
    } catch (const SqliteError& error) {
      SX_CHECK(damaged_({0, "", 0, error.what()}));
    }
    return sink_(StoreEnd{events_, counter});
  }

 private:
  // The stream and seq of a record that cannot be read: the index may still know them.
  Result<BadRecord> place_of(std::uint64_t pos) {
    if (!indexed_) {
      indexed_ = true;
      SX_CHECK(rows("SELECT id, name FROM stream", [&](SqliteStatement& row) -> Result<void> {
        names_[row.i64(0)] = row.text(1);
        return {};
      }));
      SX_CHECK(
          rows("SELECT rowid, stream, seq FROM event INDEXED BY event_by_stream WHERE stream>0",
               [&](SqliteStatement& row) -> Result<void> {
                 places_[row.u64(0)] = {row.i64(1), row.u64(2)};
                 return {};
               }));
    }
    BadRecord record;
    record.pos = pos;
    const auto place = places_.find(pos);
    if (place == places_.end()) return record;
    const auto name = names_.find(place->second.first);
    if (name == names_.end()) return record;
    record.stream = name->second;
    record.seq = place->second.second;
    return record;
  }

  // The end of the log; without a readable one, as far as some index or the middle still knows.
  std::uint64_t last_pos() {
    std::uint64_t last = 0;
    bool known = false;
    for (const char* sql :
         {"SELECT max(pos) FROM event",
          "SELECT max(rowid) FROM event INDEXED BY event_by_stream WHERE stream>0"}) {
      try {
        last = std::max(last, static_cast<std::uint64_t>(db_.number_of(sql)));
        known = true;
      } catch (const SqliteError&) {
        // The other one may know.
      }
    }
    return known ? last : kGapMax;
  }

  // All rows of a statement, up to where it can no longer be read.
  template <class F>
  Result<void> rows(const char* sql, F each) {
    try {
      SqliteStatement row(db_, sql);
      while (row.step()) SX_CHECK(each(row));
    } catch (const SqliteError& error) {
      return damaged_({0, "", 0, error.what()});
    }
    return {};
  }

  SqliteDb& db_;
  const RowSink& sink_;
  const DamageSink& damaged_;
  std::uint64_t events_ = 0;
  bool indexed_ = false;
  std::unordered_map<std::int64_t, std::string> names_;
  std::unordered_map<std::uint64_t, std::pair<std::int64_t, std::uint64_t>> places_;  // by position
};

}  // namespace

Result<void> rescue_sqlite_store(const std::string& path, const RowSink& sink,
                                 const DamageSink& damaged) {
  try {
    SqliteDb db(path, nullptr, SQLITE_OPEN_READONLY);
    db.exec("PRAGMA trusted_schema=OFF; PRAGMA query_only=ON");
    Rescue rescue(db, sink, damaged);
    SX_CHECK(rescue.events());
    return rescue.rest();
  } catch (const std::exception& error) {
    return Error{str(std::string_view(error.what()), ": nothing of ", path, " can be read")};
  }
}

}  // namespace sx::store
