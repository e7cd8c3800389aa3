// Small units for the tests of bundles, verifier, linking and listings.
#pragma once

#include <initializer_list>

#include "engine/bytecode/bytes.h"
#include "engine/bytecode/constant.h"
#include "engine/bytecode/image.h"
#include "engine/bytecode/opcodes.h"
#include "engine/bytecode/tables.h"

namespace sx {

inline const Tables& test_tables() {
  static const Tables tables({{"+", 0, -1}, {"string/upper", 1, 1}, {"get", 2, 3}},
                             {"console/write", "clock/now"});
  return tables;
}

inline std::string encoded_keyword(std::string_view name) {
  std::string out(1, static_cast<char>(ConstantTag::Keyword));
  put_text(out, name);
  return out;
}

inline std::string encoded_keywords(std::initializer_list<std::string_view> names) {
  std::string out(1, static_cast<char>(ConstantTag::Vector));
  put_count(out, names.size());
  for (const std::string_view name : names) out += encoded_keyword(name);
  return out;
}

inline FunctionImage test_function(std::uint16_t registers, std::uint16_t required,
                                   std::initializer_list<std::uint32_t> code) {
  FunctionImage f;
  f.registers = registers;
  f.required = required;
  f.code = code;
  return f;
}

// One function of each interesting kind; verifies against test_tables().
inline UnitImage test_unit() {
  UnitImage unit;
  unit.module = "demo/count";
  unit.file = "lib/demo/count.sx";
  unit.source_hash = std::string(64, 'a');
  unit.uses = {"core"};
  unit.requires_ops = {"console/write"};
  unit.exports = {{"demo/count", ExportKind::Value, "Counts.", "(demo/count n)"},
                  {"~demo/card", ExportKind::Component, "", "(~demo/card title: …)"}};
  std::string text(1, static_cast<char>(ConstantTag::String));
  put_text(text, "gr\u00FC\u00DFe");
  unit.constants = {encoded_keyword("name"), encoded_keywords({"name", "age"}), text};
  unit.globals = {"demo/count", "demo/count#helper"};

  FunctionImage top =
      test_function(8, 0,
                    {enc_ad(Op::LoadInt, 0, 7), enc_abc(Op::CellNew, 1, 0),
                     enc_ad(Op::MakeClosure, 2, 1), 0x00000001, enc_ad(Op::DefGlobal, 2, 0),
                     enc_abc(Op::CallGlobal, 3, 2), 0, enc_abc(Op::Return, 3)});
  // r6, r7 are arguments of the call at r3.
  top.code.insert(top.code.begin() + 5, {enc_ad(Op::LoadInt, 6, 1), enc_ad(Op::Const, 7, 2)});
  top.lines = {{0, 1, 1}, {2, 4, 7}, {7, 2, 3}};
  FunctionImage inner =
      test_function(6, 2,
                    {enc_abc(Op::CellGetCap, 2, 0), enc_abc(Op::GetKey, 3, 0), 0,
                     enc_abc(Op::CallPrim, 4, 2, 2), 0, enc_abc(Op::MakeDict, 5, 3, 2), 1,
                     enc_abc(Op::MakeTemplate, 5, 4, 2), 0, enc_abc(Op::JumpLt, 4, 3, 1), 1,
                     enc_e(Op::Loop, -11), enc_abc(Op::Return, 5), enc_abc(Op::Return, 5)});
  inner.name = "demo/count";
  inner.usage = "(demo/count n)";
  inner.captures = 1;
  inner.handlers = {{1, 5, 13, 5, HandlerKind::Guard}};
  unit.functions = {top, inner};
  TemplateImage page;
  page.holes = 2;
  page.parts = {{TemplateOp::Static, 0, "<p"},
                {TemplateOp::Attribute, 1, "class"},
                {TemplateOp::Static, 0, ">"},
                {TemplateOp::Text, 0, ""},
                {TemplateOp::Static, 0, "</p>"}};
  unit.templates = {page};
  return unit;
}

}  // namespace sx
