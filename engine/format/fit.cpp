// Lines that are too long: the outermost form that can be broken on the line is spread, and again,
// until the line fits or nothing helps.
#include "engine/format/layout.h"

namespace sx::format {

namespace {

// How many forms around a line are looked at.
constexpr int kFormsAround = 200;
// A call of more, the function's name included, is rather filled than spread over lines.
constexpr std::uint32_t kFewElements = 5;

}  // namespace

void Layout::fit_line(std::uint32_t first) {
  std::uint32_t end = 0;
  while (exceeds(first, end) && spread_one(first, end)) {
  }
}

// Does the line that begins with this token, in column_, get too long? end: the token that does it.
bool Layout::exceeds(std::uint32_t first, std::uint32_t& end) const {
  std::uint32_t column = column_;
  for (std::uint32_t i = first; i < tokens_.size(); ++i) {
    const Token& token = tokens_[i];
    if (i > first) {
      if (breaks_before(i, column)) return false;
      column += spaces_before(i);
    }
    if (token.kind == TokenKind::LineComment) return false;
    column += token.width;
    if (column > width_) {
      end = i;
      return true;
    }
    if (token.tail != kNone) return false;
  }
  return false;
}

bool Layout::spread_one(std::uint32_t first, std::uint32_t end) {
  const std::uint32_t row = tokens_[first].row;
  // The forms that the line begins in, as far as they go on in it.
  std::uint32_t outermost = kNone;
  std::uint32_t element = tokens_[first].starts_element ? first : kNone;
  for (int n = 0; n < kFormsAround && element != kNone; ++n) {
    const std::uint32_t form = tokens_[element].parent;
    if (form == kNone) break;
    const std::uint32_t next = tokens_[element].next;
    if (next != kNone && tokens_[next].row == row && !form_of(form).spread &&
        may_break_before(next))
      outermost = form;
    element = tokens_[tokens_[form].partner].row == row ? tokens_[form].element : kNone;
  }
  if (outermost != kNone) return form_of(outermost).spread = true;
  // Those that begin in it.
  for (std::uint32_t i = first; i <= end; ++i) {
    if (tokens_[i].kind != TokenKind::Open || form_of(i).spread) continue;
    std::uint32_t at = i + 1;
    while (at <= end && tokens_[at].is_comment()) ++at;
    if (!tokens_[at].starts_element) continue;
    for (bool last = false; at != kNone && tokens_[at].row == row && !last; at = tokens_[at].next) {
      last = at > end;
      if (may_break_before(at)) return form_of(i).spread = true;
    }
  }
  return false;
}

bool Layout::may_break_before(std::uint32_t i) const {
  const Token& token = tokens_[i];
  if (!token.starts_element || token.parent == kNone || token.previous == kNone) return false;
  const Form& form = form_of(token.parent);
  const std::uint32_t index = token.index;
  switch (form.kind) {
    case Kind::Data:
    case Kind::Bindings:
      return index >= 1;
    case Kind::Dict:
      return index >= 2 && index % 2 == 0;
    case Kind::Call:
    case Kind::Clauses:
      return index >= 2 && !tokens_[token.previous].is_keyword();
    case Kind::Body:
      return index > form.style->head_args && index >= (form.style->head_args == 0 ? 2u : 1u) &&
             !(form.style->lists_are_data && tokens_[token.previous].is_keyword());
    case Kind::Clause:
      return index >= (form.list_first ? 1u : 2u);
  }
  return false;
}

// Whether as many of these elements stand in a line as fit, or each has one of its own.
bool Layout::fills(std::uint32_t i) const {
  const Token& token = tokens_[i];
  const Form& form = form_of(token.parent);
  if (form.kind == Kind::Data) return true;
  if (form.kind != Kind::Call || form.style) return false;
  if (token.is_keyword()) return true;
  const bool atom = token.is_atom(), behind_atom = tokens_[token.previous].is_atom();
  // (str a ", " (f b) ", " …) would take a line for each comma.
  const bool many = tokens_[tokens_[token.parent].partner].index > kFewElements;
  return many ? atom || behind_atom : atom && behind_atom;
}

// Whether the element that begins here, a keyword with its value, and the brackets behind it end
// within the width.
bool Layout::fits(std::uint32_t i, std::uint32_t column) const {
  std::uint32_t last = i;
  if (tokens_[i].is_keyword() && tokens_[i].next != kNone &&
      form_of(tokens_[i].parent).kind == Kind::Call)
    last = tokens_[i].next;
  while (tokens_[last].kind == TokenKind::Prefix) ++last;
  if (tokens_[last].kind == TokenKind::Open) last = tokens_[last].partner;
  for (std::uint32_t at = i; at < tokens_.size(); ++at) {
    if (at > last && tokens_[at].kind != TokenKind::Close) break;
    if (at > i) {
      if (keeps_break(at) || tokens_[at].kind == TokenKind::LineComment) break;
      column += spaces_before(at);
    }
    column += tokens_[at].width;
    if (column > width_) return false;
    if (tokens_[at].tail != kNone) break;
  }
  return true;
}

}  // namespace sx::format
