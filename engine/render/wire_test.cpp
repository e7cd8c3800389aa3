// The wire form and pages in pieces, where SX tests would be too slow or too kind: very deep trees,
// limits, moving objects, hostile bytes.
#include "engine/render/wire.h"

#include <doctest/doctest.h>

#include "engine/base/str.h"
#include "engine/bytecode/templates.h"
#include "engine/render/html_stream.h"
#include "engine/render/render.h"
#include "engine/value/collections.h"

using namespace sx;

namespace {

struct World {
  Context cx;
  const TemplateInfo* div;

  explicit World(bool stress = false) : cx(HeapConfig{.stress = stress}, 7) {
    TemplateImage image;
    image.holes = 1;
    image.parts = {{TemplateOp::Static, 0, "<div>"},
                   {TemplateOp::Text, 0, ""},
                   {TemplateOp::Static, 0, "</div>"}};
    div = *TemplateTable::of(cx).define(std::move(image));
  }
  Value in_div(Value child) {
    Root held(cx.heap, child);
    auto* made = static_cast<Template*>(cx.heap.alloc(Kind::Template, 3));
    made->info_bits = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(div));
    made->holes()[0] = held;
    return Value::object(made);
  }
  Value nested(int depth) {
    Root m(cx.heap, make_string(cx, "x"));
    for (int i = 0; i < depth; ++i) m = in_div(m);
    return m;
  }
  Result<Value> read(std::string_view text, WireLimits limits = {}, bool trusted = true) {
    WireReading reading;
    reading.trusted = trusted;
    reading.limits = limits;
    return wire_read(cx, text, reading);
  }
};

std::string repeated(std::string_view s, std::size_t n) {
  std::string out;
  out.reserve(s.size() * n);
  for (std::size_t i = 0; i < n; ++i) out += s;
  return out;
}

}  // namespace

TEST_CASE("a tree 1,000,000 deep is rendered, written, read and streamed") {
  World w;
  Root m(w.cx.heap, w.nested(1'000'000));
  const auto html = render_html(w.cx, m, false);
  REQUIRE(html.ok());
  const std::string whole(*html);
  CHECK(whole.size() == 11'000'001);
  const auto text = wire_write(w.cx, m);
  REQUIRE(text.ok());
  const auto back = w.read(*text);
  REQUIRE(back.ok());
  CHECK(*render_html(w.cx, *back, false) == whole);

  Root stream(w.cx.heap, make_html_stream(w.cx, m));
  std::string pieces;
  for (int i = 0;; ++i) {
    const auto piece = html_stream_next(w.cx, stream);
    REQUIRE(piece.ok());
    if (piece->empty()) break;
    CHECK(piece->size() < kStreamPiece + 64);
    pieces.append(*piece);
    if (i == 1) w.cx.heap.collect_minor();  // in the middle of it, everything moves
  }
  CHECK(pieces == whole);
}

TEST_CASE("lists 1,000,000 deep are rendered and read") {
  World w;
  const std::string text =
      str("(sx 1 [] ", repeated("[", 1'000'000), "7", repeated("]", 1'000'000), ")");
  const auto read = w.read(text);
  REQUIRE(read.ok());
  CHECK(*render_html(w.cx, *read, false) == "7");
}

TEST_CASE("a stream goes on while its objects move at every allocation") {
  World w(true);
  Root m(w.cx.heap, Value::empty_list());
  std::string want;
  for (int i = 99; i >= 0; --i) {
    const Value item = w.in_div(make_string(w.cx, str("item ", i, " <")));
    m = w.cx.heap.cons(item, m);
  }
  for (int i = 0; i < 100; ++i) want += str("<div>item ", i, " &lt;</div>");
  Root stream(w.cx.heap, make_html_stream(w.cx, m));
  m = Value::nil();  // the stream alone keeps it
  std::string got;
  while (true) {
    const auto piece = html_stream_next(w.cx, stream, 40);
    REQUIRE(piece.ok());
    if (piece->empty()) break;
    got.append(*piece);
    make_string(w.cx, "moves everything");
  }
  CHECK(got == want);
}

TEST_CASE("markup is read while its objects move at every allocation") {
  World w(true);
  const std::string text = str("(sx 1 [\"", template_hash_text(*w.div),
                               "\"] [(0 \"a\") (0 [1.5 \"b\" (raw \"<i>\")]) (el \"p\" (0 nil) "
                               "\"&\" {\"id\" \"x\" \"b\" 99999999999999999999})])");
  const auto read = w.read(text);
  REQUIRE(read.ok());
  CHECK(*render_html(w.cx, *read, false) ==
        "<div>a</div><div>1.5b<i></div><p id=\"x\" b=\"99999999999999999999\"><div></div></p>");
}

TEST_CASE("a stream of a long text holds one piece of it") {
  World w;
  const std::string text = repeated("é<", 1'000'000);
  Root m(w.cx.heap, w.in_div(make_string(w.cx, text)));
  Root stream(w.cx.heap, make_html_stream(w.cx, m));
  std::size_t size = 0, largest = 0;
  while (true) {
    const auto piece = html_stream_next(w.cx, stream);
    REQUIRE(piece.ok());
    if (piece->empty()) break;
    size += piece->size();
    largest = std::max(largest, piece->size());
  }
  CHECK(size == 6'000'011);
  CHECK(largest < 256 * 1024);
}

TEST_CASE("wire text keeps to its limits, and errors name them") {
  World w;
  WireLimits limits;
  limits.bytes_max = 100;
  limits.depth_max = 5;
  limits.values_max = 10;
  limits.templates_max = 1;
  const auto message = [&](std::string_view text) {
    const auto read = w.read(text, limits);
    return read.ok() ? std::string() : read.error().message;
  };
  CHECK(message(repeated(" ", 101)).find("found 101 bytes, expected at most 100") !=
        std::string::npos);
  CHECK(message("(sx 1 [] [[[[[[]]]]]])").find("at most 5 levels") != std::string::npos);
  CHECK(message("(sx 1 [] [[[[[]]]]])").empty());
  CHECK(message("(sx 1 [] [1 2 3 4 5 6 7 8 9 0])").find("at most 10 values") != std::string::npos);
  CHECK(message(str("(sx 1 [\"", template_hash_text(*w.div), "\" \"x\"] 1)"))
            .find("at most 1 templates") != std::string::npos);
}

TEST_CASE("wire text that does not fit in the heap is refused") {
  Context cx(HeapConfig{.nursery_bytes = 1 << 20, .limit_bytes = 4 << 20}, 7);
  WireReading reading;
  const auto read =
      wire_read(cx, str("(sx 1 [] [", repeated("[1 \"ab\"] ", 200'000), "])"), reading);
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().message.find("heap limit") != std::string::npos);
}

TEST_CASE("bytes that are no text are refused where they are") {
  World w;
  const auto read = w.read("(sx 1 []\n \"a\xff\")");
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().message.find("2:4") != std::string::npos);
  CHECK_FALSE(wire_define(w.cx, "\xff").ok());
}

TEST_CASE("any cut of a document is refused") {
  World w;
  const auto text = wire_write(w.cx, w.nested(3), {.define_all = true});
  REQUIRE(text.ok());
  REQUIRE(w.read(*text).ok());
  for (std::size_t n = 0; n < text->size(); ++n) CHECK_FALSE(w.read(text->substr(0, n)).ok());
}

TEST_CASE("any changed byte of a document is refused or still data that renders or is refused") {
  World w;
  const auto text = wire_write(w.cx, w.nested(2), {.define_all = true});
  REQUIRE(text.ok());
  int read_ok = 0;
  for (std::size_t at = 0; at < text->size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = *text;
      changed[at] = static_cast<char>(changed[at] ^ 1 << bit);
      const auto read = w.read(changed);
      if (!read.ok()) {
        CHECK(read.error().message.starts_with("wire text"));
        continue;
      }
      ++read_ok;
      (void)render_html(w.cx, *read, false);
    }
  }
  CHECK(read_ok > 0);  // the content may change; a definition may not
}

TEST_CASE("a template of a unit that is gone is unknown, unless another unit has it") {
  Context cx(HeapConfig{}, 7);
  Globals globals;
  const auto image = [] {
    auto made = std::make_unique<UnitImage>();
    made->templates.resize(1);
    made->templates[0].parts = {{TemplateOp::Static, 0, "<hr>"}};
    return made;
  };
  auto first = link_unit(cx, globals, image());
  auto second = link_unit(cx, globals, image());
  const std::string hash = template_hash_text(first->templates[0]);
  CHECK(TemplateTable::of(cx).find(hash) == &first->templates[0]);
  first.reset();
  CHECK(TemplateTable::of(cx).find(hash) == &second->templates[0]);
  second.reset();
  CHECK(TemplateTable::of(cx).find(hash) == nullptr);
}
