// Big integers of hundreds of digits by Boost.Multiprecision; not in the kernel.
#include "engine/value/bigint_large.h"

#include <boost/multiprecision/cpp_int.hpp>
#include <cstring>
#include <exception>

#ifdef BOOST_NO_EXCEPTIONS
namespace boost {
// Boost calls these where it would throw. No input can lead here: divisors and sizes are checked.
BOOST_NORETURN void throw_exception(const std::exception&) { __builtin_abort(); }
BOOST_NORETURN void throw_exception(const std::exception&, const boost::source_location&) {
  __builtin_abort();
}
}  // namespace boost
#endif

namespace sx {
namespace {

using boost::multiprecision::cpp_int;

// The magnitude.
cpp_int to_cpp_int(const IntView& v) {
  cpp_int out;
  auto& backend = out.backend();
  using Limb = boost::multiprecision::limb_type;
  constexpr std::uint32_t kPer = sizeof(Limb) / sizeof(std::uint32_t);
  const std::uint32_t limbs = (v.count() + kPer - 1) / kPer;
  if (limbs == 0) return out;
  backend.resize(limbs, limbs);
  backend.limbs()[limbs - 1] = 0;
  std::memcpy(backend.limbs(), v.limbs(), v.count() * sizeof(std::uint32_t));
  backend.normalize();
  return out;
}

void from_cpp_int(const cpp_int& v, bool negative, IntBuffer& out) {
  const auto& backend = v.backend();
  using Limb = boost::multiprecision::limb_type;
  constexpr std::uint32_t kPer = sizeof(Limb) / sizeof(std::uint32_t);
  out.reset(static_cast<std::uint32_t>(backend.size()) * kPer);
  std::memcpy(out.limbs, backend.limbs(), backend.size() * sizeof(Limb));
  out.negative = negative;
  out.trim();
}

std::vector<std::uint32_t> magnitude_of(const cpp_int& v) {
  IntBuffer buffer;
  from_cpp_int(v, false, buffer);
  return {buffer.limbs, buffer.limbs + buffer.count};
}

}  // namespace

void large_mul(const IntView& a, const IntView& b, IntBuffer& out) {
  from_cpp_int(to_cpp_int(a) * to_cpp_int(b), false, out);
}

void large_divide(const IntView& a, const IntView& b, IntBuffer* quotient, IntBuffer* remainder) {
  cpp_int q, r;
  boost::multiprecision::divide_qr(to_cpp_int(a), to_cpp_int(b), q, r);
  if (quotient) from_cpp_int(q, false, *quotient);
  if (remainder) from_cpp_int(r, false, *remainder);
}

void large_to_text(const IntView& a, int radix, std::string& out) {
  // Split at radix^(digits · 2^k), so that each level halves the numbers.
  const RadixChunk chunk = radix_chunk(radix);
  std::vector<cpp_int> powers;  // powers[k] = radix^(width · 2^k)
  const std::size_t width = std::size_t{chunk.digits} * 64;
  powers.push_back(boost::multiprecision::pow(cpp_int(radix), static_cast<unsigned>(width)));
  const cpp_int whole = to_cpp_int(a);
  while (powers.back() * powers.back() <= whole) powers.push_back(powers.back() * powers.back());
  struct Part {
    cpp_int value;
    std::size_t level;  // split by powers[level - 1]; 0: write
    bool padded;
  };
  std::vector<Part> stack;
  stack.push_back({whole, powers.size(), false});
  while (!stack.empty()) {
    Part part = std::move(stack.back());
    stack.pop_back();
    if (part.level == 0) {
      append_digits(magnitude_of(part.value), radix, part.padded ? width : 0, out);
      continue;
    }
    const cpp_int& power = powers[part.level - 1];
    if (!part.padded && part.value < power) {
      stack.push_back({std::move(part.value), part.level - 1, false});
      continue;
    }
    cpp_int high, low;
    boost::multiprecision::divide_qr(part.value, power, high, low);
    stack.push_back({std::move(low), part.level - 1, true});
    stack.push_back({std::move(high), part.level - 1, part.padded});
  }
}

void large_from_text(std::string_view digits, int radix, IntBuffer& out) {
  // Leaves of `width` digits from the right, then neighbours joined level by level.
  const std::size_t width = std::size_t{radix_chunk(radix).digits} * 64;
  std::vector<cpp_int> parts;
  for (std::size_t end = digits.size(); end > 0;) {
    const std::size_t from = end > width ? end - width : 0;
    IntBuffer leaf;
    read_digits(digits.substr(from, end - from), radix, leaf);
    leaf.trim();
    parts.push_back(to_cpp_int(leaf.view()));
    end = from;
  }
  cpp_int power = boost::multiprecision::pow(cpp_int(radix), static_cast<unsigned>(width));
  while (parts.size() > 1) {
    std::size_t n = 0;
    for (std::size_t i = 0; i < parts.size(); i += 2) {
      if (i + 1 < parts.size()) parts[i] += parts[i + 1] * power;
      if (n != i) parts[n] = std::move(parts[i]);
      ++n;
    }
    parts.resize(n);
    if (n > 1) power *= power;
  }
  from_cpp_int(parts[0], false, out);
}

}  // namespace sx
