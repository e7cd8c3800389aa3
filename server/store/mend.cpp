#include "server/store/mend.h"

#include <algorithm>
#include <deque>
#include <memory>

#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "server/store/chain.h"

namespace sx::store {
namespace {

constexpr std::string_view kLostType = ":lost";
constexpr std::string_view kLostStream = "$lost";  // for events of which nobody knows the stream

// A text as programs read it back.
std::string quoted(std::string_view text) {
  if (!utf8_valid(text)) return str('"', base64(text), '"');
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + "\"";
}

}  // namespace

Mender::Damage Mender::damage_of(Fields& f) {
  Damage damage;
  damage.pos = f.count("damaged");
  damage.place = {f.text("stream"), f.count("seq")};
  damage.what = f.text("what");
  damage.unproven = f.has("unproven") && f.count("unproven") != 0;
  return damage;
}

// --- the first pass ------------------------------------------------------------------------------

Result<void> Mender::survey(const NextLine& next) {
  Sha256Stream sum;
  for (std::uint64_t number = 1;; ++number) {
    SX_TRY(const std::optional<std::string> text, next());
    if (!text)
      return Error{str("the export ends after line ", number - 1,
                       " without its closing line: it is not complete")};
    auto parsed = parse_json_fields(*text);
    if (!parsed.ok()) return Error{str("line ", number, ": ", parsed.error().message)};
    Fields f(parsed.take());
    if (f.has("sha256")) {
      if (f.text("sha256") != to_hex(sum.finish()))
        return Error{str("line ", number,
                         ": the lines before do not have this SHA-256: the export was changed")};
      see_lost();
      return {};
    }
    if (number == 1) {
      if (!f.has("format") || f.text("format") != kExportFormat)
        return Error{"this is not an export of `sx store export`: its first line says otherwise"};
    } else if (auto done = survey_line(f); !done.ok()) {
      return Error{str("line ", number, ": ", done.error().message)};
    }
    sum.add(*text);
    sum.add("\n");
  }
}

Result<void> Mender::survey_line(Fields& f) {
  if (f.has("damaged")) {
    see_lost();
    Damage damage = damage_of(f);
    if (damage.pos > 0) pending_ = std::move(damage);
  } else if (f.has("pos") && f.has("hash")) {
    const std::uint64_t pos = f.count("pos");
    const Place place{f.text("stream"), f.count("seq")};
    if (pending_ && pending_->pos != pos) see_lost();
    // Of a record without a stream the rest is worth little.
    if (place.stream.empty()) return {};
    pending_.reset();
    SX_CHECK(see_event(pos, place));
  } else {
    see_lost();
    if (f.has("truncated")) see_truncated(f.text("truncated"), f.count("through"));
    if (f.has("key") && f.has("version")) counter_ = std::max(counter_, f.count("version"));
    if (f.has("outbox")) counter_ = std::max(counter_, f.count("outbox"));
  }
  if (!f.complaint().empty()) return Error{f.complaint()};
  return {};
}

// A record with a place; what its stream lacks before it has been among those that are gone.
Result<void> Mender::see_event(std::uint64_t pos, const Place& place) {
  events_ = std::max(events_, pos);
  Head& head = heads_[place.stream];
  for (std::uint64_t seq = head.seq + 1; seq < place.seq; ++seq) {
    auto free = lost_.upper_bound(head.pos);
    while (free != lost_.end() && !free->second.stream.empty()) ++free;
    if (free == lost_.end() || free->first > pos)
      return Error{str("seq ", seq, " of the stream ", place.stream,
                       " is missing, and no lost event was in its place")};
    free->second = {place.stream, seq};
    head = {seq, free->first};
  }
  if (place.seq <= head.seq)
    return Error{str("the stream ", place.stream, " has seq ", place.seq, " after ", head.seq)};
  head = {place.seq, pos};
  return {};
}

// What was truncated has been there: events of which nobody knows the stream may have been its.
void Mender::see_truncated(const std::string& stream, std::uint64_t through) {
  Head& head = heads_[stream];
  auto free = lost_.upper_bound(head.pos);
  for (; head.seq < through && free != lost_.end(); ++free) {
    if (!free->second.stream.empty()) continue;
    head = {head.seq + 1, free->first};
    free->second = {stream, head.seq};
  }
}

void Mender::see_lost() {
  if (!pending_) return;
  events_ = std::max(events_, pending_->pos);
  Place place = pending_->place;
  // What an index says is believed when it fits.
  if (!place.stream.empty()) {
    Head& head = heads_[place.stream];
    if (place.seq == head.seq + 1) {
      head = {place.seq, pending_->pos};
    } else {
      place = {};
    }
  }
  lost_[pending_->pos] = std::move(place);
  pending_.reset();
}

// --- the second pass -----------------------------------------------------------------------------

class Mender::Pass {
 public:
  Pass(Mender& mender, NextLine next)
      : mender_(mender),
        next_(std::move(next)),
        writer_([this](std::string_view piece) { return take(piece); }) {}

  Result<std::optional<std::string>> line() {
    while (ready_.empty() && !ended_) {
      SX_TRY(const std::optional<std::string> text, next_());
      if (!text) return Error{"the export ended before its closing line"};
      auto parsed = parse_json_fields(*text);
      if (!parsed.ok()) return parsed.error();
      Fields f(parsed.take());
      SX_CHECK(one(f, *text));
    }
    if (ready_.empty()) return std::optional<std::string>();
    std::string first = std::move(ready_.front());
    ready_.pop_front();
    return std::optional<std::string>(std::move(first));
  }

 private:
  Result<void> take(std::string_view piece) {
    text_ += piece;
    std::size_t from = 0;
    for (std::size_t end; (end = text_.find('\n', from)) != std::string::npos; from = end + 1)
      ready_.push_back(text_.substr(from, end - from));
    text_.erase(0, from);
    return {};
  }

  Result<void> one(Fields& f, const std::string& text) {
    if (f.has("format")) return {};
    if (f.has("damaged")) return damaged(f);
    if (f.has("pos") && f.has("hash")) return event(f);
    SX_CHECK(flush_lost());
    if (f.has("sha256")) {
      ended_ = true;
      return writer_.finish();
    }
    if (f.has("events")) return end(f.count("counter"));
    if (f.has("truncated")) {
      const std::string stream = f.text("truncated");
      std::uint64_t through = f.count("through");
      if (const auto found = compacted_.find(stream); found != compacted_.end()) {
        through = std::max(through, found->second);
        compacted_.erase(found);
      }
      const std::uint64_t last = mender_.heads_[stream].seq;
      if (through > last) {
        report().notes.push_back(str("the stream ", stream, " was truncated through ", through,
                                     ", but only ", last, " of its events are there"));
        through = last;
      }
      if (through == 0) return {};
      return writer_.row(TruncatedStream{stream, through});
    }
    if (f.has("key") && dropped_key_ == f.text("key")) {
      dropped_key_.reset();
      return {};
    }
    if (f.has("once") && !mark_holds(f)) {
      ++report().marks;
      return {};
    }
    return writer_.copy(text);
  }

  Result<void> damaged(Fields& f) {
    SX_CHECK(flush_lost());
    Damage damage = damage_of(f);
    if (damage.pos > 0) {
      pending_ = std::move(damage);
    } else if (f.has("of") && !f.text("of").empty()) {
      dropped_key_ = f.text("of");
      report().keys.push_back(*dropped_key_);
    } else {
      report().notes.push_back(damage.what);
    }
    return {};
  }

  Result<void> event(Fields& f) {
    Event event;
    event.pos = f.count("pos");
    event.seq = f.count("seq");
    event.stream = f.text("stream");
    const bool compacted = f.has("compacted");
    if (!compacted) {
      event.type = f.text("type");
      event.at_ms = f.number("at");
      event.data = f.text("data");
    }
    if (!f.complaint().empty()) return Error{f.complaint()};
    if (pending_ && pending_->pos != event.pos) SX_CHECK(flush_lost());
    if (event.stream.empty()) return flush_lost();
    if (compacted) {
      pending_.reset();
      auto& through = compacted_[event.stream];
      through = std::max(through, event.seq);
      return writer_.row(CompactedEvent{event, f.text("compacted")});
    }
    if (pending_ && pending_->unproven) {
      ++report().unproven;
    } else if (pending_) {
      ++report().changed;
      event.data = str("{:what ", quoted(pending_->what), " :type ", quoted(event.type), " :data ",
                       quoted(event.data), "}");
      event.type = kLostType;
    }
    pending_.reset();
    return writer_.row(event);
  }

  // A damaged record of which nothing followed.
  Result<void> flush_lost() {
    if (!pending_) return {};
    ++report().lost;
    Event event;
    event.pos = pending_->pos;
    const Place& place = mender_.lost_[event.pos];
    event.stream = place.stream.empty() ? std::string(kLostStream) : place.stream;
    event.seq = place.stream.empty() ? ++nowhere_ : place.seq;
    event.type = kLostType;
    event.data = str("{:what ", quoted(pending_->what), "}");
    pending_.reset();
    return writer_.row(event);
  }

  bool mark_holds(Fields& f) {
    const std::uint64_t pos = f.count("pos"), count = f.count("count");
    return pos > 0 && count > 0 && pos + count - 1 <= mender_.events_ &&
           mender_.heads_.count(f.text("stream")) != 0;
  }

  Result<void> end(std::uint64_t counter) {
    for (const auto& [stream, through] : compacted_)
      SX_CHECK(writer_.row(TruncatedStream{stream, through}));
    return writer_.row(StoreEnd{mender_.events_, std::max(counter, mender_.counter_)});
  }

  Mending& report() { return mender_.report_; }

  Mender& mender_;
  NextLine next_;
  DumpWriter writer_;
  std::string text_;
  std::deque<std::string> ready_;
  bool ended_ = false;
  std::optional<Damage> pending_;
  std::optional<std::string> dropped_key_;
  std::uint64_t nowhere_ = 0;
  std::map<std::string, std::uint64_t, std::less<>> compacted_;
};

NextLine Mender::mended(NextLine next) {
  report_ = {};
  auto pass = std::make_shared<Pass>(*this, std::move(next));
  return [pass] { return pass->line(); };
}

}  // namespace sx::store
