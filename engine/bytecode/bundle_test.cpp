// Bundles: round trips, one encoding, and what is refused.
#include "engine/bytecode/bundle.h"

#include <doctest/doctest.h>

#include "engine/bytecode/disasm.h"
#include "engine/bytecode/test_units.h"
#include "engine/bytecode/unit.h"
#include "engine/bytecode/verify.h"
#include "engine/value/collections.h"

using namespace sx;

namespace {

std::string sample() {
  const UnitImage a = test_unit();
  UnitImage b;
  b.file = "script.sx";
  b.functions = {test_function(1, 0, {enc_abc(Op::LoadSpecial, 0, 2), enc_abc(Op::Return, 0)})};
  return encode_bundle({&a, &b}, 1, test_tables());
}

// Decodes, verifies and, if all is well, links: nothing may crash, whatever the bytes are.
bool load(const std::string& bytes) {
  Result<Bundle> bundle = decode_bundle(bytes, test_tables());
  if (!bundle.ok()) {
    REQUIRE_FALSE(bundle.error().message.empty());
    return false;
  }
  for (const auto& unit : bundle->units) {
    disassemble(*unit, test_tables());
    if (!verify_unit(*unit, test_tables()).ok()) return false;
  }
  Context cx({}, 1);
  Globals globals;
  std::vector<std::unique_ptr<Unit>> linked;
  for (auto& unit : bundle->units) linked.push_back(link_unit(cx, globals, std::move(unit)));
  return true;
}

std::string error_of(std::string_view bytes) {
  const Result<Bundle> bundle = decode_bundle(bytes, test_tables(), "demo.sxbc");
  REQUIRE_FALSE(bundle.ok());
  return bundle.error().message;
}

}  // namespace

TEST_CASE("a bundle decodes to the units it was made of, and encodes to the same bytes again") {
  const std::string bytes = sample();
  Result<Bundle> bundle = decode_bundle(bytes, test_tables());
  REQUIRE_MESSAGE(bundle.ok(), bundle.error().message);
  REQUIRE(bundle->units.size() == 2);
  CHECK(bundle->entry == 1);
  CHECK(bundle->hash.size() == 64);
  const UnitImage& unit = *bundle->units[0];
  const UnitImage expected = test_unit();
  CHECK(unit.module == expected.module);
  CHECK(unit.functions[1].code == expected.functions[1].code);
  CHECK(unit.functions[0].lines[2].line == 2);
  CHECK(unit.functions[1].handlers[0].target == 13);
  CHECK(unit.exports[1].kind == ExportKind::Component);
  CHECK(unit.templates[0].parts[1].text == "class");
  CHECK(unit.constants == expected.constants);
  CHECK(disassemble(unit, test_tables()) == disassemble(expected, test_tables()));
  CHECK(encode_bundle({bundle->units[0].get(), bundle->units[1].get()}, 1, test_tables()) == bytes);
}

TEST_CASE("code words lie at multiples of eight so that they can be used in place") {
  const std::string bytes = sample();
  for (std::size_t at = 88; at < 88 + 16 * 2 * kSectionKinds; at += 16) {
    ByteReader in(std::string_view(bytes).substr(at));
    in.u32(), in.u32();
    CHECK(in.u32() % 8 == 0);
  }
}

TEST_CASE("refusals name both sides and the remedy") {
  std::string bytes = sample();
  CHECK(error_of("hello").find("demo.sxbc is not an SX bundle") != std::string::npos);
  CHECK(error_of(std::string_view(bytes).substr(0, 50)).find("cut off: 50 bytes") !=
        std::string::npos);
  bytes[4] = 9;
  CHECK(error_of(bytes) ==
        "demo.sxbc has bundle format 9, this engine reads format 2: rebuild it with `sx build`");
  bytes = sample();
  const Tables other({{"+", 0, 1}}, {});
  const Result<Bundle> foreign = decode_bundle(bytes, other, "demo.sxbc");
  REQUIRE_FALSE(foreign.ok());
  CHECK(foreign.error().message ==
        "demo.sxbc was made for tables " + hex(test_tables().fingerprint(), 6) +
            ", this engine has " + hex(other.fingerprint(), 6) + ": rebuild it with `sx build`");
  bytes.back() = 1;
  CHECK(error_of(bytes).find("is corrupted") != std::string::npos);
}

TEST_CASE("the fingerprint follows names, arity and order of the tables") {
  const Tables base({{"a", 1, 1}, {"b", 0, -1}}, {"x"});
  CHECK(base.fingerprint() == Tables({{"a", 1, 1}, {"b", 0, -1}}, {"x"}).fingerprint());
  CHECK(base.fingerprint() != Tables({{"b", 0, -1}, {"a", 1, 1}}, {"x"}).fingerprint());
  CHECK(base.fingerprint() != Tables({{"a", 1, 2}, {"b", 0, -1}}, {"x"}).fingerprint());
  CHECK(base.fingerprint() != Tables({{"a", 1, 1}, {"b", 0, -1}}, {"x", "y"}).fingerprint());
}

TEST_CASE("a bundle cut anywhere or with anything behind it is refused") {
  const std::string bytes = sample();
  REQUIRE(load(bytes));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::string cut = bytes.substr(0, size);
    CHECK_FALSE(load(cut));
    reseal_bundle(cut);
    CHECK_FALSE(load(cut));
  }
  std::string longer = bytes + std::string(8, '\0');
  reseal_bundle(longer);
  CHECK_FALSE(load(longer));
}

TEST_CASE("a bundle with any single bit flipped is refused") {
  const std::string bytes = sample();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = bytes;
      bad[at] = static_cast<char>(bad[at] ^ 1 << bit);
      if (load(bad)) FAIL("accepted with bit " << bit << " of byte " << at << " flipped");
    }
  }
}

TEST_CASE("with the hash made right again a flipped bit is refused or harmless, never a crash") {
  const std::string bytes = sample();
  int accepted = 0;
  for (std::size_t at = 72; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = bytes;
      bad[at] = static_cast<char>(bad[at] ^ 1 << bit);
      reseal_bundle(bad);
      accepted += load(bad);
    }
  }
  CHECK(accepted > 0);  // a letter of a name, for instance
}

TEST_CASE("linking makes constants static, shares globals by name and gives sites their cache") {
  Context cx({}, 1);
  Globals globals;
  Global* known = globals.intern("demo/count");
  const auto unit = link_unit(cx, globals, std::make_unique<UnitImage>(test_unit()));
  CHECK(unit->globals[0] == known);
  CHECK(globals.find("demo/count#helper") == unit->globals[1]);
  CHECK(unit->constants[0] == cx.keyword("name"));
  CHECK((unit->constants[2].as_object()->gc & kGcStatic) != 0);
  CHECK(as_string(unit->constants[2])->view() == "gr\u00FC\u00DFe");
  const Function& f = unit->functions[1];
  CHECK(f.simple);
  CHECK(f.parameters() == 2);
  CHECK(f.cache != nullptr);
  CHECK(unit->functions[0].cache == nullptr);
  CHECK(f.code == unit->image->functions[1].code.data());
  CHECK(f.unit == unit.get());
  CHECK(unit->templates[0].hash[0] != 0);
  // The hash is the structure's: the same template in another unit has it too.
  const auto again = link_unit(cx, globals, std::make_unique<UnitImage>(test_unit()));
  CHECK(again->templates[0].hash[1] == unit->templates[0].hash[1]);
}

TEST_CASE("a bundle has the names of local variables only when asked for") {
  UnitImage unit = test_unit();
  unit.functions[0].locals = {{0, 4, 1, "x"}, {2, 3, 2, "größe"}, {0, 9, kCapturePlace, "x"}};
  const std::string named = encode_bundle({&unit}, 0, test_tables(), true);
  const std::string plain = encode_bundle({&unit}, 0, test_tables());
  auto read = decode_bundle(named, test_tables());
  REQUIRE(read.ok());
  CHECK(read->units[0]->functions[0].locals == unit.functions[0].locals);
  CHECK(encode_bundle({read->units[0].get()}, 0, test_tables()) == plain);
  REQUIRE(decode_bundle(plain, test_tables()).ok());
  CHECK(decode_bundle(plain, test_tables())->units[0]->functions[0].locals.empty());
}

TEST_CASE("a listing resolves operands and shows lines, handlers and templates") {
  const std::string text = disassemble(test_unit(), test_tables());
  for (const char* part :
       {"unit lib/demo/count.sx (module demo/count)",
        "function 1 demo/count: 6 registers, 2 required", "CallGlobal   r3 demo/count (r6…r7)",
        "GetKey       r3 r0 :name", "CallPrim     r4 + (r2…r3)",
        "MakeDict     r5 [:name :age] (r3…r4)", "Const        r7 \"gr\u00FC\u00DFe\"",
        "MakeClosure  r2 function 1 demo/count r1", "handler 1…5 → 13 error in r5 (guard)",
        "JumpLt       r4 r3 true → 12", "Loop         → 1", "  attribute hole 1 \"class\"",
        " 4:7 "})
    CHECK_MESSAGE(text.find(part) != std::string::npos, part, "\n", text);
}
