#include "engine/value/builder.h"

#include "engine/base/str.h"
#include "engine/value/collections.h"

namespace sx {
namespace {

BuilderState* state_of(Value builder) {
  return static_cast<StringBuilder*>(builder.as_object())->state();
}

void account(BuilderState* state) {
  const std::size_t now = state->text.capacity();
  if (now > state->accounted) state->heap->external_grew(now - state->accounted);
  if (now < state->accounted) state->heap->external_shrank(state->accounted - now);
  state->accounted = now;
}

// Called by the collector when the builder is unreachable.
void release(Object* object) {
  BuilderState* state = static_cast<StringBuilder*>(object)->state();
  state->heap->external_shrank(state->accounted);
  delete state;
}

}  // namespace

Value make_builder(Context& cx) {
  Heap::SpecialHooks hooks;
  hooks.release = release;
  cx.heap.set_special(Kind::StringBuilder, hooks);
  auto* state = new BuilderState{&cx.heap, {}};
  auto* builder = static_cast<StringBuilder*>(cx.heap.alloc(Kind::StringBuilder, 2));
  builder->state_bits = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(state));
  cx.heap.register_special(builder);
  return Value::object(builder);
}

bool builder_add(Context& cx, Value builder, const char* text, std::size_t added) {
  BuilderState* state = state_of(builder);
  const std::size_t size = state->text.size() + added;
  if (size > state->text.capacity() && !cx.heap.can_allocate(size)) {
    const Field which[] = {{"limit", cx.keyword("heap")}};
    cx.fail("limit", str("builder/add!: ", size, " bytes of text do not fit in the heap limit"),
            make_dict(cx, which));
    return false;
  }
  cx.charge(added);
  state->text.append(text, added);
  account(state);
  return true;
}

std::string_view builder_text(Value builder) { return state_of(builder)->text; }

void builder_clear(Value builder) {
  BuilderState* state = state_of(builder);
  std::string().swap(state->text);
  account(state);
}

}  // namespace sx
