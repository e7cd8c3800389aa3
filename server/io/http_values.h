// HTTP fields and bodies as SX values: the same for the requests that handlers get and for the
// answers that the HTTP client gives them.
#pragma once

#include <string_view>

#include "engine/value/collections.h"
#include "server/http/http.h"

namespace sx {

// A string, or bytes when it is not UTF-8.
Value text_or_bytes(Context& cx, std::string_view data);

// A dict from name to text. Repeated fields are one list by RFC 9110 §5.3; Cookie is the one joined
// by "; ". Where `set_cookies` is given, Set-Cookie, which cannot be joined, is pushed to it.
Value header_dict(Context& cx, const HttpHeaders& headers, Root* set_cookies = nullptr);

}  // namespace sx
