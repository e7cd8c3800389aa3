// From the rescue export of a damaged store to one that can be imported, when somebody asks for
// that: what is sound stays in its place, what is lost or was changed is replaced by an event of
// type :lost, so that no seq and no position is given twice. The hashes are those of a new chain.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/store/dump.h"
#include "server/store/dump_lines.h"

namespace sx::store {

struct Mending {
  std::uint64_t lost = 0;     // events that could not be read at all
  std::uint64_t changed = 0;  // readable, but not what was written; kept inside of the :lost event
  std::uint64_t unproven =
      0;                    // taken as they are: the record before them, which proves them, is gone
  std::uint64_t marks = 0;  // idempotency marks of events that are not there, left out
  std::vector<std::string> keys;   // left out: their checksum does not match
  std::vector<std::string> notes;  // what else could not be read
};

class Mender {
 public:
  // The first pass over the lines: finds the places of what is gone. Errors name the line.
  Result<void> survey(const NextLine& next);
  // The second pass: the lines of an export without damage. The Mender outlives it.
  NextLine mended(NextLine next);
  const Mending& report() const { return report_; }

 private:
  struct Place {
    std::string stream;
    std::uint64_t seq = 0;
  };
  struct Head {
    std::uint64_t seq = 0, pos = 0;
  };
  struct Damage {
    std::uint64_t pos = 0;
    Place place;
    std::string what;
    bool unproven = false;
  };
  class Pass;

  static Damage damage_of(Fields& f);
  Result<void> survey_line(Fields& f);
  Result<void> see_event(std::uint64_t pos, const Place& place);
  void see_truncated(const std::string& stream, std::uint64_t through);
  void see_lost();

  std::map<std::string, Head, std::less<>> heads_;
  std::map<std::uint64_t, Place> lost_;  // by position; an empty stream: nobody knows which
  std::uint64_t events_ = 0, counter_ = 0;
  std::optional<Damage> pending_;
  Mending report_;
};

}  // namespace sx::store
