// libFuzzer target: wire text from outside, with and without trust. Whatever reads is written and
// read again, and renders to the same bytes, or to the same refusal, at once and in pieces.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "engine/bytecode/templates.h"
#include "engine/render/html_stream.h"
#include "engine/render/render.h"
#include "engine/render/wire.h"

using namespace sx;

namespace {

void require(bool holds, const char* what, const std::string& text) {
  if (holds) return;
  std::fprintf(stderr, "wire_fuzz: %s: %s\n", what, text.c_str());
  std::abort();
}

// A template with every kind of hole, and one that is often repeated.
TemplateImage everything() {
  TemplateImage t;
  t.holes = 8;
  t.parts = {{TemplateOp::Static, 0, "<x"},
             {TemplateOp::Attribute, 0, "title"},
             {TemplateOp::Url, 1, "href"},
             {TemplateOp::Style, 2, "style"},
             {TemplateOp::Spread, 3, "title href"},
             {TemplateOp::UrlList, 4, "srcset"},
             {TemplateOp::Forbidden, 5, "onclick"},
             {TemplateOp::Static, 0, ">"},
             {TemplateOp::Text, 6, ""},
             {TemplateOp::Static, 0, "<style>"},
             {TemplateOp::RawText, 7, ""},
             {TemplateOp::Static, 0, "</style></x>"}};
  return t;
}
TemplateImage row() {
  TemplateImage t;
  t.holes = 1;
  t.parts = {
      {TemplateOp::Static, 0, "<li>"}, {TemplateOp::Text, 0, ""}, {TemplateOp::Static, 0, "</li>"}};
  return t;
}

struct World {
  Context cx;
  std::string sample;

  explicit World(std::uint64_t seed) : cx(config(), seed) {
    const std::string all = template_hash_text(**TemplateTable::of(cx).define(everything()));
    const TemplateInfo* item = *TemplateTable::of(cx).define(row());
    sample = "(sx 1 [\"" + all + "\" \"" + template_hash_text(*item) + "\" " +
             wire_definition(*item) +
             "] [(0 \"a\\x41;\" \"/x?a=1\" {\"color\" \"red\"} {\"id\" [1 true]} nil nil (1 [-1.5 "
             "\"<\"]) "
             "(raw \"a>b\")) (2 (el \"p\" (1 0xff) \"class\" \"c\" \"&\" {\"id\" 1})) nil])";
  }
  static HeapConfig config() {
    HeapConfig c;
    c.nursery_bytes = std::size_t{64} << 10;
    return c;
  }
};

std::unique_ptr<World>& world() {
  static std::unique_ptr<World> made = std::make_unique<World>(1);
  return made;
}

std::string in_pieces(Context& cx, Value markup, bool& failed) {
  Root stream(cx.heap, make_html_stream(cx, markup));
  std::string out;
  while (true) {
    const auto piece = html_stream_next(cx, stream, 7);
    if (!piece.ok()) {
      failed = true;
      return out;
    }
    if (piece->empty()) return out;
    out.append(*piece);
    cx.heap.collect_minor();
  }
}

void check(Context& cx, const std::string& text, bool trusted) {
  WireReading reading;
  reading.trusted = trusted;
  reading.limits = {std::size_t{1} << 20, 10'000, 100'000, 100};
  const Result<Value> read = wire_read(cx, text, reading);
  if (!read.ok()) {
    require(read.error().message.rfind("wire text", 0) == 0, "an error of another kind",
            read.error().message);
    return;
  }
  Root markup(cx.heap, *read);
  const Result<std::string> written = wire_write(cx, markup);
  RenderLimits limits;
  limits.bytes_max = std::size_t{1} << 24;
  const auto direct = render_html(cx, markup, true, limits);
  if (!written.ok()) {
    require(!direct.ok(), "it renders but cannot be written", text);
    return;
  }
  const bool good = direct.ok();
  const std::string html = good ? std::string(*direct) : direct.error().message;
  WireReading again;
  again.trusted = trusted;
  const Result<Value> back = wire_read(cx, *written, again);
  require(back.ok(), "written text does not read", *written);
  Root second(cx.heap, *back);
  const auto rendered = render_html(cx, second, true, limits);
  require(rendered.ok() == good, "written text renders otherwise", *written);
  require((rendered.ok() ? std::string(*rendered) : rendered.error().message) == html,
          "written text renders to something else", *written);
  bool failed = false;
  const std::string pieces = in_pieces(cx, markup, failed);
  require(failed == !good, "pieces fail where the whole does not", text);
  if (good) require(pieces == html, "pieces make another page", text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Templates that inputs define stay known: begin anew now and then.
  static unsigned runs = 0;
  if (++runs % 4096 == 0) world() = std::make_unique<World>(runs);
  Context& cx = world()->cx;
  cx.heap.set_stress(size < 200 && size % 4 == 0);
  const std::string text(reinterpret_cast<const char*>(data), size);
  check(cx, text, true);
  check(cx, text, false);
  const auto defined = wire_define(cx, text);
  if (defined.ok()) require(wire_define(cx, wire_definition(**defined)).ok(), "a definition", text);
  return 0;
}

// Mutations start from a text that reads: nothing gets past the hashes by chance. Some inputs get
// the right hashes back at their places.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  const std::string& sample = world()->sample;
  if ((size < 100 || seed % 16 == 0) && sample.size() <= max_size)
    size = sample.copy(reinterpret_cast<char*>(data), sample.size());
  size = LLVMFuzzerMutate(data, size, max_size);
  const std::size_t head = sample.find("] ");
  if (seed % 2 == 0 && size > head) std::memcpy(data, sample.data(), head);
  return size;
}
