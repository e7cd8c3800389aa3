// Integers of any size as sign and magnitude: a view of an integer value, a buffer for results, and
// the algorithms between them. Results are computed outside the heap, then stored in one
// allocation, so nothing here has to be rooted.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/gc/context.h"

namespace sx {

// About 1.2 million decimal digits: what can be multiplied and printed within seconds.
inline constexpr std::uint32_t kLimbsMax = 1u << 17;

// The magnitude and sign of an integer value. Valid until the next allocation.
class IntView {
 public:
  explicit IntView(Value v) {
    if (v.is_int()) {
      set(v.as_int());
      return;
    }
    const auto* big = static_cast<const BigInt*>(v.as_object());
    limbs_ = big->limbs();
    count_ = big->limb_count;
    negative_ = big->negative != 0;
  }
  explicit IntView(std::int64_t n) { set(n); }
  IntView(const std::uint32_t* limbs, std::uint32_t count, bool negative)
      : limbs_(limbs), count_(count), negative_(negative) {}
  IntView(const IntView&) = delete;
  IntView& operator=(const IntView&) = delete;

  const std::uint32_t* limbs() const { return limbs_; }
  std::uint32_t count() const { return count_; }
  bool negative() const { return negative_; }
  bool zero() const { return count_ == 0; }
  std::uint64_t bit_length() const {
    // Intermediate results may have zero limbs at the top.
    std::uint32_t top = count_;
    while (top > 0 && limbs_[top - 1] == 0) --top;
    if (top == 0) return 0;
    return std::uint64_t{top} * 32 - static_cast<unsigned>(__builtin_clz(limbs_[top - 1]));
  }

 private:
  void set(std::int64_t n) {
    negative_ = n < 0;
    const std::uint64_t magnitude =
        negative_ ? ~static_cast<std::uint64_t>(n) + 1 : static_cast<std::uint64_t>(n);
    small_[0] = static_cast<std::uint32_t>(magnitude);
    small_[1] = static_cast<std::uint32_t>(magnitude >> 32);
    count_ = small_[1] ? 2 : small_[0] ? 1 : 0;
    limbs_ = small_;
  }
  const std::uint32_t* limbs_;
  std::uint32_t count_;
  bool negative_;
  std::uint32_t small_[2];
};

// A result under construction.
class IntBuffer {
 public:
  IntBuffer() = default;
  IntBuffer(const IntBuffer&) = delete;
  IntBuffer& operator=(const IntBuffer&) = delete;

  // Makes room for count limbs, all zero.
  void reset(std::uint32_t count);
  void assign(const IntView& v);
  void trim() {
    while (count && limbs[count - 1] == 0) --count;
    if (count == 0) negative = false;
  }
  IntView view() const { return IntView(limbs, count, negative); }

  std::uint32_t* limbs = inline_;
  std::uint32_t count = 0;
  bool negative = false;

 private:
  static constexpr std::uint32_t kInline = 40;
  std::uint32_t inline_[kInline];
  std::uint32_t capacity_ = kInline;
  std::unique_ptr<std::uint32_t[]> heap_;
};

// -1, 0, 1 of the magnitudes; of the values.
int big_compare_magnitude(const IntView& a, const IntView& b);
int big_compare(const IntView& a, const IntView& b);
void big_add(const IntView& a, const IntView& b, bool subtract, IntBuffer& out);
void big_mul(const IntView& a, const IntView& b, IntBuffer& out);
// Truncating division; b is not zero. Either result may be null.
void big_divide(const IntView& a, const IntView& b, IntBuffer* quotient, IntBuffer* remainder);
// Arithmetic shift: towards minus infinity to the right.
void big_shift(const IntView& a, std::int64_t left, IntBuffer& out);
// Correctly rounded (to nearest, ties to even); ±infinity when too large.
double big_to_double(const IntView& a);
// The correctly rounded quotient of two integers, b not zero.
double big_ratio(const IntView& a, const IntView& b);
// The integer part of a finite double.
void big_from_double(double d, IntBuffer& out);
std::string big_to_text(const IntView& a, int radix);
// digits: only valid digits of the radix, at least one.
void big_from_text(std::string_view digits, int radix, bool negative, IntBuffer& out);

// The value: a small integer when it fits, else a BigInt. Fails with :limit past kLimbsMax.
Value make_integer(Context& cx, IntBuffer& out);

}  // namespace sx
