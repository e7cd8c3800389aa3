// Freezing as programs see it.
#include "engine/base/sha256.h"
#include "engine/base/str.h"
#include "engine/prim/declare.h"
#include "engine/value/collections.h"
#include "engine/vm/freeze.h"

namespace sx {

SX_PRIMITIVE(prim_freeze) {
  std::string bytes;
  if (!freeze(*cx.vm, args[0], bytes)) return Value::unset();
  return make_bytes(cx, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

SX_PRIMITIVE(prim_thaw) {
  if (!is_bytes(args[0])) return cx.fail_type("thaw", "bytes", args[0]);
  // A copy: the collector moves the original while the fiber is made.
  const std::string bytes(reinterpret_cast<const char*>(as_bytes(args[0])->data()),
                          as_bytes(args[0])->byte_len);
  return thaw(*cx.vm, bytes);
}

SX_PRIMITIVE(prim_frozen_info) {
  if (!is_bytes(args[0])) return cx.fail_type("frozen/info", "bytes", args[0]);
  const std::string bytes(reinterpret_cast<const char*>(as_bytes(args[0])->data()),
                          as_bytes(args[0])->byte_len);
  const Result<FrozenInfo> info = frozen_info(*cx.vm, bytes);
  if (!info.ok()) return cx.fail("thaw-error", str("frozen/info: ", info.error().message));
  Root modules(cx.heap, empty_vector(cx));
  for (const FrozenUnit& unit : info->units) {
    Sha256Digest digest{};
    for (std::size_t i = 0; i < digest.size(); ++i)
      digest[i] = static_cast<std::uint8_t>(unit.hash[i]);
    Root module(cx.heap, make_string(cx, unit.module));
    Root file(cx.heap, make_string(cx, unit.file));
    const Value hash = make_string(cx, hex(digest));
    const Field fields[] = {{"module", module}, {"file", file}, {"hash", hash}};
    const Value row = make_dict(cx, fields);
    modules = vector_push(cx, modules, row);
  }
  const Field fields[] = {{"portable", Value::boolean(info->portable)}, {"modules", modules}};
  return make_dict(cx, fields);
}

}  // namespace sx
