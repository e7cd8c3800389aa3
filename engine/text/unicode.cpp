// Unicode by utf8proc: normal forms, case folding, full case mapping, graphemes, width, properties.
#include <utf8proc.h>

#include <algorithm>
#include <vector>

#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/text/ops.h"
#include "engine/text/special_casing.h"

namespace sx::text {
namespace {

using Code = utf8proc_int32_t;

const utf8proc_property_t& property(std::uint32_t c) {
  return *utf8proc_get_property(static_cast<Code>(c));
}

// --- normal forms ---------------------------------------------------------------------------

int options_of(NormalForm form) {
  switch (form) {
    case NormalForm::Nfc:
      return UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    case NormalForm::Nfd:
      return UTF8PROC_STABLE | UTF8PROC_DECOMPOSE;
    case NormalForm::Nfkc:
      return UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT;
    case NormalForm::Nfkd:
      return UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT;
    case NormalForm::NfkcCasefold:
      break;
  }
  return UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;
}

// utf8proc_decompose orders marks by exchanging neighbours, which a long run of them makes
// quadratic: so each run is sorted here.
void order_marks(std::vector<Code>& codes) {
  const auto mark = [](Code c) { return property(static_cast<std::uint32_t>(c)).combining_class; };
  for (std::size_t i = 0; i < codes.size();) {
    if (mark(codes[i]) == 0) {
      ++i;
      continue;
    }
    std::size_t end = i + 1;
    while (end < codes.size() && mark(codes[end]) != 0) ++end;
    std::stable_sort(codes.begin() + static_cast<std::ptrdiff_t>(i),
                     codes.begin() + static_cast<std::ptrdiff_t>(end),
                     [&](Code a, Code b) { return mark(a) < mark(b); });
    i = end;
  }
}

void decompose(std::vector<Code>& out, std::uint32_t c, int options) {
  Code parts[32];  // the longest decomposition has 18
  int bound = 0;
  const utf8proc_ssize_t n = utf8proc_decompose_char(
      static_cast<Code>(c), parts, 32, static_cast<utf8proc_option_t>(options), &bound);
  for (utf8proc_ssize_t i = 0; i < n && i < 32; ++i) out.push_back(parts[i]);
}

void append(std::string& out, const std::vector<Code>& codes) {
  for (const Code c : codes) utf8_append(out, static_cast<std::uint32_t>(c));
}

// One part, which nothing behind it changes.
void normalize_part(std::string& out, std::vector<Code>& codes, int options) {
  order_marks(codes);
  const utf8proc_ssize_t n =
      utf8proc_normalize_utf32(codes.data(), static_cast<utf8proc_ssize_t>(codes.size()),
                               static_cast<utf8proc_option_t>(options));
  codes.resize(static_cast<std::size_t>(n));
  append(out, codes);
  codes.clear();
}

// Does nothing before this code point compose with it, or move behind it? A part ends there.
bool begins_part(Code c) {
  const utf8proc_property_t& p = property(static_cast<std::uint32_t>(c));
  if (p.combining_class != 0) return false;
  // The second of a pair has its high bit set (utf8proc_normalize_utf32); vowels and finals of
  // Hangul compose by arithmetic.
  if (p.comb_index != UINT16_MAX && p.comb_index >= 0x8000) return false;
  return c < 0x1161 || c > 0x11FF;
}

// The reply for a text made from s: s itself when nothing changed.
void changed_text(Reply& reply, std::string_view s, const std::string& made) {
  if (made == s)
    reply.slice(0, s.size());
  else
    reply.string(made);
}

// --- case -----------------------------------------------------------------------------------

bool is_cased(std::uint32_t c) {
  const auto code = static_cast<Code>(c);
  const utf8proc_category_t category = utf8proc_category(code);
  return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL ||
         category == UTF8PROC_CATEGORY_LT || utf8proc_toupper(code) != code ||
         utf8proc_tolower(code) != code;
}

// Case_Ignorable: marks, modifiers, and what stands inside words.
bool is_case_ignorable(std::uint32_t c) {
  switch (utf8proc_category(static_cast<Code>(c))) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      break;
  }
  constexpr std::uint32_t kInsideWords[] = {0x27,   0x2E,   0x3A,   0xB7,   0x387,  0x55F,
                                            0x5F4,  0x2018, 0x2019, 0x2024, 0x2027, 0xFE13,
                                            0xFE52, 0xFE55, 0xFF07, 0xFF0E, 0xFF1A};
  return std::find(std::begin(kInsideWords), std::end(kInsideWords), c) != std::end(kInsideWords);
}

// Is the sigma at [at, end) the last letter of a word? The first condition, a letter before it, is
// `after_letter`, known from the walk.
bool ends_word(std::string_view s, std::size_t end) {
  while (end < s.size()) {
    const std::uint32_t c = utf8_decode(s, end);
    if (is_case_ignorable(c)) continue;
    return !is_cased(c);
  }
  return true;
}

void append_special(std::string& out, const std::uint16_t* codes) {
  for (int i = 0; i < 3 && codes[i]; ++i) utf8_append(out, codes[i]);
}

const SpecialCasing* special(std::uint32_t c) {
  const auto* found = std::lower_bound(
      std::begin(kSpecialCasing), std::end(kSpecialCasing), c,
      [](const SpecialCasing& row, std::uint32_t code) { return row.code < code; });
  return found != std::end(kSpecialCasing) && found->code == c ? found : nullptr;
}

void append_upper(std::string& out, std::uint32_t c) {
  if (const SpecialCasing* row = special(c)) return append_special(out, row->upper);
  utf8_append(out, static_cast<std::uint32_t>(utf8proc_toupper(static_cast<Code>(c))));
}

void append_title(std::string& out, std::uint32_t c) {
  if (const SpecialCasing* row = special(c)) return append_special(out, row->title);
  utf8_append(out, static_cast<std::uint32_t>(utf8proc_totitle(static_cast<Code>(c))));
}

// Does a word go on over c? Letters, marks, digits, and what stands between letters.
bool continues_word(std::uint32_t c) {
  const utf8proc_category_t category = utf8proc_category(static_cast<Code>(c));
  return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO) || c == '\'' ||
         c == 0x2019;
}

// Two-letter names of utf8proc_category_t, in its order.
constexpr char kCategories[][3] = {"Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd",
                                   "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm",
                                   "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co"};
// Names of utf8proc_bidi_class_t, in its order; 0 is a code point without one.
constexpr const char* kBidiClasses[] = {"L",   "L",  "LRE", "LRO", "R",   "AL",  "RLE", "RLO",
                                        "PDF", "EN", "ES",  "ET",  "AN",  "CS",  "NSM", "BN",
                                        "B",   "S",  "WS",  "ON",  "LRI", "RLI", "FSI", "PDI"};

const char* bidi_class_name(const utf8proc_property_t& p) {
  const auto at = static_cast<std::size_t>(p.bidi_class);
  return kBidiClasses[at < std::size(kBidiClasses) ? at : 0];
}

const char* category_name(const utf8proc_property_t& p) {
  const auto at = static_cast<std::size_t>(p.category);
  return kCategories[at < std::size(kCategories) ? at : 0];
}

// Columns of one grapheme [from, to): those of its widest part; what is shown as an emoji has two.
int grapheme_width(std::string_view s, std::size_t from, std::size_t to) {
  int widest = 0;
  int flags = 0;  // regional indicators: two of them are one flag
  bool emoji = false;
  while (from < to) {
    const std::uint32_t c = utf8_decode(s, from);
    widest = std::max(widest, utf8proc_charwidth(static_cast<Code>(c)));
    emoji |= c == 0xFE0F;
    flags += c >= 0x1F1E6 && c <= 0x1F1FF;
  }
  return widest > 0 && (emoji || flags == 2) ? 2 : widest;
}

// Calls with the borders of each grapheme.
template <class Each>
void for_each_grapheme(std::string_view s, Each each) {
  utf8proc_int32_t state = 0;
  std::size_t from = 0;
  Code before = 0;
  for (std::size_t at = 0; at < s.size();) {
    const std::size_t here = at;
    const auto c = static_cast<Code>(utf8_decode(s, at));
    // Between two printable ASCII characters there is always a border, and nothing is remembered.
    if (here > 0 && before >= 0x20 && before < 0x7F && c >= 0x20 && c < 0x7F) {
      each(from, here);
      from = here;
      state = 0;
    } else if (here > 0 && utf8proc_grapheme_break_stateful(before, c, &state)) {
      each(from, here);
      from = here;
    }
    before = c;
  }
  if (from < s.size()) each(from, s.size());
}

}  // namespace

void normalize(Reply& reply, std::string_view s, NormalForm form) {
  const int options = options_of(form);
  std::string out;
  std::vector<Code> codes, next;
  out.reserve(s.size());
  for (std::size_t at = 0; at < s.size();) {
    const auto byte = static_cast<unsigned char>(s[at]);
    // An ASCII character is itself unless something behind it composes with it or it is folded.
    if (byte < 0x80) {
      if (!codes.empty()) normalize_part(out, codes, options);
      const bool alone = at + 1 == s.size() || static_cast<unsigned char>(s[at + 1]) < 0x80;
      if (alone && form != NormalForm::NfkcCasefold) {
        out.push_back(s[at++]);
        continue;
      }
    }
    next.clear();
    decompose(next, utf8_decode(s, at), options);
    if (!codes.empty() && !next.empty() && begins_part(next[0]))
      normalize_part(out, codes, options);
    codes.insert(codes.end(), next.begin(), next.end());
  }
  normalize_part(out, codes, options);
  changed_text(reply, s, out);
  reply.work(s.size() / 4);
}

void fold_case(Reply& reply, std::string_view s) {
  std::string out;
  std::vector<Code> codes;
  out.reserve(s.size());
  for (std::size_t at = 0; at < s.size();) {
    const char c = s[at];
    if (static_cast<unsigned char>(c) < 0x80) {
      out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
      ++at;
      continue;
    }
    decompose(codes, utf8_decode(s, at), UTF8PROC_CASEFOLD);
    append(out, codes);
    codes.clear();
  }
  changed_text(reply, s, out);
  reply.work(s.size() / 4);
}

void map_case(Reply& reply, std::string_view s, TextOp op) {
  constexpr std::uint32_t kSigma = 0x3A3, kFinalSigma = 0x3C2, kDottedI = 0x130;
  std::string out;
  out.reserve(s.size());
  bool in_word = false;       // title case: a letter of this word has been written
  bool after_letter = false;  // a cased letter stands before, with only ignorable ones between
  for (std::size_t at = 0; at < s.size();) {
    const std::uint32_t c = utf8_decode(s, at);
    if (op == TextOp::Upper) {
      if (c < 0x80)
        out.push_back(static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c));
      else
        append_upper(out, c);
      continue;
    }
    const bool cased = is_cased(c);
    if (op == TextOp::Title && cased && !in_word) {
      append_title(out, c);
    } else if (c == kSigma) {
      utf8_append(out, after_letter && ends_word(s, at) ? kFinalSigma : 0x3C3);
    } else if (c == kDottedI) {
      out += "i\u0307";
    } else {
      utf8_append(out, static_cast<std::uint32_t>(utf8proc_tolower(static_cast<Code>(c))));
    }
    // Some marks are cased as well: they leave the condition as it is.
    if (!is_case_ignorable(c)) after_letter = cased;
    in_word = cased || (in_word && continues_word(c));
  }
  changed_text(reply, s, out);
  reply.work(s.size() / 4);
}

void graphemes(Reply& reply, std::string_view s) {
  reply.op('S');
  const std::size_t count_at = reply.size();
  reply.number(0);
  std::uint32_t count = 0;
  for_each_grapheme(s, [&](std::size_t from, std::size_t to) {
    reply.number(static_cast<std::uint32_t>(to - from));
    ++count;
  });
  reply.patch(count_at, count);
  reply.work(s.size() / 4);
}

void width(Reply& reply, std::string_view s) {
  std::uint32_t columns = 0;
  for_each_grapheme(s, [&](std::size_t from, std::size_t to) {
    columns += static_cast<std::uint32_t>(grapheme_width(s, from, to));
  });
  reply.op('i', columns);
  reply.work(s.size() / 4);
}

void category(Reply& reply, std::uint32_t c) { reply.keyword(category_name(property(c))); }

void properties(Reply& reply, std::uint32_t c) {
  const utf8proc_property_t& p = property(c);
  reply.keyword("category");
  reply.keyword(category_name(p));
  reply.keyword("combining-class");
  reply.op('i', p.combining_class);
  reply.keyword("bidi-class");
  reply.keyword(bidi_class_name(p));
  reply.keyword("mirrored?");
  reply.boolean(p.bidi_mirrored);
  reply.keyword("width");
  reply.op('i', static_cast<std::uint32_t>(utf8proc_charwidth(static_cast<Code>(c))));
  reply.op('d', 5);
}

}  // namespace sx::text
