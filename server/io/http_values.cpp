#include "server/io/http_values.h"

#include "engine/base/str.h"
#include "engine/base/utf8.h"

namespace sx {

Value text_or_bytes(Context& cx, std::string_view data) {
  if (utf8_valid(data)) return make_string(cx, data);
  return make_bytes(cx, {reinterpret_cast<const std::uint8_t*>(data.data()), data.size()});
}

Value header_dict(Context& cx, const HttpHeaders& headers, Root* set_cookies) {
  Root dict(cx.heap, empty_dict(cx));
  for (const auto& [name, value] : headers) {
    Root text(cx.heap, text_or_bytes(cx, value));
    if (set_cookies && name == "set-cookie") {
      *set_cookies = vector_push(cx, *set_cookies, text);
      continue;
    }
    Root key(cx.heap, text_or_bytes(cx, name));
    const Value before = dict_get(cx, dict, key);
    if (!before.is_unset() && is_string(before) && is_string(text))
      text = make_string(cx, str(as_string(before)->view(), name == "cookie" ? "; " : ", ", value));
    dict = dict_put(cx, dict, key, text);
  }
  return dict;
}

}  // namespace sx
