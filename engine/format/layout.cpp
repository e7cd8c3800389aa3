#include "engine/format/layout.h"

#include <algorithm>

namespace sx::format {

namespace {

// Deeper code is not pushed further to the right: nobody could read it there, and a hostile text
// would grow by the square of its depth.
constexpr std::uint32_t kIndentMax = 160;
// How far outwards a name is looked for among those of named lets.
constexpr int kNamedLetDepth = 64;

std::uint32_t indented(std::uint32_t column, std::uint32_t offset) {
  return std::min(column + offset, kIndentMax);
}

bool is_symbol(const Token& token) {
  const char c = token.text[0];
  return token.is_atom() && c != '"' && c != ':' && c != '#' && (c < '0' || c > '9');
}

}  // namespace

Layout::Layout(std::vector<Token> tokens, std::uint32_t width)
    : tokens_(std::move(tokens)), width_(width), form_at_(tokens_.size(), kNone) {
  classify();
}

std::string Layout::run() {
  for (std::uint32_t i = 0; i < tokens_.size(); ++i) place(i);
  if (!out_.empty()) out_ += '\n';
  return std::move(out_);
}

// --- What the forms are
// ---------------------------------------------------------------------------

void Layout::classify() {
  std::uint32_t row = 0;
  for (std::uint32_t i = 0; i < tokens_.size(); ++i) {
    if (i > 0 && keeps_break(i)) ++row;
    tokens_[i].row = row;
    if (tokens_[i].tail != kNone) ++row;
  }
  for (std::uint32_t i = 0; i < tokens_.size(); ++i) {
    const Token& token = tokens_[i];
    if (token.breaks > 0 && token.index > 0 && token.parent != kNone &&
        (token.starts_element || token.is_comment())) {
      Form& form = form_of(token.parent);
      std::uint32_t& line = token.is_keyword() ? form.keywords_line : form.arguments_line;
      if (line == kNone) line = i;
    }
    if (token.kind != TokenKind::Open) continue;
    form_at_[i] = static_cast<std::uint32_t>(forms_.size());
    forms_.push_back(make_form(i));
  }
}

Role Layout::role_of(const Token& token) const {
  if (token.parent == kNone) return Role::Plain;
  const Form& parent = form_of(token.parent);
  switch (parent.kind) {
    case Kind::Body:
      return parent.style->role(token.index);
    case Kind::Bindings:
      return Role::Clause;
    case Kind::Clauses:
      return token.index > 0 ? Role::Clause : Role::Plain;
    default:
      return Role::Plain;
  }
}

Layout::Form Layout::make_form(std::uint32_t opener) const {
  const Token& token = tokens_[opener];
  const Role role = role_of(tokens_[token.element]);
  Form form;
  form.quoted = token.parent != kNone &&
                (form_of(token.parent).quoted ||
                 (form_of(token.parent).style && form_of(token.parent).style->lists_are_data));
  for (std::uint32_t i = token.element; i < opener; ++i) form.quoted |= tokens_[i].text == "'";
  std::uint32_t head = opener + 1;
  while (head < tokens_.size() && tokens_[head].is_comment()) ++head;
  if (head == tokens_.size() || !tokens_[head].starts_element) return form;  // empty
  const Token& first = tokens_[head];
  form.list_first = !first.is_atom();
  if (token.text.back() == '{' && token.text != "#{") form.kind = Kind::Dict;
  if (token.text != "(" || form.quoted || role == Role::Data) return form;
  if (role == Role::Bindings) form.kind = Kind::Bindings;
  if (role == Role::Clauses) form.kind = Kind::Clauses;
  if (role == Role::Clause) form.kind = Kind::Clause;
  if (role != Role::Plain || !is_symbol(first)) return form;
  form.kind = Kind::Call;
  form.keyword_first = first.next != kNone && tokens_[first.next].is_keyword();
  const bool second_is_list = first.next != kNone && !tokens_[first.next].is_atom();
  const FormStyle* style = form_style(first.text, second_is_list);
  if (!style || is_named_let(opener, first.text)) return form;
  form.style = style;
  if (style->body) form.kind = Kind::Body;
  return form;
}

// (let loop (…) … (loop …)): the inner one is a call.
bool Layout::is_named_let(std::uint32_t opener, std::string_view name) const {
  std::uint32_t at = tokens_[opener].parent;
  for (int depth = 0; at != kNone && depth < kNamedLetDepth; ++depth, at = tokens_[at].parent) {
    const Form& form = form_of(at);
    if (form.kind != Kind::Body || form.list_first) continue;
    const Token& head = tokens_[at + 1];
    if (head.text == "let" && head.next != kNone && tokens_[head.next].text == name) return true;
  }
  return false;
}

// --- Where they go
// --------------------------------------------------------------------------------

void Layout::place(std::uint32_t i) {
  const Token& token = tokens_[i];
  if (i > 0 && !breaks_before(i, column_)) {
    const std::uint32_t spaces = spaces_before(i);
    out_.append(spaces, ' ');
    column_ += spaces;
    if (token.breaks > 0 && token.parent != kNone && token.starts_element)
      form_of(token.parent).wrapped = false;
    note_anchor(token);
  } else {
    if (token.parent != kNone) {
      form_of(token.parent).wrapped = token.breaks == 0;
      if (token.breaks > 0) form_of(token.parent).spread = false;
    }
    if (i > 0) {
      const std::uint32_t blank_max = token.kind == TokenKind::Close ? 0
                                      : token.parent == kNone        ? 2
                                                                     : 1;
      const std::uint32_t blank = std::min(token.breaks > 0 ? token.breaks - 1 : 0, blank_max);
      column_ = indentation(i);
      out_.append(1 + blank, '\n').append(column_, ' ');
    }
    fit_line(i);
  }
  if (token.kind == TokenKind::Open) form_of(i).column = column_;
  out_ += token.text;
  column_ = token.tail == kNone ? column_ + token.width : token.tail;
}

// What follows the head of a form on its line is what further lines may be put under.
void Layout::note_anchor(const Token& token) {
  if (token.parent == kNone || token.index != 1) return;
  if (!token.starts_element && !token.is_comment()) return;
  Form& form = form_of(token.parent);
  if (form.anchor != 0 || form.has_lines || column_ <= form.column) return;
  form.anchor = column_ - form.column;
  const Token& opener = tokens_[token.parent];
  if (token.line == opener.line) form.source_anchor = token.column - opener.column;
}

// A line break that has to be, or that the author made in a place where one may be.
bool Layout::keeps_break(std::uint32_t i) const {
  const TokenKind before = tokens_[i - 1].kind;
  if (before == TokenKind::LineComment) return true;
  return tokens_[i].breaks > 0 && tokens_[i].kind != TokenKind::Close &&
         before != TokenKind::Prefix && before != TokenKind::Open && !joins_key(i);
}

// A value of a dict stands behind its key: pairs are taken apart only where they are long.
bool Layout::joins_key(std::uint32_t i) const {
  const Token& token = tokens_[i];
  const Token& key = tokens_[i - 1];
  if (token.parent == kNone || !token.starts_element || token.index % 2 == 0 || !key.is_atom())
    return false;
  const std::string_view opener = tokens_[token.parent].text;
  if (opener.back() != '{' || opener == "#{" || key.tail != kNone) return false;
  return !token.is_atom() || key.width + token.width < width_ / 2;
}

bool Layout::breaks_before(std::uint32_t i, std::uint32_t column) const {
  if (keeps_break(i)) return !flows_on(i, column);
  const Token& token = tokens_[i];
  if (token.parent == kNone || !form_of(token.parent).spread || !may_break_before(i)) return false;
  return !fills(i) || !fits(i, column + spaces_before(i));
}

// Words that were too many for a line take the author's next line along, if it has words alone, so
// that a list of names does not get a line with one of them.
bool Layout::flows_on(std::uint32_t i, std::uint32_t column) const {
  const Token& token = tokens_[i];
  if (token.breaks != 1 || token.parent == kNone || token.previous != i - 1 ||
      !form_of(token.parent).wrapped || form_of(token.parent).kind != Kind::Data ||
      !tokens_[i - 1].is_atom() || !fits(i, column + spaces_before(i)))
    return false;
  for (std::uint32_t at = i; at < tokens_.size() && tokens_[at].row == token.row; ++at) {
    const Token& word = tokens_[at];
    const bool own = word.is_atom() && word.parent == token.parent && word.tail == kNone;
    if (!own && word.kind != TokenKind::Close) return false;
  }
  return true;
}

std::uint32_t Layout::spaces_before(std::uint32_t i) const {
  const Token& token = tokens_[i];
  const Token& before = tokens_[i - 1];
  if (before.kind == TokenKind::Prefix)  // , @x is not ,@x
    return before.text == "," && token.text[0] == '@' ? 1 : 0;
  if (token.kind == TokenKind::Close || before.kind == TokenKind::Open) return 0;
  // Comments at the ends of lines keep the distance that their author lined them up with.
  if (token.kind == TokenKind::LineComment)
    return std::clamp(token.spaces, std::uint32_t{1}, kIndentMax);
  return 1;
}

std::uint32_t Layout::indentation(std::uint32_t i) {
  const Token& token = tokens_[i];
  if (token.parent == kNone) return 0;
  Form& form = form_of(token.parent);
  const std::uint32_t offset = offset_in(form, token);
  form.has_lines = true;
  return indented(form.column, offset);
}

// Calls and clauses can be laid out in more than one good way: what the author did first in a form
// holds for all of it.
std::uint32_t Layout::offset_in(Form& form, const Token& token) {
  const std::uint32_t standard = default_offset(form, token);
  const bool call = form.kind == Kind::Call && !form.style;
  const bool open_body = form.kind == Kind::Body && form.style->head_args == 0;
  if (!call && !open_body && form.kind != Kind::Clause) return standard;
  if (token.index == 0 || (form.anchor == 0 && form.kind != Kind::Clause)) return standard;
  std::uint32_t& chosen = token.is_keyword() ? form.keywords_offset : form.arguments_offset;
  if (chosen != 0) return chosen;
  chosen = standard;
  const std::uint32_t line = token.is_keyword() ? form.keywords_line : form.arguments_line;
  if (line == kNone) return chosen;
  const std::uint32_t from = tokens_[token.parent].column;
  const auto stands_at = [&](std::uint32_t offset) {
    return tokens_[line].column == indented(from, offset);
  };
  if (form.kind == Kind::Clause && stands_at(1)) return chosen = 1;
  if (form.anchor != 0 && form.source_anchor != 0 && stands_at(form.source_anchor))
    return chosen = form.anchor;
  if (stands_at(2)) chosen = 2;
  return chosen;
}

std::uint32_t Layout::default_offset(const Form& form, const Token& token) const {
  const std::uint32_t opener = tokens_[token.parent].width;
  if (token.index == 0) return opener;
  switch (form.kind) {
    case Kind::Dict:
      return opener + (token.starts_element && token.index % 2 == 1 ? 2 : 0);
    case Kind::Body:
      if (token.index <= form.style->head_args) return 4;
      return form.style->head_args == 0 && form.anchor != 0 ? form.anchor : 2;
    case Kind::Clause:
      return form.list_first || form.anchor == 0 ? 1 : form.anchor;
    case Kind::Call:
    case Kind::Clauses:
      if (form.anchor == 0) return 2;
      return form.keyword_first && !form.style && token.index > 1 && !token.is_keyword()
                 ? 2
                 : form.anchor;
    case Kind::Data:
    case Kind::Bindings:
      break;
  }
  return opener;
}

}  // namespace sx::format
