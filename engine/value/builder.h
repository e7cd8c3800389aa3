// String builders: text that grows outside the heap until it is asked for.
#pragma once

#include <string>
#include <string_view>

#include "engine/gc/context.h"

namespace sx {

struct BuilderState {
  Heap* heap;
  std::string text;
  std::size_t accounted = 0;  // what the heap was told
};

Value make_builder(Context& cx);
// False, and an error in cx, when the text would exceed the heap limit. text: valid UTF-8.
bool builder_add(Context& cx, Value builder, const char* text, std::size_t size);
inline bool builder_add(Context& cx, Value builder, std::string_view text) {
  return builder_add(cx, builder, text.data(), text.size());
}
// The text so far. Valid until the next builder_add.
std::string_view builder_text(Value builder);
void builder_clear(Value builder);

}  // namespace sx
