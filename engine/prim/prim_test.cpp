// Primitives called directly, with the heap in stress mode: every allocation moves every object,
// so a value kept across one without a root shows at once.
#include <doctest/doctest.h>

#include <cstring>
#include <set>

#include "engine/prim/support.h"
#include "engine/reader/printer.h"
#include "engine/reader/reader.h"
#include "engine/value/root_list.h"

using namespace sx;

namespace {

struct World {
  explicit World(bool stress = true)
      : cx(HeapConfig{.limit_bytes = std::size_t{256} << 20, .stress = stress}, 42) {
    cx.fuel = 1'000'000'000;
  }
  Context cx;

  Value read(std::string_view text) {
    auto v = read_data(cx, text);
    REQUIRE_MESSAGE(v.ok(), text);
    return *v;
  }
  // The printed result of (name args…), or "kind: message" of its error.
  std::string call(const char* name, std::initializer_list<const char*> texts) {
    RootList args(cx.heap);
    for (const char* text : texts) args.push(read(text));
    const int index = find_primitive(name);
    REQUIRE(index >= 0);
    const Value result = primitives()[index].fn(cx, &args[0], static_cast<int>(args.size()));
    if (!result.is_unset()) return print(cx, result);
    const Value kind = dict_get(cx, cx.error, cx.keyword("kind"));
    const Value message = dict_get(cx, cx.error, cx.keyword("message"));
    return str(cx.symbols.name(kind.id()), ": ", as_string(message)->view());
  }
};

}  // namespace

TEST_CASE("every primitive has a usage line that begins with its name, and sane arity") {
  std::set<std::string> names;
  for (std::uint32_t i = 0; i < primitive_count(); ++i) {
    const PrimitiveInfo& p = primitives()[i];
    CAPTURE(p.name);
    CHECK(names.insert(p.name).second);
    CHECK(std::string_view(p.usage).starts_with(str("(", p.name)));
    CHECK(p.min_args >= 0);
    CHECK((p.max_args == -1 || p.max_args >= p.min_args));
    CHECK(find_primitive(p.name) == static_cast<int>(i));
  }
  CHECK(find_primitive("no-such-primitive") == -1);
  CHECK(find_primitive("") == -1);
}

TEST_CASE("every primitive survives arguments of every type") {
  // No crash, no unset without an error, whatever is thrown at it.
  World w(false);
  const char* const values[] = {"nil",
                                "true",
                                "0",
                                "-1",
                                "3",
                                "140737488355327",
                                "1e300",
                                "1.5",
                                "+nan.0",
                                "\"\"",
                                "\"a\\u{E9}b\"",
                                "#\\a",
                                "sym",
                                ":key",
                                "()",
                                "(1 2)",
                                "(1 . 2)",
                                "[]",
                                "[1 [2]]",
                                "{}",
                                "{:a 1}",
                                "{\"k\" [1]}",
                                "#{}",
                                "#{1}",
                                "#u8\"ab\"",
                                "123456789012345678901234567890"};
  RootList pool(w.cx.heap);
  for (const char* text : values) pool.push(w.read(text));
  pool.push(make_array(w.cx, 2, Value::nil()));
  pool.push(make_table(w.cx));
  pool.push(make_typed_array(w.cx, Element::I64, 2));
  pool.push(w.read("#pair{:a 1 :b [2]}"));
  pool.push(w.cx.heap.make_cell(Value::nil()));
  for (std::uint32_t i = 0; i < primitive_count(); ++i) {
    const PrimitiveInfo& p = primitives()[i];
    // These look into fibers of a machine, and there is none here: vm/freeze_test.cpp.
    const std::string_view name = p.name;
    if (name == "freeze" || name == "thaw" || name == "frozen/info") continue;
    const int most = p.max_args == -1 ? p.min_args + 2 : p.max_args;
    for (int n = p.min_args; n <= most && n <= 3; ++n) {
      std::size_t combinations = 1;
      for (int k = 0; k < n; ++k) combinations *= pool.size();
      for (std::size_t c = 0; c < combinations; ++c) {
        RootList args(w.cx.heap);
        std::size_t rest = c;
        for (int k = 0; k < n; ++k, rest /= pool.size()) args.push(pool[rest % pool.size()]);
        args.push(Value::nil());
        w.cx.error = Value::nil();
        const Value v = p.fn(w.cx, &args[0], n);
        if (v.is_unset() && !is_dict(w.cx.error)) {
          CAPTURE(p.name);
          CAPTURE(c);
          FAIL_CHECK("no result and no error");
        }
      }
    }
  }
}

TEST_CASE("builders of collections keep their parts under a moving collector") {
  World w;
  CHECK(w.call("list", {"\"a\"", "[1]", "{:k \"v\"}"}) == "(\"a\" [1] {:k \"v\"})");
  CHECK(w.call("vec", {"{:a \"x\" :b \"y\"}"}) == "[[:a \"x\"] [:b \"y\"]]");
  CHECK(w.call("concat", {"(\"a\")", "[\"b\"]", "#{\"c\"}", "{\"d\" \"e\"}"}) ==
        "(\"a\" \"b\" \"c\" [\"d\" \"e\"])");
  CHECK(w.call("zip", {"(\"a\" \"b\")", "{:x \"1\" :y \"2\"}"}) ==
        "([\"a\" [:x \"1\"]] [\"b\" [:y \"2\"]])");
  CHECK(w.call("merge", {"{:a \"1\"}", "{:b \"2\" :a \"3\"}", "nil"}) == "{:a \"3\" :b \"2\"}");
  CHECK(w.call("append", {"(\"a\")", "(\"b\" \"c\")"}) == "(\"a\" \"b\" \"c\")");
  CHECK(w.call("string/split", {"\"aa,bb,cc\"", "\",\""}) == "(\"aa\" \"bb\" \"cc\")");
  CHECK(w.call("url/parse-query", {"\"a=1&b=2&a=3\"", ":all"}) ==
        "{\"a\" (\"1\" \"3\") \"b\" (\"2\")}");
  CHECK(w.call("json/read", {"\"{\\\"a\\\":[1,\\\"x\\\",{\\\"b\\\":\\\"y\\\"}]}\""}) ==
        "{\"a\" [1 \"x\" {\"b\" \"y\"}]}");
  CHECK(w.call("%sort", {"(\"c\" \"a\" \"b\")"}) == "(\"a\" \"b\" \"c\")");
  CHECK(w.call("assoc", {"nil", "\"k\"", "\"v\"", "[1]", "(\"w\")"}) ==
        "{\"k\" \"v\" [1] (\"w\")}");
  CHECK(w.call("list->dict", {"([\"a\" (1)] (\"b\" \"c\"))"}) == "{\"a\" (1) \"b\" \"c\"}");
}

TEST_CASE("errors say who expected what and what was found") {
  World w;
  CHECK(w.call("rest", {"\"abc\""}) == "type-error: rest: Expected list, got string");
  CHECK(w.call("nth", {"[1 2]", "2"}) ==
        "index-error: nth: Index 2 out of range: the vector has 2 elements");
  CHECK(w.call("quotient", {"1", "0"}).starts_with("division-by-zero: "));
  CHECK(w.call("json/read", {"\"[1,\""}) ==
        "json-error: json/read: line 1, column 4: expected a value, found the end of the text");
  CHECK(
      w.call("string/repeat", {"\"abc\"", "1000000000000"}).starts_with("limit: string/repeat: "));
}

TEST_CASE("natives charge fuel in proportion to what they touch") {
  World w(false);
  const auto spent = [&](std::size_t n) {
    RootList args(w.cx.heap);
    args.push(make_string(w.cx, std::string(n, 'a')));
    const std::int64_t before = w.cx.fuel;
    primitives()[find_primitive("string/upper")].fn(w.cx, &args[0], 1);
    return before - w.cx.fuel;
  };
  CHECK(spent(64'000) >= 1000);
  CHECK(spent(640'000) >= 9 * spent(64'000));
}

TEST_CASE("a macro's renamed symbols are the same within one expansion and fresh in the next") {
  World w;
  const auto rename = [&](const char* name) {
    Value args[1] = {w.cx.symbol(name)};
    return primitives()[find_primitive("macro/rename")].fn(w.cx, args, 1);
  };
  begin_expansion(w.cx, w.cx.symbols.intern("some/module"));
  const Value first = rename("x"), again = rename("x"), other = rename("y");
  CHECK(first == again);
  CHECK_FALSE(first == other);
  CHECK(w.cx.symbols.is_alias(first.id()));
  CHECK(w.cx.symbols.name(w.cx.symbols.alias_module(first.id())) == "some/module");
  begin_expansion(w.cx, w.cx.symbols.intern("some/module"));
  CHECK_FALSE(rename("x") == first);
}

TEST_CASE("slow paths of instructions agree with the primitives") {
  World w;
  Root list(w.cx.heap, w.read("(1 2 3)"));
  Root dict(w.cx.heap, w.read("{:a 1}"));
  CHECK(op_first(w.cx, list) == Value::small_int(1));
  CHECK(op_count(w.cx, list) == Value::small_int(3));
  CHECK(op_nth(w.cx, list, Value::small_int(2)) == Value::small_int(3));
  CHECK(op_get(w.cx, dict, w.cx.keyword("a")) == Value::small_int(1));
  CHECK(op_get(w.cx, dict, w.cx.keyword("b")).is_nil());
  CHECK(op_get(w.cx, Value::nil(), w.cx.keyword("b")).is_nil());
  CHECK(op_is_empty(w.cx, Value::empty_list()) == Value::tru());
  CHECK(op_first(w.cx, Value::small_int(1)).is_unset());
  bool failed = false;
  CHECK(op_lookup(w.cx, list, Value::nil(), &failed).is_unset());
  CHECK(failed);
}
