// What the primitives on arrays of both kinds share (prim_array.cpp).
#pragma once

#include "engine/prim/support.h"

namespace sx {

inline constexpr const char* kElementNames[] = {"u8", "i32", "i64", "f64"};

inline bool is_typed(Value v) { return is_kind(v, Kind::TypedArray); }
inline TypedArray* as_typed(Value v) { return static_cast<TypedArray*>(v.as_object()); }
std::uint32_t any_array_count(Value array);

// An array of either kind; an element type such as :u8; room for so many elements. Otherwise false,
// with the error in cx.error.
bool want_array(Context& cx, const char* who, Value v);
bool want_element(Context& cx, const char* who, Value v, Element& out);
bool want_typed_room(Context& cx, const char* who, Element element, std::int64_t count);

}  // namespace sx
