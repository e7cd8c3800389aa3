// Regular expressions: the border to the text module, and what lib/regex is made of.
#include <algorithm>
#include <cstring>

#include "engine/prim/text_call.h"
#include "engine/value/root_list.h"

namespace sx {
namespace {

// Makes the value of a reply; text.h has the format.
class ReplyReader {
 public:
  ReplyReader(Context& cx, std::string_view reply, const Value* subject)
      : cx_(cx), reply_(reply), subject_(subject), stack_(cx.heap) {}

  Value read() {
    while (at_ < reply_.size())
      if (!step()) return Value::unset();
    return stack_.back();
  }

 private:
  std::uint32_t number() {
    std::uint32_t n;
    std::memcpy(&n, reply_.data() + at_, 4);
    at_ += 4;
    return n;
  }
  std::string_view text() {
    const std::uint32_t length = number();
    at_ += length;
    return reply_.substr(at_ - length, length);
  }
  // The values that a collection of `count` is made of leave the stack once it stands.
  void collected(Value made, std::uint32_t count) {
    stack_.truncate(stack_.size() - count);
    stack_.push(made);
  }
  const Value* top(std::uint32_t count) { return stack_.data() + (stack_.size() - count); }

  // One instruction; false: the error is set.
  bool step() {
    const char op = reply_[at_++];
    switch (op) {
      case 'n':
        stack_.push(Value::nil());
        break;
      case 't':
        stack_.push(Value::tru());
        break;
      case 'f':
        stack_.push(Value::fals());
        break;
      case 'i':
        stack_.push(Value::small_int(number()));
        break;
      case 'p': {
        const std::uint32_t offset = number();
        stack_.push(offset == kNoOffset
                        ? Value::nil()
                        : Value::small_int(string_index(as_string(*subject_), offset)));
        break;
      }
      case 's': {
        const std::uint32_t from = number();
        stack_.push(make_substring(cx_, *subject_, from, number()));
        break;
      }
      case 'x':
        stack_.push(make_text(cx_, text()));
        break;
      case 'k':
        keywords_.push_back(cx_.keyword(text()));
        stack_.push(keywords_.back());
        break;
      case 'K':
        stack_.push(keywords_[number()]);
        break;
      case 'v': {
        const std::uint32_t n = number();
        collected(make_vector_rooted(cx_, top(n), n), n);
        break;
      }
      case 'l': {
        const std::uint32_t n = number();
        collected(make_list_rooted(cx_, top(n), n), n);
        break;
      }
      case 'd': {
        const std::uint32_t n = number();
        collected(dict_from_entries(cx_, top(2 * n), n), 2 * n);
        break;
      }
      case 'S':
        if (!pieces(number())) return false;
        break;
      case 'w':
        cx_.fuel -= number();
        break;
      default: {
        const std::string kind(text()), message(text());
        cx_.fail(kind, message, stack_.back());
        return false;
      }
    }
    return true;
  }

  bool pieces(std::uint32_t count) {
    if (!want_room(cx_, "text", std::size_t{count} * 56)) return false;
    ListBuilder out(cx_);
    cx_.charge(std::size_t{count} * 48);
    for (std::uint32_t from = 0; count-- > 0;) {
      const std::uint32_t to = from + number();
      out.add(make_substring(cx_, *subject_, from, to));
      from = to;
    }
    stack_.push(out.finish());
    return true;
  }

  Context& cx_;
  std::string_view reply_;
  const Value* subject_;
  RootList stack_;
  std::vector<Value> keywords_;  // immediates
  std::size_t at_ = 0;
};

}  // namespace

Value call_text(Context& cx, const char* who, TextOp op, const Value* a, const Value* b,
                std::uint32_t first, std::uint32_t second) {
  std::size_t size = 0;
  for (const Value* v : {a, b}) {
    if (!v) continue;
    if (!want_string(cx, who, *v)) return Value::unset();
    size = std::max<std::size_t>(size, as_string(*v)->byte_len);
  }
  if (size > kTextRequestMax)
    return cx.fail("limit", str(who, ": Expected at most ", kTextRequestMax,
                                " bytes of text at a time, got ", size));
  const auto view = [](const Value* v) { return v ? as_string(*v)->view() : std::string_view(); };
  const std::string_view reply = text_request(op, view(a), view(b), first, second);
  if (reply[0] == '\0')
    return cx.fail(
        "no-module",
        str(who, ": the module text.wasm is not here: a page loads it with bundles that ", "use ",
            who));
  return ReplyReader(cx, reply, b).read();
}

// pattern, subject, first code point to look at, how many matches, :whole or :test
SX_PRIMITIVE(prim_regex_scan) {
  if (!want_string(cx, "regex", args[0]) || !want_string(cx, "regex", args[1]))
    return Value::unset();
  std::int64_t from = 0, wanted = 0;
  if (!want_count(cx, "regex", args[2], from) || !want_count(cx, "regex", args[3], wanted))
    return Value::unset();
  const String* s = as_string(args[1]);
  // Past the end there is nothing, not even an empty match.
  const std::uint32_t offset =
      from > s->char_len ? s->byte_len + 1 : string_offset(s, static_cast<std::uint32_t>(from));
  std::uint32_t options =
      static_cast<std::uint32_t>(std::min<std::int64_t>(wanted, kScanCountMask));
  if (args[4] == cx.keyword("whole")) options |= kScanWhole;
  if (args[4] == cx.keyword("test")) options |= kScanTest;
  return call_text(cx, "regex", TextOp::Scan, &args[0], &args[1], offset, options);
}

SX_PRIMITIVE(prim_regex_check) { return call_text(cx, "regex", TextOp::Check, &args[0], nullptr); }

}  // namespace sx
