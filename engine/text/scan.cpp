// Matching: finds the next matches of a pattern, in slices, and counts what it costs.
//
// A slice ends after so many matches or so much work, between two start positions; the caller goes
// on where it ended, so that a long search is interrupted like any loop. Work at one start position
// is bounded: a pattern that backtracks without end is an error, on both sides at the same step.
#include <algorithm>

#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/text/ops.h"
#include "engine/text/pattern.h"

namespace sx::text {
namespace {

constexpr std::uint64_t kSliceWork = 200'000;
constexpr std::size_t kSliceReply = std::size_t{1} << 20;
constexpr std::uint64_t kStartWorkMin = 1'000'000, kStartWorkMax = 50'000'000;
constexpr int kPaused = -1000, kTooMuch = -1001;

// Counts the items tried and the characters passed, through the callouts of the pattern.
struct Meter {
  std::uint64_t work = 0;        // of this slice
  std::uint64_t start_work = 0;  // work when the current start position was taken up
  std::uint64_t start_max = 0;
  std::size_t last = 0;    // where the item before was tried
  std::size_t resume = 0;  // where a paused search goes on
  bool running = false;    // at least one start position has been tried
  bool has_references = false;
};

int on_item(pcre2_callout_block* item, void* data) {
  auto& meter = *static_cast<Meter*>(data);
  if (item->callout_flags & PCRE2_CALLOUT_STARTMATCH) {
    if (meter.running && meter.work >= kSliceWork) {
      meter.resume = item->start_match;
      return kPaused;
    }
    meter.running = true;
    meter.start_work = meter.work;
    meter.last = item->start_match;
  }
  const std::size_t here = item->current_position;
  const std::size_t passed = here > meter.last ? here - meter.last : meter.last - here;
  meter.last = here;
  meter.work += 1 + (passed >> 4);
  // A reference compares as many characters as its group has, wherever it fails.
  if (meter.has_references) {
    for (std::uint32_t g = 1; g < item->capture_top; ++g) {
      const PCRE2_SIZE from = item->offset_vector[2 * g], to = item->offset_vector[2 * g + 1];
      if (from != PCRE2_UNSET && to > from) meter.work += (to - from) >> 5;
    }
  }
  return meter.work - meter.start_work > meter.start_max ? kTooMuch : 0;
}

// What PCRE2 needs for matching, freed at the end of a slice.
struct Matcher {
  Matcher(const Pattern& pattern, Meter& meter)
      : context(pcre2_match_context_create(nullptr)),
        data(pcre2_match_data_create_from_pattern(pattern.code, nullptr)) {
    if (!context || !data) return;
    pcre2_set_callout(context, on_item, &meter);
    // Our own count answers first; this one is for what happens between two items.
    pcre2_set_match_limit(context, 4 * static_cast<std::uint32_t>(kStartWorkMax));
    pcre2_set_depth_limit(context, pattern.depth_max);
    pcre2_set_heap_limit(context, pattern.heap_kib_max);
  }
  ~Matcher() {
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
  }
  Matcher(const Matcher&) = delete;
  Matcher& operator=(const Matcher&) = delete;

  pcre2_match_context* context;
  pcre2_match_data* data;
};

class MatchWriter {
 public:
  MatchWriter(Reply& reply, const Pattern& pattern) : reply_(reply), pattern_(pattern) {}

  // {:text :start :end :groups}, and :names where the pattern has any.
  void write(const PCRE2_SIZE* offsets) {
    next_ = 0;
    key("text");
    group(offsets, 0);
    key("start");
    reply_.op('p', static_cast<std::uint32_t>(offsets[0]));
    key("end");
    reply_.op('p', static_cast<std::uint32_t>(offsets[1]));
    key("groups");
    for (std::uint32_t g = 0; g <= pattern_.groups; ++g) group(offsets, g);
    reply_.op('v', pattern_.groups + 1);
    if (!pattern_.names.empty()) {
      key("names");
      for (const PatternName& name : pattern_.names) {
        key(name.name);
        group(offsets, *std::find_if(name.groups.begin(), name.groups.end() - 1,
                                     [&](std::uint32_t g) { return is_set(offsets, g); }));
      }
      reply_.op('d', static_cast<std::uint32_t>(pattern_.names.size()));
    }
    reply_.op('d', pattern_.names.empty() ? 4 : 5);
    known_ = true;
  }

 private:
  static bool is_set(const PCRE2_SIZE* offsets, std::uint32_t g) {
    return offsets[2 * g] != PCRE2_UNSET;
  }
  // The keys come in the same order each time, so their numbers count up.
  void key(std::string_view name) {
    if (known_)
      reply_.op('K', next_++);
    else
      reply_.keyword(name);
  }
  void group(const PCRE2_SIZE* offsets, std::uint32_t g) {
    if (is_set(offsets, g))
      reply_.slice(offsets[2 * g], offsets[2 * g + 1]);
    else
      reply_.op('n');
  }

  Reply& reply_;
  const Pattern& pattern_;
  std::uint32_t next_ = 0;
  bool known_ = false;
};

void matching_failed(Reply& reply, const Pattern& pattern, int status, std::uint64_t work) {
  std::string_view shown = pattern.source;
  shown = shown.substr(0, utf8_valid_prefix(shown.substr(0, 60)));
  const char* dots = shown.size() < pattern.source.size() ? "…" : "";
  reply.work(work);
  reply.keyword("pattern");
  reply.string(pattern.source);
  reply.op('d', 1);
  switch (status) {
    case kTooMuch:
    case PCRE2_ERROR_MATCHLIMIT:
      return reply.error("limit", str("The pattern ", shown, dots,
                                      " takes too many steps on this text: it backtracks; let ",
                                      "repeated parts begin differently, or write (?>…) or a++"));
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT:
    case PCRE2_ERROR_NOMEMORY:
      return reply.error(
          "limit",
          str("The pattern ", shown, dots, " takes too much memory on this text: it remembers too ",
              "many ways back; write (?>…) or a++ where there is just one"));
    default: {
      unsigned char what[256];
      const int length = pcre2_get_error_message(status, what, sizeof what);
      return reply.error("regex-error",
                         str("The pattern ", shown, dots, " cannot be matched: ",
                             std::string_view(reinterpret_cast<char*>(what),
                                              length > 0 ? static_cast<std::size_t>(length) : 0)));
    }
  }
}

}  // namespace

void scan(Reply& reply, std::string_view source, std::string_view subject, std::uint32_t from,
          std::uint32_t options) {
  const Pattern* pattern = find_pattern(reply, source);
  if (!pattern) return;
  Meter meter;
  meter.has_references = pattern->has_references;
  meter.start_max = std::min<std::uint64_t>(kStartWorkMin + subject.size() * 16, kStartWorkMax);
  const Matcher matcher(*pattern, meter);
  if (!matcher.context || !matcher.data)
    return matching_failed(reply, *pattern, PCRE2_ERROR_NOMEMORY, 0);

  const auto* text = reinterpret_cast<PCRE2_SPTR>(subject.empty() ? "" : subject.data());
  const std::uint32_t match_options =
      PCRE2_NO_UTF_CHECK | (options & kScanWhole ? PCRE2_ANCHORED | PCRE2_ENDANCHORED : 0);
  const std::uint32_t wanted = options & kScanCountMask;
  MatchWriter writer(reply, *pattern);
  const std::size_t next_at = reply.size() + 1;
  reply.op('p', kNoOffset);
  std::uint32_t found = 0;
  std::size_t at = from;
  for (;;) {
    if (at > subject.size()) break;
    const int status = pcre2_match(pattern->code, text, subject.size(), at, match_options,
                                   matcher.data, matcher.context);
    if (status == PCRE2_ERROR_NOMATCH) break;
    if (status == kPaused) {
      reply.patch(next_at, static_cast<std::uint32_t>(meter.resume));
      break;
    }
    if (status < 0) return matching_failed(reply, *pattern, status, meter.work);
    const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(matcher.data);
    if (options & kScanTest)
      reply.boolean(true);
    else
      writer.write(offsets);
    ++found;
    // The next match begins behind this one, and behind another character if this one is empty.
    at = std::max<std::size_t>(at, offsets[1]);
    if (offsets[1] == offsets[0])
      at += at < subject.size()
                ? static_cast<std::size_t>(utf8_length(static_cast<unsigned char>(subject[at])))
                : 1;
    if (found < wanted && meter.work < kSliceWork && reply.size() < kSliceReply) continue;
    if (at <= subject.size()) reply.patch(next_at, static_cast<std::uint32_t>(at));
    break;
  }
  reply.op('l', found + 1);
  reply.work(meter.work + (std::min(at, subject.size()) - from) / 64 + source.size() / 16 + 1);
}

}  // namespace sx::text
