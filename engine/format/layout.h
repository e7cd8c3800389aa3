// Where each token of a source text goes.
#pragma once

#include <string>
#include <vector>

#include "engine/format/style.h"
#include "engine/format/tokens.h"

namespace sx::format {

class Layout {
 public:
  Layout(std::vector<Token> tokens, std::uint32_t width);
  std::string run();

 private:
  enum class Kind : std::uint8_t {
    Data,      // elements under the first
    Bindings,  // the same, each on a line of its own when they do not fit
    Dict,      // the same, key and value together; records too
    Call,      // arguments under the first, or two columns in
    Clauses,   // a call's layout, (name clause…)
    Body,      // a special form: its body two columns in
    Clause,    // (test body…): the body under the test, or under its own first form
  };
  struct Form {
    Kind kind = Kind::Data;
    bool quoted = false;               // data all the way down
    bool list_first = false;           // its first element is no atom
    bool keyword_first = false;        // a call like (div :class "x" …)
    const FormStyle* style = nullptr;  // of a special form
    // Where it goes; columns are those of the output unless said otherwise.
    std::uint32_t column = 0;  // of its bracket
    std::uint32_t anchor = 0;  // what follows the head on its line, from the bracket; 0: nothing
    std::uint32_t source_anchor = 0;       // the same in the source
    std::uint32_t arguments_line = kNone;  // the first further line of the source, by its token
    std::uint32_t keywords_line = kNone;
    std::uint32_t arguments_offset = 0;  // of its further lines, once there is one
    std::uint32_t keywords_offset = 0;   // of those that begin with a keyword
    bool has_lines = false;              // more than that of its bracket
    bool spread = false;   // does not fit: its elements go to lines of their own from here on
    bool wrapped = false;  // its line was broken where the author did not
  };

  void classify();
  Form make_form(std::uint32_t opener) const;
  Role role_of(const Token& token) const;
  bool is_named_let(std::uint32_t opener, std::string_view name) const;
  Form& form_of(std::uint32_t opener) { return forms_[form_at_[opener]]; }
  const Form& form_of(std::uint32_t opener) const { return forms_[form_at_[opener]]; }

  void place(std::uint32_t i);
  void note_anchor(const Token& token);
  bool keeps_break(std::uint32_t i) const;
  bool joins_key(std::uint32_t i) const;
  bool breaks_before(std::uint32_t i, std::uint32_t column) const;
  bool flows_on(std::uint32_t i, std::uint32_t column) const;
  std::uint32_t spaces_before(std::uint32_t i) const;
  std::uint32_t indentation(std::uint32_t i);
  std::uint32_t offset_in(Form& form, const Token& token);
  std::uint32_t default_offset(const Form& form, const Token& token) const;

  // Lines that are too long: fit.cpp.
  void fit_line(std::uint32_t first);
  bool exceeds(std::uint32_t first, std::uint32_t& end) const;
  bool spread_one(std::uint32_t first, std::uint32_t end);
  bool may_break_before(std::uint32_t i) const;
  bool fills(std::uint32_t i) const;
  bool fits(std::uint32_t i, std::uint32_t column) const;

  std::vector<Token> tokens_;
  std::uint32_t width_;
  std::vector<Form> forms_;
  std::vector<std::uint32_t> form_at_;  // by token: the form that an opening bracket starts
  std::string out_;
  std::uint32_t column_ = 0;
};

}  // namespace sx::format
