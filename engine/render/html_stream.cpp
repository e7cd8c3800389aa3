// Pages in pieces (html_stream.h).
#include "engine/render/html_stream.h"

#include "engine/render/html_page.h"
#include "engine/value/object.h"

namespace sx {
namespace {

struct HtmlStreamState {
  explicit HtmlStreamState(Context& cx) : heap(&cx.heap), writer(cx, buffer, {SIZE_MAX / 2}) {}
  Heap* heap;
  HtmlBuffer buffer;
  HtmlWriter writer;
  bool begun = false;
  bool ended = false;
};

HtmlStreamState* state_of(Value stream) {
  return reinterpret_cast<HtmlStreamState*>(
      static_cast<std::uintptr_t>(stream.as_object()->raw()[0]));
}

void release(Object* object) { delete state_of(Value::object(object)); }

// What is still to be written belongs to the markup in the object's slot, which keeps it alive;
// here the walk only learns where it has moved.
void trace(Object* object, Visitor& visitor) {
  state_of(Value::object(object))->writer.visit(visitor);
}

}  // namespace

Value make_html_stream(Context& cx, Value markup) {
  Root held(cx.heap, markup);
  cx.heap.set_special(Kind::HtmlStream, {trace, release});
  auto* state = new HtmlStreamState(cx);
  Object* object = cx.heap.alloc(Kind::HtmlStream, 3);
  object->raw()[0] = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(state));
  object->slots(1)[0] = held;
  cx.heap.write_barrier(object, held);
  cx.heap.register_special(object);
  return Value::object(object);
}

bool is_html_stream(Value v) { return is_kind(v, Kind::HtmlStream); }

Result<std::string_view> html_stream_next(Context& cx, Value stream, std::size_t bytes) {
  HtmlStreamState& state = *state_of(stream);
  if (state.ended) return std::string_view();
  HtmlWriter& writer = state.writer;
  state.buffer.clear(bytes * 4 + kStreamPiece * 4);
  const std::uint64_t steps = writer.steps();
  const bool first = !state.begun;
  state.begun = true;
  if (first) state.buffer.put(kDoctype);
  // Until this piece is there in whole, the stream counts as ended: an error ends it for good.
  state.ended = true;
  if (first) SX_CHECK(writer.start(stream.as_object()->slots(1)[0]));
  SX_CHECK(writer.run(bytes + (first ? kDoctype.size() : 0)));
  state.ended = writer.done();
  cx.heap.fiber_touched(stream.as_object());  // it may refer to young values now
  cx.charge(state.buffer.size() + (writer.steps() - steps) * 8);
  const std::string_view text = state.buffer.view();
  return first ? without_doctype_unless_page(text, true) : text;
}

}  // namespace sx
