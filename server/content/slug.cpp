// Case folding and normal forms by utf8proc; what counts as a letter is Unicode's general category.
#include "server/content/slug.h"

#include <utf8proc.h>

#include <cstdlib>

#include "server/content/utf8.h"

namespace sx {
namespace {

// Titles are cut before they are normalised: no slug needs more, and a megabyte of title is cheap.
constexpr std::size_t kTitleBytesMax = 4096;

bool is_word(std::int32_t code_point) {
  switch (utf8proc_category(code_point)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
      return true;
    default:
      return false;
  }
}

bool is_mark(std::int32_t code_point) {
  const auto category = utf8proc_category(code_point);
  return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC ||
         category == UTF8PROC_CATEGORY_ME;
}

// Dropped without leaving a '-': "don't" → "dont"; joiners and soft hyphens are not seen at all.
bool is_dropped(std::int32_t code_point) {
  switch (code_point) {
    case '\'':
    case 0x2018:  // left and right single quotation marks
    case 0x2019:
    case 0x02BC:  // modifier letter apostrophe
    case 0xFF07:  // fullwidth apostrophe
    case 0x00AD:  // soft hyphen
    case 0xFE0F:  // emoji presentation
    case 0xFE0E:
      return true;
    default:
      return false;
  }
}

// Zero-width (non-)joiners shape words in Persian and the Indic scripts: kept between letters.
bool is_joiner(std::int32_t code_point) { return code_point == 0x200C || code_point == 0x200D; }

std::string nfc(const std::string& text) {
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &mapped,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  if (size < 0) return text;
  std::string out(reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(size));
  std::free(mapped);
  return out;
}

std::string lower_case(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::int32_t code_point = next_code_point(text, at);
    // U+0130 lowers to "i̇": two code points, which tolower cannot give; plain i reads better.
    append_utf8(out, code_point == 0x130 ? 'i' : utf8proc_tolower(code_point));
  }
  return out;
}

// The first kSlugCodePointsMax code points, back to the last '-' if that keeps at least half.
std::string shorten(const std::string& slug) {
  std::size_t at = 0, count = 0;
  while (at < slug.size() && count < kSlugCodePointsMax) {
    next_code_point(slug, at);
    ++count;
  }
  if (at == slug.size()) return slug;
  // Not inside a letter and its marks.
  std::size_t end = at;
  for (std::size_t next = at; next < slug.size();) {
    if (!is_mark(next_code_point(slug, next))) break;
    std::size_t back = end;
    while (back > 0 && (static_cast<unsigned char>(slug[--back]) & 0xC0) == 0x80) {
    }
    std::size_t probe = back;
    end = back;
    next = is_mark(next_code_point(slug, probe)) ? back : slug.size();
  }
  if (slug[end] == '-') return slug.substr(0, end);
  const std::size_t dash = slug.rfind('-', end);
  if (dash != std::string::npos && dash >= end / 2) end = dash;
  std::string out = slug.substr(0, end);
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out;
}

}  // namespace

std::string slugify(std::string_view title) {
  const std::string valid = repair_utf8(title.substr(0, kTitleBytesMax));
  // Lower before composing: lowering can take a composed letter apart.
  const std::string text = nfc(lower_case(nfc(valid)));
  std::string out;
  bool gap = false;
  std::int32_t joiner = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::int32_t code_point = next_code_point(text, at);
    if (is_dropped(code_point)) continue;
    if (is_joiner(code_point)) {
      if (!out.empty() && !gap) joiner = code_point;
      continue;
    }
    // A mark needs a letter to sit on.
    if (!is_word(code_point) || ((gap || out.empty()) && is_mark(code_point))) {
      gap = true;
      joiner = 0;
      continue;
    }
    if (gap && !out.empty()) out.push_back('-');
    gap = false;
    if (joiner != 0) append_utf8(out, joiner);
    joiner = 0;
    append_utf8(out, code_point);
  }
  out = shorten(out);
  return out.empty() ? "post" : out;
}

bool is_slug(std::string_view slug) { return !slug.empty() && slugify(slug) == slug; }

}  // namespace sx
