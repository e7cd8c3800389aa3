// format: text with places for values, {} or {which:how}.
//
//   which   the number of an argument, from 0; without it the next one
//   how     [[fill]align][+][0][width][,][.precision][type]
//     align      < left, > right, ^ in the middle; numbers lean right, all else left
//     +          a sign for positive numbers too
//     0          fills up with zeros between sign and digits
//     ,          groups the digits before the point by three
//     precision  digits behind the point; of text, the most characters shown
//     type       d x X o b for integers, f % for numbers, s display text, w written form
#include <algorithm>
#include <cmath>

#include "engine/prim/support.h"
#include "engine/value/number.h"

namespace sx {
namespace {

constexpr std::int64_t kWidthMax = 100'000, kPrecisionMax = 1'000;

struct Spec {
  std::string fill = " ";
  char align = 0, type = 0;
  bool plus = false, zeros = false, group = false;
  std::int64_t width = 0, precision = -1;
};

// Decimal digits at `at`; -1 without any.
std::int64_t read_digits(std::string_view text, std::size_t& at) {
  if (at >= text.size() || text[at] < '0' || text[at] > '9') return -1;
  std::int64_t n = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at)
    if (n < 10'000'000) n = n * 10 + (text[at] - '0');
  return n;
}

// A number as sign and digits with `digits` of them behind the point, rounded half to even from the
// exact value.
bool fixed_text(Context& cx, Value v, std::int64_t digits, std::string& text) {
  std::string all;
  bool negative = false;
  if (is_integer(v)) {
    all = int_to_string(v);
    negative = all[0] == '-';
    if (negative) all.erase(0, 1);
    all.append(static_cast<std::size_t>(digits), '0');
  } else {
    int e;
    const double m = std::frexp(std::fabs(v.as_double()), &e);
    negative = std::signbit(v.as_double());
    // |v| · 10^digits = scaled · 2^e
    Root scaled(cx.heap, make_int(cx, static_cast<std::int64_t>(m * 9007199254740992.0)));
    e -= 53;
    scaled = num_mul(cx, scaled, num_expt(cx, Value::small_int(10), Value::small_int(digits)));
    if (scaled.get().is_unset()) return false;
    Root whole(cx.heap, num_shift(cx, scaled, e));
    if (e < 0) {
      const Value back = num_shift(cx, whole, -e);
      const Value rest = num_sub(cx, scaled, back);
      Root twice(cx.heap, num_shift(cx, rest, 1));
      const Value unit = num_shift(cx, Value::small_int(1), -e);
      const int order = num_compare(twice, unit);
      if (order > 0 || (order == 0 && is_odd(whole)))
        whole = num_add(cx, whole, Value::small_int(1));
    }
    all = int_to_string(whole);
  }
  const auto behind = static_cast<std::size_t>(digits);
  if (all.size() <= behind) all.insert(0, behind + 1 - all.size(), '0');
  if (behind > 0) all.insert(all.size() - behind, ".");
  text = negative ? "-" + all : all;
  return true;
}

void group_digits(std::string& digits) {
  std::size_t end = 0;
  while (end < digits.size() && digits[end] >= '0' && digits[end] <= '9') ++end;
  for (std::size_t at = end; at > 3;) digits.insert(at -= 3, ",");
}

class Formatter {
 public:
  Formatter(Context& cx, Value* args, int count)
      : cx_(cx), args_(args), count_(count), text_(as_string(args[0])->view()) {}

  Value run() {
    for (std::size_t at = 0; at < text_.size();) {
      const char c = text_[at];
      const char next = at + 1 < text_.size() ? text_[at + 1] : '\0';
      if ((c == '{' || c == '}') && next == c) {
        out_.push_back(c);
        at += 2;
      } else if (c == '{' || c == '}') {
        const std::size_t end = c == '{' ? text_.find('}', at) : std::string::npos;
        if (end == std::string::npos)
          return cx_.fail("value-error",
                          str("format: a single ", c, " at byte ", at,
                              ": write {} for an argument, ", c, c, " for the brace"));
        inside_ = std::string_view(text_).substr(at + 1, end - at - 1);
        if (!place()) return Value::unset();
        at = end + 1;
      } else {
        out_.push_back(c);
        ++at;
      }
      if (out_.size() > kTextBytesMax && !want_room(cx_, "format", out_.size()))
        return Value::unset();
    }
    if (wanted_ != count_ - 1)
      return cx_.fail("arity-error", str("format: the text has ", wanted_, " {}, got ", count_ - 1,
                                         count_ == 2 ? " argument" : " arguments"));
    return make_text(cx_, out_);
  }

 private:
  bool fail(std::string_view what) {
    cx_.fail("value-error", str("format: {", inside_.substr(0, 40), "}: ", what));
    return false;
  }

  // One place: what stands between the braces.
  bool place() {
    std::size_t at = 0;
    std::int64_t which = read_digits(inside_, at);
    if (which < 0) which = next_++;
    Spec spec;
    if (at < inside_.size()) {
      if (inside_[at] != ':') return fail("expected {}, {number}, {:how} or {number:how}");
      if (!read_spec(inside_.substr(at + 1), spec)) return false;
    }
    wanted_ = std::max(wanted_, static_cast<int>(which) + 1);
    // What is missing is reported at the end, with the counts.
    return which + 1 >= count_ || show(args_[which + 1], spec);
  }

  bool read_spec(std::string_view how, Spec& s) {
    const auto is_align = [&](std::size_t i) {
      return i < how.size() && (how[i] == '<' || how[i] == '>' || how[i] == '^');
    };
    std::size_t at = 0;
    const std::size_t first =
        how.empty() ? 0 : static_cast<std::size_t>(utf8_length(static_cast<unsigned char>(how[0])));
    if (first > 0 && is_align(first)) {
      s.fill = how.substr(0, first);
      s.align = how[first];
      at = first + 1;
    } else if (is_align(0)) {
      s.align = how[at++];
    }
    const auto take = [&](char c) {
      const bool there = at < how.size() && how[at] == c;
      if (there) ++at;
      return there;
    };
    s.plus = take('+');
    s.zeros = take('0');
    s.width = std::max<std::int64_t>(0, read_digits(how, at));
    s.group = take(',');
    if (take('.') && (s.precision = read_digits(how, at)) < 0)
      return fail("expected digits behind the point");
    if (at < how.size()) s.type = how[at++];
    if (at < how.size()) return fail("expected [[fill]align][+][0][width][,][.precision][type]");
    if (s.type != 0 && std::string_view("dxXobf%sw").find(s.type) == std::string_view::npos)
      return fail(str("no such type: ", s.type, "; expected one of d x X o b f % s w"));
    if (s.width > kWidthMax || s.precision > kPrecisionMax)
      return fail(
          str("at most ", kWidthMax, " wide and ", kPrecisionMax, " digits behind the point"));
    return true;
  }

  bool show(Value v, const Spec& s) {
    std::string text;
    const bool as_number = s.type == 0 ? is_number(v) : s.type != 's' && s.type != 'w';
    if (as_number) {
      if (!number(v, s, text)) return false;
    } else if (s.type == 'w') {
      text = written(cx_, v);
    } else {
      append_display(cx_, text, v);
    }
    if (!as_number && s.precision >= 0) {
      std::size_t at = 0;
      for (std::int64_t n = 0; n < s.precision && at < text.size(); ++n) utf8_decode(text, at);
      text.resize(at);
    }
    const auto chars = static_cast<std::int64_t>(utf8_count(text));
    if (chars >= s.width) {
      out_ += text;
      return true;
    }
    const std::int64_t missing = s.width - chars;
    if (as_number && s.zeros && s.align == 0) {
      const std::size_t sign = text[0] == '-' || text[0] == '+' ? 1 : 0;
      text.insert(sign, static_cast<std::size_t>(missing), '0');
      out_ += text;
      return true;
    }
    const char align = s.align != 0 ? s.align : as_number ? '>' : '<';
    const std::int64_t before = align == '<' ? 0 : align == '>' ? missing : missing / 2;
    for (std::int64_t i = 0; i < before; ++i) out_ += s.fill;
    out_ += text;
    for (std::int64_t i = before; i < missing; ++i) out_ += s.fill;
    return true;
  }

  bool number(Value v, const Spec& s, std::string& text) {
    if (!is_number(v))
      return fail(str("expected a number for the type ", s.type, ", got ", type_name(v)));
    const bool finite = !v.is_double() || std::isfinite(v.as_double());
    if (!finite) {
      text = double_to_string(v.as_double());
      return true;
    }
    const bool integer_type =
        s.type == 'd' || s.type == 'x' || s.type == 'X' || s.type == 'o' || s.type == 'b';
    if (integer_type && !is_integer(v))
      return fail(str("expected an integer for the type ", s.type, ", got float"));
    if (integer_type) {
      const int radix = s.type == 'd' ? 10 : s.type == 'o' ? 8 : s.type == 'b' ? 2 : 16;
      text = int_to_string(v, radix);
      if (s.type == 'X')
        for (char& c : text) c = c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
    } else if (s.type == '%') {
      Root hundred(cx_.heap, num_mul(cx_, v, Value::small_int(100)));
      if (!fixed_text(cx_, hundred, s.precision < 0 ? 0 : s.precision, text)) return false;
      text += '%';
    } else if (s.type == 'f' || s.precision >= 0) {
      if (!fixed_text(cx_, v, s.precision < 0 ? 6 : s.precision, text)) return false;
    } else {
      append_display(cx_, text, v);
    }
    const bool negative = text[0] == '-';
    if (s.group) {
      std::string digits = text.substr(negative ? 1 : 0);
      group_digits(digits);
      text = negative ? "-" + digits : digits;
    }
    if (s.plus && !negative) text.insert(0, "+");
    return true;
  }

  Context& cx_;
  Value* args_;
  int count_;
  const std::string text_;  // a copy: the heap may move while numbers are worked out
  std::string_view inside_;
  std::string out_;
  std::int64_t next_ = 0;
  int wanted_ = 0;
};

}  // namespace

SX_PRIMITIVE(prim_format) {
  if (!want_string(cx, "format", args[0])) return Value::unset();
  return Formatter(cx, args, count).run();
}

}  // namespace sx
