// One test for every rule of the verifier.
#include "engine/bytecode/verify.h"

#include <doctest/doctest.h>

#include <random>

#include "engine/bytecode/disasm.h"
#include "engine/bytecode/test_units.h"
#include "engine/bytecode/verify_frame.h"

using namespace sx;

namespace {

using Code = std::initializer_list<std::uint32_t>;

// A unit whose function 1 has one parameter and this code; test_unit's tables of constants,
// globals and templates.
UnitImage unit_with(Code code, std::uint16_t registers = 8) {
  UnitImage unit = test_unit();
  unit.functions = {test_function(1, 0, {enc_abc(Op::LoadSpecial, 0, 0), enc_abc(Op::Return, 0)}),
                    test_function(registers, 1, code)};
  unit.functions[1].name = "f";
  return unit;
}

std::string verdict(const UnitImage& unit) {
  const Result<void> result = verify_unit(unit, test_tables());
  return result.ok() ? "ok" : result.error().message;
}

std::string verdict(Code code, std::uint16_t registers = 8) {
  return verdict(unit_with(code, registers));
}

#define CHECK_SAYS(text, part) \
  CHECK_MESSAGE(std::string(text).find(part) != std::string::npos, std::string(text))

constexpr std::uint32_t kReturn0 = enc_abc(Op::Return, 0);

}  // namespace

TEST_CASE("the sample unit verifies") { CHECK(verdict(test_unit()) == "ok"); }

TEST_CASE("an error names file, function, pc and instruction") {
  CHECK(verdict({enc_abc(Op::Move, 1, 3), enc_abc(Op::Return, 1)}) ==
        "lib/demo/count.sx: function 1 (f), pc 0 (Move): reads r3 before it is written on every "
        "path");
}

TEST_CASE("unknown instructions and Trap are refused") {
  CHECK_SAYS(verdict({0xFE, kReturn0}), "no valid instruction at pc 0");
  CHECK_SAYS(verdict({0, kReturn0}), "no valid instruction at pc 0");
}

TEST_CASE("an instruction cut off by the end of the code is refused") {
  CHECK_SAYS(verdict({enc_abc(Op::GetKey, 1, 0)}), "cut off");
  CHECK_SAYS(verdict({}), "has no code");
}

TEST_CASE("code that can run off its end is refused") {
  CHECK_SAYS(verdict({enc_abc(Op::Move, 1, 0)}), "run off its end");
  CHECK_SAYS(verdict({enc_ad(Op::JumpIf, 0, 1), kReturn0, enc_abc(Op::Move, 1, 0)}),
             "run off its end");
}

TEST_CASE("registers beyond the frame are refused, window and argument ranges included") {
  CHECK_SAYS(verdict({enc_abc(Op::Move, 8, 0), kReturn0}), "uses r8 in a frame of 8");
  CHECK_SAYS(verdict({enc_abc(Op::Call, 6, 0), kReturn0}), "uses r8");
  CHECK_SAYS(verdict({enc_abc(Op::List, 0, 250, 10), 0, kReturn0}), "uses r259");
  CHECK_SAYS(verdict({enc_abc(Op::CallPrim, 1, 0, 200), 0, kReturn0}), "uses r199");
  CHECK(verdict({enc_abc(Op::Move, 5, 0), enc_abc(Op::Call, 5, 0), kReturn0}) == "ok");
  UnitImage big = unit_with({kReturn0});
  big.functions[1].registers = 251;
  CHECK_SAYS(verdict(big), "251 registers, at most 250");
  CHECK_SAYS(verdict({kReturn0}, 0), "1 parameters in 0 registers");
}

TEST_CASE("indexes beyond their table are refused") {
  CHECK_SAYS(verdict({enc_ad(Op::Const, 1, 3), kReturn0}), "names constant 3, there are 3");
  CHECK_SAYS(verdict({enc_abc(Op::ConstWide, 1), 9, kReturn0}), "constant 9");
  CHECK_SAYS(verdict({enc_ad(Op::GetGlobal, 1, 2), kReturn0}), "global 2");
  CHECK_SAYS(verdict({enc_abc(Op::CallGlobal, 1, 0), 2, kReturn0}), "global 2");
  CHECK_SAYS(verdict({enc_ad(Op::MakeClosure, 1, 2), kReturn0}), "function 2");
  CHECK_SAYS(verdict({enc_abc(Op::MakeTemplate, 1, 0, 0), 1, kReturn0}), "template 1");
  CHECK_SAYS(verdict({enc_abc(Op::CallPrim, 1, 0, 0), 3, kReturn0}), "primitive 3");
  CHECK_SAYS(verdict({enc_abc(Op::GetCapture, 1, 0), kReturn0}), "capture 0");
  CHECK_SAYS(verdict({enc_abc(Op::LoadSpecial, 1, 5), kReturn0}), "special value 5");
}

TEST_CASE("GetKey wants a keyword, MakeDict distinct keywords as many as values") {
  CHECK_SAYS(verdict({enc_abc(Op::GetKey, 1, 0), 2, kReturn0}), "constant 2 is not a keyword");
  CHECK_SAYS(verdict({enc_abc(Op::MakeDict, 1, 0, 1), 0, kReturn0}), "not a vector of keywords");
  CHECK_SAYS(verdict({enc_abc(Op::MakeDict, 1, 0, 1), 1, kReturn0}), "1 values for 2 keys");
  UnitImage unit =
      unit_with({enc_abc(Op::Move, 1, 0), enc_abc(Op::MakeDict, 1, 0, 2), 1, kReturn0});
  CHECK(verdict(unit) == "ok");
  unit.constants[1] = encoded_keywords({"a", "a"});
  CHECK_SAYS(verdict(unit), "the key :a twice");
}

TEST_CASE("the arguments of a primitive lie within its arity") {
  CHECK_SAYS(verdict({enc_abc(Op::CallPrim, 1, 0, 0), 1, kReturn0}),
             "passes 0 arguments to string/upper, which takes 1…1");
  CHECK(verdict({enc_abc(Op::CallPrim, 1, 0, 1), 1, kReturn0}) == "ok");
  CHECK(verdict({enc_abc(Op::CallPrim, 1, 0, 0), 0, kReturn0}) == "ok");
}

TEST_CASE("a template is given as many values as it has holes, and its parts use those") {
  CHECK_SAYS(verdict({enc_abc(Op::MakeTemplate, 1, 0, 1), 0, kReturn0}), "fills 1 holes");
  UnitImage unit = unit_with({kReturn0});
  unit.templates[0].parts[3].hole = 2;
  CHECK_SAYS(verdict(unit), "template 0 uses hole 2 of 2");
}

TEST_CASE("jumps land on instructions, forward; only Loop goes backward") {
  CHECK_SAYS(verdict({enc_e(Op::Jump, 5), kReturn0}), "jumps to pc 6, which is no instruction");
  CHECK_SAYS(verdict({enc_e(Op::Jump, 1), enc_abc(Op::GetKey, 1, 0), 0, kReturn0}),
             "jumps to pc 2, which is no instruction");
  CHECK_SAYS(verdict({enc_e(Op::Jump, -1), kReturn0}), "only Loop goes backward");
  CHECK_SAYS(verdict({enc_e(Op::Loop, 0), kReturn0}), "Loop only goes backward");
  CHECK_SAYS(verdict({enc_abc(Op::JumpEq, 0, 0, 1), 0xFFFFFFFE, kReturn0}), "only Loop");
  CHECK_SAYS(verdict({enc_abc(Op::JumpEq, 0, 0, 2), 0, kReturn0}), "sense 2");
  CHECK(verdict({enc_ad(Op::JumpIf, 0, 1), enc_e(Op::Loop, -2), kReturn0}) == "ok");
}

TEST_CASE("a fused instruction stands before the one whose work it does, which takes its result") {
  const std::uint32_t loop = enc_e(Op::Loop, -3);
  CHECK(verdict({enc_ad(Op::JumpIf, 0, 2), enc_abc(Op::AddILoop, 0, 0, 1), loop, kReturn0}) ==
        "ok");
  CHECK_SAYS(verdict({enc_abc(Op::AddILoop, 0, 0, 1), kReturn0}),
             "does not stand before a fitting Loop");
  CHECK_SAYS(verdict({kReturn0, enc_abc(Op::MoveLoop, 0, 0)}),
             "does not stand before a fitting Loop");
  const auto sum = [](unsigned a, unsigned b, unsigned c) {
    return verdict({enc_abc(Op::Move, 1, 0), enc_abc(Op::MulAdd, 2, 0, 1),
                    enc_abc(Op::Add, a, b, c), kReturn0});
  };
  CHECK(sum(3, 1, 2) == "ok");
  CHECK(sum(3, 2, 1) == "ok");
  CHECK_SAYS(sum(2, 0, 1), "does not stand before a fitting Add");
  CHECK_SAYS(verdict({enc_abc(Op::MulAdd, 2, 0, 0), enc_abc(Op::Sub, 0, 2, 2), kReturn0}),
             "does not stand before a fitting Add");
  const auto pair = [](unsigned sense, unsigned of) {
    return verdict({enc_abc(Op::Move, 1, 0), enc_abc(Op::PairFirst, 0, 0, sense), 1,
                    enc_abc(Op::First, 2, of), kReturn0});
  };
  CHECK(pair(0, 0) == "ok");
  CHECK_SAYS(pair(0, 1), "does not stand before a fitting First");
  CHECK_SAYS(pair(1, 0), "does not stand before a fitting First");
}

TEST_CASE("a self call passes exactly the required parameters of a simple function") {
  CHECK_SAYS(verdict({enc_abc(Op::CallSelf, 1, 2), kReturn0}), "passes 2 arguments");
  UnitImage unit = unit_with({enc_abc(Op::Move, 4, 0), enc_abc(Op::CallSelf, 1, 1), kReturn0});
  CHECK(verdict(unit) == "ok");
  unit.functions[1].rest = true;
  CHECK_SAYS(verdict(unit), "not all required");
}

TEST_CASE("Apply has a list of arguments") {
  CHECK_SAYS(verdict({enc_abc(Op::Move, 1, 0), enc_abc(Op::Apply, 1, 0), kReturn0}),
             "no argument list");
}

TEST_CASE("a register written on one path only cannot be read behind the join") {
  CHECK_SAYS(verdict({enc_ad(Op::JumpIf, 0, 1), enc_ad(Op::LoadInt, 1, 5), enc_abc(Op::Return, 1)}),
             "reads r1 before");
  CHECK(verdict({enc_ad(Op::JumpIf, 0, 2), enc_ad(Op::LoadInt, 1, 5), enc_e(Op::Jump, 1),
                 enc_ad(Op::LoadInt, 1, 6), enc_abc(Op::Return, 1)}) == "ok");
}

TEST_CASE("a call leaves nothing above its window") {
  const std::uint32_t set5 = enc_ad(Op::LoadInt, 5, 1), set1 = enc_ad(Op::LoadInt, 1, 1);
  CHECK_SAYS(verdict({set5, set1, enc_abc(Op::Call, 1, 0), enc_abc(Op::Return, 5)}), "reads r5");
  CHECK_SAYS(verdict({set5, enc_abc(Op::Perform, 1, 0), enc_abc(Op::Return, 5)}), "reads r5");
  CHECK(verdict({set5, enc_abc(Op::Perform, 6, 0), enc_abc(Op::Return, 5)}) == "ok");
}

TEST_CASE("what a loop destroys is not there at its head again") {
  // r5 is read at the head, lost by the call, and the loop goes back.
  CHECK_SAYS(verdict({enc_ad(Op::LoadInt, 5, 1), enc_abc(Op::Move, 1, 5), enc_abc(Op::Call, 1, 0),
                      enc_ad(Op::JumpIf, 1, 1), enc_e(Op::Loop, -4), kReturn0}),
             "pc 1 (Move): reads r5");
}

TEST_CASE("handlers guard whole instructions, lie behind them, and name a register of the frame") {
  const auto with = [](HandlerEntry h) {
    UnitImage unit = unit_with({enc_abc(Op::GetKey, 1, 0), 0, kReturn0, enc_abc(Op::Return, 2)});
    unit.functions[1].handlers = {h};
    return verdict(unit);
  };
  CHECK(with({0, 2, 3, 2, HandlerKind::Guard}) == "ok");
  CHECK_SAYS(with({0, 9, 3, 2, HandlerKind::Guard}), "in code of 4 words");
  CHECK_SAYS(with({2, 2, 3, 2, HandlerKind::Guard}), "in code of 4 words");
  CHECK_SAYS(with({0, 1, 3, 2, HandlerKind::Guard}), "not both instruction starts");
  CHECK_SAYS(with({0, 2, 0, 2, HandlerKind::Guard}), "expected an instruction behind");
  CHECK_SAYS(with({0, 2, 4, 2, HandlerKind::Guard}), "expected an instruction behind");
  CHECK_SAYS(with({0, 2, 3, 8, HandlerKind::Guard}), "with r8");
  CHECK_SAYS(with({0, 2, 3, 2, static_cast<HandlerKind>(2)}), "unknown kind");
}

TEST_CASE("a handler may read only what is there wherever the error came from") {
  const auto with = [](Code code, HandlerEntry h) {
    UnitImage unit = unit_with(code);
    unit.functions[1].handlers = {h};
    return verdict(unit);
  };
  // r1 is written inside the guarded stretch: not there if the first instruction failed.
  CHECK_SAYS(
      with({enc_abc(Op::First, 1, 0), enc_abc(Op::First, 3, 1), kReturn0, enc_abc(Op::Return, 1)},
           {0, 2, 3, 2, HandlerKind::Guard}),
      "pc 3 (Return): reads r1");
  CHECK(with({enc_abc(Op::First, 1, 0), enc_abc(Op::First, 3, 1), kReturn0, enc_abc(Op::Return, 1)},
             {1, 2, 3, 2, HandlerKind::Guard}) == "ok");
  // A call loses what is above its window, but not the register of the error.
  CHECK(with({enc_abc(Op::Move, 1, 0), enc_abc(Op::Call, 1, 0), kReturn0, enc_abc(Op::Return, 6)},
             {1, 2, 3, 6, HandlerKind::Guard}) == "ok");
  CHECK_SAYS(with({enc_ad(Op::LoadInt, 5, 1), enc_abc(Op::Move, 1, 0), enc_abc(Op::Call, 1, 0),
                   kReturn0, enc_abc(Op::Return, 5)},
                  {2, 3, 4, 6, HandlerKind::Guard}),
             "pc 4 (Return): reads r5");
}

TEST_CASE("cell instructions are given cells, on every path") {
  CHECK_SAYS(verdict({enc_abc(Op::CellGet, 1, 0), kReturn0}), "r0 does not hold a cell");
  CHECK_SAYS(verdict({enc_abc(Op::CellSet, 0, 0), kReturn0}), "r0 does not hold a cell");
  CHECK(verdict({enc_abc(Op::CellNew, 1, 0), enc_abc(Op::Move, 2, 1), enc_abc(Op::CellGet, 3, 2),
                 kReturn0}) == "ok");
  CHECK_SAYS(verdict({enc_abc(Op::Move, 1, 0), enc_ad(Op::JumpIf, 0, 1), enc_abc(Op::CellNew, 1, 0),
                      enc_abc(Op::CellGet, 2, 1), kReturn0}),
             "r1 does not hold a cell on every path");
}

TEST_CASE("a capture used as a cell is given a cell, through any number of closures") {
  const auto chain = [](std::uint32_t innermost, bool cell) {
    UnitImage unit = unit_with({cell ? enc_abc(Op::CellNew, 1, 0) : enc_abc(Op::Move, 1, 0),
                                enc_ad(Op::MakeClosure, 2, 2), 1, kReturn0});
    unit.functions.push_back(
        test_function(3, 0, {enc_ad(Op::MakeClosure, 0, 3), 0x8000, kReturn0}));
    unit.functions[2].captures = 1;
    unit.functions.push_back(
        test_function(3, 0, {enc_abc(Op::GetCapture, 1, 0), innermost, enc_abc(Op::Return, 1)}));
    unit.functions[3].captures = 1;
    return verdict(unit);
  };
  CHECK(chain(enc_abc(Op::CellGetCap, 2, 0), true) == "ok");
  CHECK(chain(enc_abc(Op::CellGet, 2, 1), true) == "ok");
  CHECK(chain(enc_abc(Op::Move, 2, 1), false) == "ok");
  CHECK_SAYS(chain(enc_abc(Op::CellGetCap, 2, 0), false), "is used as a cell there");
  CHECK_SAYS(chain(enc_abc(Op::CellGet, 2, 1), false), "is used as a cell there");
}

TEST_CASE("PatchClosure changes only a closure made here, within its captures") {
  const auto with = [](std::uint32_t patch) {
    UnitImage unit = unit_with({enc_ad(Op::MakeClosure, 1, 2), 0, patch, enc_abc(Op::Return, 1)});
    unit.functions.push_back(test_function(1, 0, {enc_abc(Op::CellGetCap, 0, 0), kReturn0}));
    unit.functions[2].captures = 1;
    return unit;
  };
  CHECK_SAYS(verdict(with(enc_abc(Op::PatchClosure, 0, 1, 0))),
             "does not hold a closure made here");
  CHECK_SAYS(verdict(with(enc_abc(Op::PatchClosure, 1, 1, 1))), "capture 1 of a function with 1");
  UnitImage cell = with(enc_abc(Op::PatchClosure, 1, 0, 0));
  CHECK_SAYS(verdict(cell), "is used as a cell there");
  cell.functions[1].code[0] = enc_abc(Op::CellNew, 0, 0);
  cell.functions[1].code[1] = enc_ad(Op::MakeClosure, 1, 2);
  cell.functions[1].code[2] = 0;
  CHECK(verdict(cell) == "ok");
}

TEST_CASE("captured registers exist and are written, captured captures exist") {
  const auto with = [](std::uint32_t spec) {
    UnitImage unit = unit_with({enc_ad(Op::MakeClosure, 1, 2), spec, kReturn0});
    unit.functions.push_back(test_function(1, 0, {enc_abc(Op::GetCapture, 0, 0), kReturn0}));
    unit.functions[2].captures = 1;
    return verdict(unit);
  };
  CHECK(with(0) == "ok");
  CHECK_SAYS(with(5), "captures r5 before it is written");
  CHECK_SAYS(with(8), "uses r8");
  CHECK_SAYS(with(0x8000), "capture 0, there are 0");
}

TEST_CASE("function 0 takes nothing, tables are well-formed, lines are in order") {
  UnitImage unit = test_unit();
  unit.functions[0].required = 1;
  CHECK_SAYS(verdict(unit), "takes no parameters");
  unit = test_unit();
  unit.functions[0].captures = 1;
  CHECK_SAYS(verdict(unit), "takes no parameters and captures");
  unit = test_unit();
  unit.functions.clear();
  CHECK_SAYS(verdict(unit), "needs a function");
  unit = test_unit();
  unit.constants[2] = "\x07\x05xx";
  CHECK_SAYS(verdict(unit), "constant 2: ");
  unit = test_unit();
  unit.functions[0].lines = {{3, 1, 1}, {3, 2, 1}};
  CHECK_SAYS(verdict(unit), "line entry for pc 3");
  unit = test_unit();
  unit.exports.push_back(unit.exports[0]);
  CHECK_SAYS(verdict(unit), "given twice");
  unit = unit_with({kReturn0});
  unit.functions[1].keys = {"a", "a"};
  CHECK_SAYS(verdict(unit), "key parameter a twice");
}

TEST_CASE("hostile code is refused in bounded time and memory") {
  // Thousands of jump targets and handlers over everything.
  UnitImage unit = unit_with({kReturn0}, 250);
  FunctionImage& f = unit.functions[1];
  f.code.clear();
  for (int i = 0; i < 20000; ++i) {
    f.code.push_back(enc_ad(Op::JumpIf, 0, 0));
    f.code.push_back(enc_abc(Op::First, static_cast<unsigned>(i % 240), 0));
  }
  f.code.push_back(kReturn0);
  f.code.push_back(kReturn0);
  for (int i = 0; i < 20000; ++i) f.handlers.push_back({0, 40000, 40001, 1, HandlerKind::Guard});
  VerifyLimits limits;
  limits.work_max = 100'000'000;
  const Result<void> slow = verify_unit(unit, test_tables(), limits);
  REQUIRE_FALSE(slow.ok());
  CHECK_SAYS(slow.error().message, "too many paths");
  limits.state_bytes_max = 1 << 20;
  CHECK_SAYS(verify_unit(unit, test_tables(), limits).error().message, "more jump targets");
  limits.code_words_max = 1000;
  CHECK_SAYS(verify_unit(unit, test_tables(), limits).error().message, "at most 1000");
}

TEST_CASE("random words never crash the verifier or the lister") {
  std::mt19937 random(17);
  int verified = 0;
  for (int round = 0; round < 60000; ++round) {
    UnitImage unit = test_unit();
    FunctionImage& f = unit.functions[1];
    const std::size_t length = 1 + random() % 6;
    f.code.clear();
    for (std::size_t i = 0; i < length; ++i) {
      const std::uint32_t op = random() % 0x7C;
      f.code.push_back(op | (random() % 7) << 8 | (random() % 4) << 16 | (random() % 3) << 24);
    }
    f.code.push_back(kReturn0);
    f.handlers.clear();
    f.lines.clear();
    verified += verify_unit(unit, test_tables()).ok();
    if (disassemble(unit, test_tables()).empty()) FAIL("empty listing");
  }
  CHECK(verified > 100);
}

TEST_CASE("an error may come when the result is there already: handlers see both") {
  // r1 is a cell before the addition and a number after it; a limit may end either.
  UnitImage unit = unit_with({enc_abc(Op::CellNew, 1, 0), enc_abc(Op::Add, 1, 0, 0), kReturn0,
                              enc_abc(Op::CellGet, 2, 1), enc_abc(Op::EndCleanup, 3)});
  unit.functions[1].handlers = {{1, 2, 3, 3, HandlerKind::Cleanup}};
  CHECK_SAYS(verdict(unit), "r1 does not hold a cell on every path");
  // Elsewhere it stays one.
  unit.functions[1].code[1] = enc_abc(Op::Add, 2, 0, 0);
  CHECK(verdict(unit) == "ok");
}

TEST_CASE("a standing frame: what its registers hold and which of them are read again") {
  // r1 cell, r2 unused later, r4 the awaited value; the handler reads r5.
  UnitImage unit =
      unit_with({enc_abc(Op::CellNew, 1, 0), enc_ad(Op::LoadInt, 2, 7), enc_ad(Op::LoadInt, 5, 8),
                 enc_abc(Op::Perform, 6, 2), enc_abc(Op::CellGet, 3, 1), enc_abc(Op::Add, 3, 3, 6),
                 enc_abc(Op::Return, 3), enc_abc(Op::Return, 5)},
                8);
  unit.functions[1].handlers = {{3, 4, 7, 4, HandlerKind::Guard}};
  REQUIRE(verdict(unit) == "ok");
  const auto point = code_point(unit, 1, 4);
  REQUIRE(point.ok());
  CHECK(point->awaits == 6);
  CHECK_FALSE(point->back_edge);
  CHECK(point->types[1] == kCellValue);
  CHECK(point->types[2] == kAnyValue);
  CHECK(point->types[7] == kUndefined);
  std::string live;
  for (std::size_t r = 0; r < 8; ++r) live += point->live[r] ? '1' : '0';
  CHECK(live == "01000110");
  // At the entry there are the parameters.
  const auto entry = code_point(unit, 1, 0);
  REQUIRE(entry.ok());
  CHECK(entry->awaits == kAwaitsNothing);
  CHECK(entry->live.count() == 1);
  CHECK(entry->live[0]);
}

TEST_CASE("a frame does not stand where no instruction ends, nor behind one that leaves") {
  const UnitImage unit = unit_with({enc_abc(Op::GetKey, 1, 0), 0, enc_abc(Op::Return, 1)});
  REQUIRE(verdict(unit) == "ok");
  CHECK_FALSE(code_point(unit, 1, 1).ok());
  CHECK(code_point(unit, 1, 2).ok());
  CHECK_SAYS(code_point(unit, 1, 3).error().message, "does not stand still at pc 3");
  CHECK_FALSE(code_point(unit, 1, 99).ok());
}

TEST_CASE("a frame may stand behind a Loop, whose jump is still to be taken") {
  // r1 is read at the head of the loop, r2 only behind it.
  const UnitImage unit =
      unit_with({enc_ad(Op::LoadInt, 1, 1), enc_ad(Op::LoadInt, 2, 2), enc_abc(Op::Add, 0, 0, 1),
                 enc_ad(Op::JumpIf, 0, 1), enc_e(Op::Loop, -3), enc_abc(Op::Return, 2)});
  REQUIRE(verdict(unit) == "ok");
  const auto point = code_point(unit, 1, 5);
  REQUIRE(point.ok());
  CHECK(point->back_edge);
  CHECK(point->live[0]);
  CHECK(point->live[1]);
  CHECK(point->live[2]);
  CHECK(point->live.count() == 3);
}
