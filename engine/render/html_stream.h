// A page in pieces: HTML is written as it is asked for, so that a response can begin before all of
// it exists and needs a buffer of one piece only. Long strings are cut too; what stays whole is a
// static part of a template and an attribute's value.
#pragma once

#include <string_view>

#include "engine/base/result.h"
#include "engine/gc/context.h"
#include "engine/render/html_writer.h"

namespace sx {

inline constexpr std::size_t kStreamPiece = 16 * 1024;

// (html/stream markup): an object whose pieces together are the text of render-page.
Value make_html_stream(Context& cx, Value markup);
bool is_html_stream(Value v);
// The next piece, of about `bytes` bytes (at least that many but for the last, cut between
// characters), or an empty one at the end and after an error. Valid until the next call. Charges
// fuel; never allocates on the SX heap.
Result<std::string_view> html_stream_next(Context& cx, Value stream,
                                          std::size_t bytes = kStreamPiece);

}  // namespace sx
