// The one place where messages are put together.
#include "engine/base/str.h"

namespace sx {
namespace {

void append_digits(std::string& out, std::uint64_t n) {
  char digits[20];
  char* at = digits + sizeof digits;
  do {
    *--at = static_cast<char>('0' + n % 10);
    n /= 10;
  } while (n != 0);
  out.append(at, static_cast<std::size_t>(digits + sizeof digits - at));
}

}  // namespace

void append_decimal(std::string& out, std::int64_t n) {
  if (n < 0) out.push_back('-');
  append_digits(out, n < 0 ? 0 - static_cast<std::uint64_t>(n) : static_cast<std::uint64_t>(n));
}

void StrPart::append_to(std::string& out) const {
  switch (size_) {
    case kString:
      out.append(*static_cast<const std::string*>(data_));
      break;
    case kZeroEnded:
      out.append(static_cast<const char*>(data_));
      break;
    case kChar:
      out.push_back(static_cast<char>(integer_));
      break;
    case kSigned:
      append_decimal(out, integer_);
      break;
    case kUnsigned:
      append_digits(out, static_cast<std::uint64_t>(integer_));
      break;
    default:
      if (size_ != 0) out.append(static_cast<const char*>(data_), size_);
  }
}

std::string str_of(const StrPart* parts, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) parts[i].append_to(out);
  return out;
}

}  // namespace sx
