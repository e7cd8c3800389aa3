// Big integers of hundreds of digits: what bigint.cpp hands over natively, and the digit helpers
// both use. Private to value/.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/value/bigint.h"

namespace sx {

struct RadixChunk {
  std::uint32_t digits;
  std::uint32_t power;
};
// The most digits of a radix whose values fit in 32 bits.
RadixChunk radix_chunk(int radix);
// Appends the digits of a magnitude, zero-padded on the left to at least `width`.
void append_digits(std::vector<std::uint32_t> limbs, int radix, std::size_t width,
                   std::string& out);
// The magnitude of a run of digits, limb by limb.
void read_digits(std::string_view text, int radix, IntBuffer& out);

// On magnitudes; the caller sets the sign. Results may be null in large_divide.
void large_mul(const IntView& a, const IntView& b, IntBuffer& out);
void large_divide(const IntView& a, const IntView& b, IntBuffer* quotient, IntBuffer* remainder);
void large_to_text(const IntView& a, int radix, std::string& out);
void large_from_text(std::string_view digits, int radix, IntBuffer& out);

}  // namespace sx
