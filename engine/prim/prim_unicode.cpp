// Unicode beyond what every page needs: normal forms, full case mapping, graphemes, width,
// properties. All of it is in the text module; the simple one-to-one case mapping is prim_text.cpp.
#include "engine/prim/text_call.h"

namespace sx {
namespace {

// The code point of a character, or of a string of one.
bool want_code_point(Context& cx, const char* who, Value v, std::uint32_t& code) {
  if (v.is_char()) {
    code = v.id();
    return true;
  }
  if (is_string(v) && as_string(v)->char_len == 1) {
    std::size_t at = 0;
    code = utf8_decode(as_string(v)->view(), at);
    return true;
  }
  cx.fail_type(who, "char", v);
  return false;
}

Value of_text(Context& cx, const char* who, TextOp op, Value* args) {
  return call_text(cx, who, op, nullptr, &args[0]);
}

}  // namespace

SX_PRIMITIVE(prim_string_normalize) {
  constexpr const char* kForms[] = {"nfc", "nfd", "nfkc", "nfkd", "nfkc-casefold"};
  std::uint32_t form = 0;
  if (count == 2) {
    while (form < 5 && args[1] != cx.keyword(kForms[form])) ++form;
    if (form == 5)
      return cx.fail_type("string/normalize", ":nfc, :nfd, :nfkc, :nfkd or :nfkc-casefold",
                          args[1]);
  }
  return call_text(cx, "string/normalize", TextOp::Normalize, nullptr, &args[0], form);
}

SX_PRIMITIVE(prim_string_fold_case) {
  return of_text(cx, "string/fold-case", TextOp::FoldCase, args);
}
SX_PRIMITIVE(prim_string_graphemes) {
  return of_text(cx, "string/graphemes", TextOp::Graphemes, args);
}
SX_PRIMITIVE(prim_string_width) { return of_text(cx, "string/width", TextOp::Width, args); }
SX_PRIMITIVE(prim_unicode_upper) { return of_text(cx, "unicode/upper", TextOp::Upper, args); }
SX_PRIMITIVE(prim_unicode_lower) { return of_text(cx, "unicode/lower", TextOp::Lower, args); }
SX_PRIMITIVE(prim_unicode_title) { return of_text(cx, "unicode/title", TextOp::Title, args); }

SX_PRIMITIVE(prim_unicode_category) {
  std::uint32_t code = 0;
  if (!want_code_point(cx, "unicode/category", args[0], code)) return Value::unset();
  return call_text(cx, "unicode/category", TextOp::Category, nullptr, nullptr, code);
}
SX_PRIMITIVE(prim_unicode_properties) {
  std::uint32_t code = 0;
  if (!want_code_point(cx, "unicode/properties", args[0], code)) return Value::unset();
  return call_text(cx, "unicode/properties", TextOp::Properties, nullptr, nullptr, code);
}

}  // namespace sx
