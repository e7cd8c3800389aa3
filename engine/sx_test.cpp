// The embedding API: modules, bundles, and bundles that were damaged on the way.
#include "engine/sx.h"

#include "engine/bytecode/tables.h"
#include "engine/prim/modules.h"
#include "engine/prim/primitives.h"
#include "engine/vm/test_bundle.h"
#include "engine/vm/test_machine.h"

using namespace sx;

namespace {

std::string test_bundle() {
  TestMachine& m = test_machine(false);
  auto image = m.engine.compile({std::string(kTestBundleSource), "lib/demo/all.sx"});
  if (!image.ok()) FAIL(image.error().message);
  UnitImage& unit = **image;
  unit.uses.clear();  // everything in it is a primitive or its own
  return encode_bundle({&unit}, 0, engine_tables());
}

}  // namespace

TEST_CASE("the fingerprint that the compiler worked out is that of the tables in the program") {
  std::vector<std::string_view> ops;
  std::size_t count = 0;
  const IoOpInfo* table = io_ops(count);
  for (std::size_t i = 0; i < count; ++i) ops.push_back(table[i].name);
  const Tables& tables = engine_tables();
  CHECK(tables.primitives().size() == primitive_count());
  CHECK(Tables(tables.primitives(), ops).fingerprint() == tables.fingerprint());
}

TEST_CASE("a module is found in a bundle before its source, and loaded once") {
  TestMachine m(true);
  CHECK(m.engine.add_bundle(test_bundle()).ok());
  CHECK(m.engine.last_bundle_entry() == "demo/all");
  m.files["demo/all"] = "(module demo/all :export (demo/run)) (define (demo/run x) :from-source)";
  const std::string value = m.run("(use demo/all) (demo/run 7)");
  CHECK(value.find(":done") != std::string::npos);
  CHECK(m.run("(use demo/all) (demo/run 7)") == value);
  CHECK(m.engine.modules().back().from_bundle);
}

TEST_CASE("a module that the host does not admit yet stays available, and so does what uses it") {
  TestMachine m(true);
  CHECK(m.engine.add_bundle(test_bundle()).ok());
  m.files["demo/above"] =
      "(module demo/above :use (demo/all) :export (above)) (define (above) (demo/run 7))";
  auto above = m.engine.compile({m.files["demo/above"], "lib/demo/above.sx"});
  REQUIRE(above.ok());
  TestMachine other(true);
  CHECK(other.engine.add_bundle(test_bundle()).ok());
  CHECK(other.engine.add_bundle(encode_bundle({above->get()}, 0, engine_tables())).ok());
  bool open = false;
  other.engine.admit = [&](const UnitImage& unit) -> Result<void> {
    if (!open && unit.module == "demo/all") return Error{"not yet"};
    return {};
  };
  CHECK(other.engine.require_module("demo/above").error().message == "not yet");
  open = true;
  CHECK(other.engine.require_module("demo/above").ok());
  CHECK(other.run("(use demo/above) (above)") == m.run("(use demo/all) (demo/run 7)"));
}

TEST_CASE("a unit needs the modules of the primitives that it calls or takes as values") {
  TestMachine m(false);
  auto needed = [&](const char* source) {
    auto image = m.engine.compile({source, "test.sx"});
    if (!image.ok()) FAIL(image.error().message);
    return modules_needed(**image);
  };
  const auto tools = static_cast<std::uint32_t>(KernelModule::Tools);
  CHECK(needed("(define (f x) (+ x 1)) (f 2)") == 0);
  CHECK(needed("(define (f x) (read-string x)) (f \"2\")") == tools);
  CHECK(needed("(define (f g) (g \"2\")) (f read-string)") == tools);
  CHECK(needed("(define (read-string-2 x) :read-string) (read-string-2 2)") == 0);
}

TEST_CASE("a circle of modules and a missing one are told by name") {
  TestMachine m(false);
  m.files["demo/a"] = "(module demo/a :use (demo/b) :export (a)) (define a 1)";
  m.files["demo/b"] = "(module demo/b :use (demo/a) :export (b)) (define b 1)";
  CHECK(m.failure("(use demo/a) a").find("circle: demo/a → demo/b → demo/a") != std::string::npos);
  CHECK(m.failure("(use demo/none) 1").find("Module demo/none was not found") != std::string::npos);
  m.files["demo/c"] = "(module demo/other :export (c)) (define c 1)";
  CHECK(m.failure("(use demo/c) 1").find("expected (module demo/c") != std::string::npos);
}

TEST_CASE(
    "every single-bit flip of a bundle is refused, and resealed it is refused or runs within its "
    "limits") {
  const std::string good = test_bundle();
  auto engine = std::make_unique<Engine>(small_vm());
  int ran = 0, accepted = 0;
  REQUIRE(run_bundle_within_limits(*engine, good, ran));
  REQUIRE(ran == 2);
  int used = 0;
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    if (decode_bundle(bad, engine_tables()).ok())
      FAIL("bit " << bit << " of a bundle was changed unnoticed");
    reseal_bundle(bad);
    if (bit / 8 >= 40 && bit / 8 < 72) continue;  // the hash itself: resealed it is the good one
    if (!run_bundle_within_limits(*engine, bad, ran)) continue;
    ++accepted;
    if (++used % 200 == 0) engine = std::make_unique<Engine>(small_vm());
  }
  // Flips in numbers and texts are valid programs: the runs above were not all refused at the door.
  CHECK(accepted > 1000);
  CHECK(ran > 100);
}

// --- extensions ----------------------------------------------------------------------------------

namespace {

Value native_triple(Context& cx, Value* args, int) {
  std::int64_t n = 0;
  if (!to_int64(args[0], n)) return cx.fail_type("acme/triple", "integer", args[0]);
  return make_int(cx, 3 * n);
}

Extension acme() {
  return {"acme",
          {{"acme/triple", native_triple, 1, 1, Effect::Pure, "(acme/triple n)",
            "(acme/triple n) three times the integer n"}}};
}

}  // namespace

TEST_CASE("a native of an extension is called, passed on and named like any other function") {
  TestMachine w(true);
  REQUIRE(w.engine.extend(acme()).ok());
  CHECK(w.run("(use acme) [(acme/triple 5) (map acme/triple '(1 2)) (function? acme/triple) "
              "(name acme/triple)]") == "[15 (3 6) true \"acme/triple\"]");
  CHECK(w.run("(use acme) (guard (e (else (error-message e))) (acme/triple \"x\"))") ==
        "\"acme/triple: Expected integer, got string\"");
  CHECK(w.run("(use acme) (guard (e (else (error-message e))) (apply acme/triple '(1 2)))") ==
        "\"acme/triple: Expected 1 argument, got 2. Usage: (acme/triple n)\"");
}

TEST_CASE("an extension's names are unbound for who does not use it") {
  TestMachine w(true);
  REQUIRE(w.engine.extend(acme()).ok());
  CHECK(w.run("(acme/triple 5)").find("acme/triple") != std::string::npos);
}

TEST_CASE("an extension cannot take a name, a module or a prefix that is not its own") {
  TestMachine w(true);
  REQUIRE(w.engine.extend(acme()).ok());
  CHECK(w.engine.extend(acme()).error().message ==
        "The extension acme cannot be added: a module of this name is there");
  CHECK(
      w.engine.extend({"other", {{"acme/four", native_triple, 1, 1, Effect::Pure, "(x)", nullptr}}})
          .error()
          .message ==
      "The extension other cannot add acme/four: expected a name that begins with other/");
}

TEST_CASE("a bundle that uses an extension runs where it is and is refused by name where not") {
  TestMachine with(true), without(true);
  REQUIRE(with.engine.extend(acme()).ok());
  auto image = with.engine.compile(
      {"(module app :use (acme) :export (app/nine)) (define (app/nine) (acme/triple 3))",
       "app.sx"});
  REQUIRE(image.ok());
  const std::string bytes = encode_bundle({image->get()}, 0, engine_tables());
  REQUIRE(with.engine.add_bundle(bytes).ok());
  CHECK(with.run("(use app) (app/nine)") == "9");
  REQUIRE(without.engine.add_bundle(bytes).ok());
  CHECK(without.engine.require_module("app").error().message.find("Module acme was not found") !=
        std::string::npos);
}
