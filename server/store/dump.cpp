#include "server/store/dump.h"

#include <sys/stat.h>

#include <algorithm>
#include <ctime>
#include <set>
#include <unordered_set>

#include "engine/base/str.h"
#include "server/store/dump_lines.h"

namespace sx::store {
namespace {

constexpr std::size_t kPiece = 64 << 10;  // of output

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

}  // namespace

// --- writing
// ---------------------------------------------------------------------------------------

DumpWriter::DumpWriter(std::function<Result<void>(std::string_view)> out) : out_(std::move(out)) {
  (void)line(Line().text("format", kExportFormat).number("version", kExportVersion).take());
}

Result<void> DumpWriter::line(std::string text) {
  sum_.add(text);
  ++lines_;
  pending_ += text;
  if (pending_.size() < kPiece) return {};
  auto sent = out_(pending_);
  pending_.clear();
  return sent;
}

Result<void> DumpWriter::row(const Row& row) {
  return line(std::visit(
      Overloaded{
          [](const Event& e) {
            return Line()
                .number("pos", e.pos)
                .text("stream", e.stream)
                .number("seq", e.seq)
                .text("type", e.type)
                .number("at", e.at_ms)
                .text("data", e.data)
                .text("hash", e.hash)
                .take();
          },
          [](const CompactedEvent& e) {
            return Line()
                .number("pos", e.event.pos)
                .text("stream", e.event.stream)
                .number("seq", e.event.seq)
                .text("compacted", e.payload)
                .text("hash", e.event.hash)
                .take();
          },
          [](const TruncatedStream& s) {
            return Line().text("truncated", s.name).number("through", s.through).take();
          },
          [](const OnceMark& o) {
            return Line()
                .text("once", o.key)
                .text("stream", o.stream)
                .number("pos", o.first_pos)
                .number("count", o.count)
                .take();
          },
          [](const KvEntry& e) {
            return Line()
                .text("key", e.key)
                .text("value", e.value)
                .number("version", e.version)
                .take();
          },
          [](const OutboxItem& item) {
            return Line()
                .number("outbox", item.id)
                .text("queue", item.queue)
                .text("data", item.data)
                .number("due", item.due_ms)
                .number("attempts", item.attempts)
                .take();
          },
          [](const StoreEnd& end) {
            return Line().number("events", end.events).number("counter", end.counter).take();
          },
      },
      row));
}

Result<void> DumpWriter::blob(const BlobRef& ref, std::uint64_t at, std::string_view bytes) {
  return line(Line()
                  .text("blob", ref.cid)
                  .number("size", ref.size)
                  .number("at", at)
                  .text("bytes64", base64(bytes))
                  .take());
}

Result<void> DumpWriter::damage(const BadRecord& bad) {
  ++damaged_;
  return line(Line()
                  .number("damaged", bad.pos)
                  .text("stream", bad.stream)
                  .number("seq", bad.seq)
                  .text("what", bad.what)
                  .number("unproven", std::uint64_t{bad.unproven})
                  .text("of", bad.key)
                  .take());
}

Result<void> DumpWriter::copy(std::string_view text) { return line(str(text, "\n")); }

Result<void> DumpWriter::finish() {
  const std::uint64_t lines = lines_;
  const std::string sum = to_hex(sum_.finish());
  pending_ += Line().number("lines", lines).number("damage", damaged_).text("sha256", sum).take();
  auto sent = out_(pending_);
  pending_.clear();
  return sent;
}

// --- reading
// ---------------------------------------------------------------------------------------

namespace {

// Applies the lines to a ledger inside one transaction.
class Loader {
 public:
  Loader(Ledger& ledger, const BlobStore* blobs, bool check_hashes)
      : ledger_(ledger), blobs_(blobs), check_hashes_(check_hashes) {}

  // The line's own effect; an Error says what is wrong with it.
  Result<void> line(Fields& f) {
    if (f.has("pos") && f.has("hash")) return event(f);
    if (f.has("truncated")) return truncated(f);
    if (f.has("once")) return once(f);
    if (f.has("key")) return key(f);
    if (f.has("outbox")) return outbox(f);
    if (f.has("blob")) return blob(f);
    if (f.has("events")) return end(f);
    if (f.has("damaged"))
      return Error{str("position ", f.number("damaged"), " was damaged in the store (",
                       f.text("what"),
                       "): `sx store import --rescued` takes what is sound of such an export and "
                       "says what is not")};
    return Error{"this sx knows no such line: use the sx that wrote it"};
  }

  Result<void> finished() const {
    if (!ended_) return Error{"the line with the counts is missing"};
    if (blob_) return Error{str("the content of the blob ", blob_cid_, " is not complete")};
    return {};
  }
  LoadReport report;

 private:
  Result<void> checked(const Fields& f) {
    if (!f.complaint().empty()) return Error{f.complaint()};
    return {};
  }

  Result<void> event(Fields& f) {
    const std::uint64_t pos = f.count("pos"), seq = f.count("seq");
    const std::string stream = f.text("stream"), hash = f.text("hash");
    AppendReply reply;
    if (f.has("compacted")) {
      Digest payload;
      if (!from_hex(f.text("compacted"), payload))
        return Error{"\"compacted\" is not 64 hex digits"};
      SX_CHECK(checked(f));
      reply = ledger_.append_compacted(stream, payload);
      auto& through = compacted_[stream];
      through = std::max(through, seq);
    } else {
      NewEvent event{f.text("type"), f.number("at"), f.text("data")};
      SX_CHECK(checked(f));
      SX_TRY(const std::size_t bytes, check_commit({Append{stream, {event}}}));
      (void)bytes;
      reply = ledger_.append(stream, {std::move(event)});
    }
    if (reply.first_pos != pos || reply.first_seq != seq)
      return Error{str("the event has pos ", pos, " and seq ", seq, ", expected ", reply.first_pos,
                       " and ", reply.first_seq, ": lines are missing or in another order")};
    if (check_hashes_ && to_hex(ledger_.last_hash()) != hash)
      return Error{str("the hash of event ", pos,
                       " does not match it and those before it: the export was changed")};
    ++report.events;
    return {};
  }

  Result<void> truncated(Fields& f) {
    const std::string name = f.text("truncated");
    const std::uint64_t through = f.count("through");
    SX_CHECK(checked(f));
    if (ledger_.truncate(name, through).through != through)
      return Error{str("the stream has fewer than ", through, " events")};
    const auto found = compacted_.find(name);
    if (found != compacted_.end() && found->second > through)
      return Error{str("event ", found->second,
                       " of the stream is compacted, but it is truncated "
                       "only through ",
                       through)};
    compacted_.erase(name);
    return {};
  }

  Result<void> once(Fields& f) {
    const std::string stream = f.text("stream"), key = f.text("once");
    const Ledger::Block block{f.count("pos"), f.count("count")};
    SX_CHECK(checked(f));
    if (block.first_pos == 0 || block.count == 0 ||
        block.first_pos + block.count - 1 > report.events || ledger_.last_seq(stream) == 0)
      return Error{"the mark names events that are not there"};
    ledger_.remember_once(stream, key, block);
    return {};
  }

  Result<void> key(Fields& f) {
    KvPut put{f.text("key"), f.text("value")};
    const std::uint64_t version = f.count("version");
    SX_CHECK(checked(f));
    if (version == 0) return Error{"the version is 0"};
    SX_TRY(const std::size_t bytes, check_commit({put}));
    (void)bytes;
    ledger_.set_counter(version - 1);
    ledger_.kv_put(put.key, put.value);
    highest_ = std::max(highest_, version);
    ++report.kv_keys;
    return {};
  }

  Result<void> outbox(Fields& f) {
    const OutboxPut message{f.text("queue"), f.text("data"), f.number("due")};
    const std::uint64_t id = f.count("outbox"), attempts = f.count("attempts");
    SX_CHECK(checked(f));
    if (id == 0 || attempts > 1'000'000) return Error{"the number or its attempts cannot be"};
    SX_TRY(const std::size_t bytes, check_commit({message}));
    (void)bytes;
    ledger_.set_counter(id - 1);
    ledger_.outbox_put(message);
    for (std::uint64_t i = 0; i < attempts; ++i) ledger_.outbox_retry(id, message.due_ms);
    highest_ = std::max(highest_, id);
    return {};
  }

  Result<void> end(Fields& f) {
    const std::uint64_t events = f.count("events"), counter = f.count("counter");
    SX_CHECK(checked(f));
    if (events != report.events)
      return Error{str("there were ", report.events, " events, expected ", events)};
    if (counter < highest_)
      return Error{str("the counter is ", counter, ", but ", highest_, " was used")};
    if (!compacted_.empty())
      return Error{str("the stream ", compacted_.begin()->first,
                       " has compacted events, but nothing says that it is truncated")};
    ledger_.set_counter(counter);
    ended_ = true;
    return {};
  }

  Result<void> blob(Fields& f) {
    const std::string cid = f.text("blob"), bytes = f.text("bytes");
    const std::uint64_t size = f.count("size"), at = f.count("at");
    SX_CHECK(checked(f));
    if (!blobs_) return {};
    if (!blob_) {
      SX_TRY(BlobWriter writer, blobs_->writer());
      blob_.emplace(std::move(writer));
      blob_cid_ = cid;
      blob_at_ = 0;
    }
    if (cid != blob_cid_ || at != blob_at_)
      return Error{str("the blob goes on at ", at, ", expected ", blob_cid_, " at ", blob_at_)};
    SX_CHECK(blob_->write(bytes));
    blob_at_ += bytes.size();
    if (blob_at_ < size) return {};
    SX_TRY(const BlobRef ref, blob_->finish());
    blob_.reset();
    if (ref.cid != cid)
      return Error{str("the content of the blob ", cid, " has the hash ", ref.cid,
                       ": the export was changed")};
    ++report.blobs;
    return {};
  }

  Ledger& ledger_;
  const BlobStore* blobs_;
  const bool check_hashes_;
  std::map<std::string, std::uint64_t> compacted_;
  std::uint64_t highest_ = 0;
  std::optional<BlobWriter> blob_;
  std::string blob_cid_;
  std::uint64_t blob_at_ = 0;
  bool ended_ = false;
};

Result<LoadReport> load_lines(Ledger& ledger, const BlobStore* blobs, const NextLine& next,
                              bool check_hashes) {
  Loader loader(ledger, blobs, check_hashes);
  Sha256Stream sum;
  std::uint64_t number = 0;
  const auto at_line = [&](const Error& error) {
    return Error{str("line ", number, ": ", error.message)};
  };
  for (;;) {
    SX_TRY(const std::optional<std::string> text, next());
    if (!text)
      return Error{str("the export ends after line ", number,
                       " without its closing line: it is not complete")};
    ++number;
    auto parsed = parse_json_fields(*text);
    if (!parsed.ok()) return at_line(parsed.error());
    Fields fields(parsed.take());
    if (number == 1) {
      if (!fields.has("format") || fields.text("format") != kExportFormat)
        return Error{"this is not an export of `sx store export`: its first line says otherwise"};
      if (const std::int64_t version = fields.number("version"); version != kExportVersion)
        return Error{str("the export has version ", version, ", this sx reads version ",
                         kExportVersion, ": use the sx that wrote it")};
    } else if (fields.has("sha256")) {
      if (fields.count("lines") != number - 1 || fields.text("sha256") != to_hex(sum.finish()))
        return at_line(Error{"the lines before do not have this SHA-256: the export was changed"});
      if (auto done = loader.finished(); !done.ok()) return at_line(done.error());
      return loader.report;
    } else if (auto done = loader.line(fields); !done.ok()) {
      return at_line(done.error());
    }
    sum.add(*text);
    sum.add("\n");
  }
}

}  // namespace

Result<LoadReport> load_dump(Store& store, const BlobStore* blobs, const NextLine& next,
                             bool check_hashes) {
  Result<LoadReport> report{LoadReport{}};
  auto done = store.exclusive([&](Ledger& ledger) {
    if (ledger.last_pos() != 0 || ledger.counter() != 0)
      throw LedgerError(str("the store is not empty (", ledger.last_pos(),
                            " events): import goes into a new one"),
                        false);
    ledger.begin();
    report = load_lines(ledger, blobs, next, check_hashes);
    if (!report.ok()) throw LedgerError(report.error().message, false);
    ledger.commit();
  });
  if (!done.ok()) return done.error();
  return report;
}

Result<BlobSweep> sweep_blobs(Store& store, const BlobStore& blobs, std::int64_t grace_seconds) {
  BlobSweep sweep;
  SX_TRY(const std::vector<std::string> all, blobs.list());
  std::unordered_set<std::string> unnamed;
  const std::int64_t now = time(nullptr);
  for (const std::string& cid : all) {
    SX_TRY(const std::int64_t put_at, blobs.put_at(cid));
    if (put_at + grace_seconds <= now) unnamed.insert(cid);
  }
  sweep.kept = all.size() - unnamed.size();
  if (unnamed.empty()) return sweep;
  // Runs of exactly 64 lower-case hex digits, wherever they stand.
  const auto mark = [&](std::string_view text) {
    std::size_t run = 0;
    for (std::size_t i = 0; i <= text.size(); ++i) {
      const char c = i < text.size() ? text[i] : ' ';
      if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) {
        ++run;
        continue;
      }
      if (run == 64) sweep.kept += unnamed.erase(std::string(text.substr(i - 64, 64)));
      run = 0;
    }
  };
  SX_CHECK(store.dump([&](const Row& row) -> Result<void> {
    if (const auto* event = std::get_if<Event>(&row)) mark(event->data);
    if (const auto* entry = std::get_if<KvEntry>(&row)) {
      mark(entry->key);
      mark(entry->value);
    }
    if (const auto* item = std::get_if<OutboxItem>(&row)) mark(item->data);
    return {};
  }));
  for (const std::string& cid : unnamed) {
    SX_TRY(const std::uint64_t size, blobs.size(cid));
    SX_TRY(const bool removed, blobs.remove(cid));
    sweep.removed += removed;
    sweep.bytes += removed ? size : 0;
  }
  return sweep;
}

}  // namespace sx::store
