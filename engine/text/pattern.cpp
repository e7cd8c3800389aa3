// Compiling patterns. Every item of a pattern is compiled with a callout, through which scan.cpp
// counts what matching costs: PCRE2's own match limit begins anew at every start position.
#include "engine/text/pattern.h"

#include <algorithm>

#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/text/ops.h"

namespace sx::text {
namespace {

constexpr std::size_t kPatternBytesMax = 32768;
constexpr std::uint32_t kNestingMax = 200;
constexpr std::size_t kCached = 64;
constexpr std::uint64_t kFrameMemory = std::uint64_t{64} << 20;

struct Hint {
  int code;
  const char* expected;
};
// What to write instead, for the mistakes that people make.
constexpr Hint kHints[] = {
    {101, R"(expected a character behind the \; write \\ for a backslash)"},
    {103, R"(expected a known letter behind the \; write \\ for a backslash)"},
    {104, "expected the smaller number first"},
    {105, "expected at most 65535"},
    {106, R"(expected ]; write \[ for the character itself)"},
    {108, R"(expected the smaller character first; write \- for the character itself)"},
    {109,
     R"(expected something to repeat before it; write a \ before it for the character itself)"},
    {111, R"x(expected :, =, !, <name>, or flags; write \( and \? for the characters themselves)x"},
    {114, R"x(expected ); write \( for the character itself)x"},
    {115, "expected the number or name of a group of this pattern"},
    {119, "expected at most 200 groups inside each other"},
    {120, "expected less than 65536 bytes when compiled: split the pattern, or repeat less"},
    {122, R"x(expected a ( before it; write \) for the character itself)x"},
    {125, "expected alternatives of a fixed length each"},
    {147, "expected a category like L, Lu, Nd or a script like Greek"},
    {183, "\\C would split a character; write . for one character"},
};

// The pattern as it is shown in a message, cut around the place of the error.
std::string excerpt(std::string_view pattern, std::size_t at) {
  constexpr std::size_t kBefore = 40, kAfter = 20;
  const auto border = [&](std::size_t i) {
    while (i > 0 && i < pattern.size() && (static_cast<unsigned char>(pattern[i]) & 0xC0) == 0x80)
      --i;
    return i;
  };
  const std::size_t from = at > kBefore ? border(at - kBefore) : 0;
  const std::size_t to = at + kAfter < pattern.size() ? border(at + kAfter) : pattern.size();
  return str(from > 0 ? "…" : "", pattern.substr(from, to - from), to < pattern.size() ? "…" : "");
}

void bad_pattern(Reply& reply, std::string_view pattern, std::size_t offset, std::string_view what,
                 std::string_view expected) {
  offset = std::min(offset, pattern.size());
  const std::size_t position = utf8_count(pattern.substr(0, offset));
  reply.keyword("pattern");
  reply.string(pattern);
  reply.keyword("position");
  reply.op('i', static_cast<std::uint32_t>(position));
  reply.op('d', 2);
  reply.error("regex-error", str("The pattern ", excerpt(pattern, offset), " is wrong at ",
                                 position, offset == pattern.size() ? ", its end: " : ": ", what,
                                 expected.empty() ? "" : ": ", expected));
}

void pcre2_complains(Reply& reply, std::string_view pattern, int code, std::size_t offset) {
  unsigned char what[256];
  const int length = pcre2_get_error_message(code, what, sizeof what);
  std::string_view message =
      length > 0 ? std::string_view(reinterpret_cast<char*>(what), static_cast<std::size_t>(length))
                 : std::string_view("it cannot be compiled");
  std::string_view expected;
  for (const Hint& hint : kHints)
    if (hint.code == code) expected = hint.expected;
  bad_pattern(reply, pattern, offset, message, expected);
}

// Where \G stands, or npos. It means the place where a search began; ours go on from place to place
// so that a long one can be interrupted, and must not find more for it.
std::size_t find_search_anchor(std::string_view pattern) {
  for (std::size_t i = 0; i + 1 < pattern.size(); ++i) {
    if (pattern[i] != '\\') continue;
    ++i;
    if (pattern[i] == 'G') return i - 1;
    if (pattern[i] == 'Q') {
      i = pattern.find("\\E", i);
      if (i == std::string_view::npos) return i;
      ++i;
    }
  }
  return std::string_view::npos;
}

// Might the pattern ignore case? (?i) anywhere, or what looks like it.
bool may_ignore_case(std::string_view pattern) {
  for (std::size_t at = pattern.find("(?"); at != std::string_view::npos;
       at = pattern.find("(?", at + 2)) {
    for (std::size_t i = at + 2; i < pattern.size(); ++i) {
      const char c = pattern[i];
      if (c == 'i') return true;
      if (c != '^' && c != '-' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')) break;
    }
  }
  return false;
}

template <class T>
T info(const pcre2_code* code, std::uint32_t what) {
  T value{};
  pcre2_pattern_info(code, what, &value);
  return value;
}

void read_names(Pattern& pattern) {
  const auto count = info<std::uint32_t>(pattern.code, PCRE2_INFO_NAMECOUNT);
  const auto entry_size = info<std::uint32_t>(pattern.code, PCRE2_INFO_NAMEENTRYSIZE);
  const auto* table = info<PCRE2_SPTR>(pattern.code, PCRE2_INFO_NAMETABLE);
  for (std::uint32_t i = 0; i < count; ++i, table += entry_size) {
    const std::uint32_t group = static_cast<std::uint32_t>(table[0]) << 8 | table[1];
    const auto* name = reinterpret_cast<const char*>(table + 2);
    if (pattern.names.empty() || pattern.names.back().name != name)
      pattern.names.push_back({name, {}});
    pattern.names.back().groups.push_back(group);
  }
  std::sort(pattern.names.begin(), pattern.names.end(),
            [](const PatternName& a, const PatternName& b) { return a.groups[0] < b.groups[0]; });
}

std::unique_ptr<Pattern> compile(Reply& reply, std::string_view source) {
  if (source.size() > kPatternBytesMax) {
    bad_pattern(reply, source, kPatternBytesMax, "it goes on for too long",
                str("expected at most ", kPatternBytesMax, " bytes"));
    return nullptr;
  }
  if (const std::size_t at = find_search_anchor(source); at != std::string_view::npos) {
    bad_pattern(reply, source, at, "\\G is not supported",
                "expected \\A, or a search with a start");
    return nullptr;
  }
  pcre2_compile_context* context = pcre2_compile_context_create(nullptr);
  if (!context) {
    bad_pattern(reply, source, 0, "there is no memory to compile it", "");
    return nullptr;
  }
  pcre2_set_newline(context, PCRE2_NEWLINE_LF);
  pcre2_set_bsr(context, PCRE2_BSR_UNICODE);
  pcre2_set_parens_nest_limit(context, kNestingMax);
  std::uint32_t options =
      PCRE2_UTF | PCRE2_UCP | PCRE2_NO_UTF_CHECK | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT;
  const auto* text = reinterpret_cast<PCRE2_SPTR>(source.empty() ? "" : source.data());
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code = pcre2_compile(text, source.size(), options, &error, &offset, context);
  // A first letter of either case is looked for twice, each to the end of the subject where it is
  // missing: with many matches that is quadratic. Without the search it is linear.
  if (code && info<std::uint32_t>(code, PCRE2_INFO_FIRSTCODETYPE) == 1 && may_ignore_case(source)) {
    pcre2_code_free(code);
    code = pcre2_compile(text, source.size(), options | PCRE2_NO_START_OPTIMIZE, &error, &offset,
                         context);
  }
  pcre2_compile_context_free(context);
  if (!code) {
    pcre2_complains(reply, source, error, offset);
    return nullptr;
  }
  auto pattern = std::make_unique<Pattern>();
  pattern->source = source;
  pattern->code = code;
  pattern->groups = info<std::uint32_t>(code, PCRE2_INFO_CAPTURECOUNT);
  pattern->has_references = info<std::uint32_t>(code, PCRE2_INFO_BACKREFMAX) > 0;
  read_names(*pattern);
  const std::uint64_t frame = 192 + std::uint64_t{16} * pattern->groups;
  pattern->depth_max = static_cast<std::uint32_t>(kFrameMemory / frame);
  const auto real_frame = info<std::size_t>(code, PCRE2_INFO_FRAMESIZE);
  pattern->heap_kib_max =
      static_cast<std::uint32_t>((std::uint64_t{pattern->depth_max} + 8) * real_frame / 1024 + 64);
  return pattern;
}

}  // namespace

const Pattern* find_pattern(Reply& reply, std::string_view source) {
  // Latest use first. Comparing sizes tells nearly all of them apart.
  SX_PER_ENGINE std::vector<std::unique_ptr<Pattern>> cache;
  for (std::size_t i = 0; i < cache.size(); ++i) {
    if (cache[i]->source != source) continue;
    std::rotate(cache.begin(), cache.begin() + static_cast<std::ptrdiff_t>(i),
                cache.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    return cache.front().get();
  }
  std::unique_ptr<Pattern> made = compile(reply, source);
  if (!made) return nullptr;
  if (cache.size() == kCached) cache.pop_back();
  cache.insert(cache.begin(), std::move(made));
  return cache.front().get();
}

void check_pattern(Reply& reply, std::string_view source) {
  reply.work(source.size());
  if (find_pattern(reply, source)) reply.boolean(true);
}

}  // namespace sx::text
