// The fingerprint of the tables.
#include "engine/bytecode/tables.h"

#include "engine/base/str.h"

namespace sx {
namespace {

// Raise when the meaning of bytes changes though no table does: constant encoding, call windows,
// numeric rules, template escaping.
constexpr std::string_view kValueRules = "values 1";

struct OpRow {
  int code;
  const char* rest;
};
constexpr OpRow kOps[] = {
#define SX_OP(code, name, format, meaning) {code, " " #name " " #format "\n"},
#include "engine/bytecode/opcodes.def"
#undef SX_OP
};
struct KindRow {
  int code;
  const char* names;
  int prefix;
  const char* layout;
};
constexpr KindRow kKinds[] = {
#define SX_KIND(code, name, type_name, prefix, layout) \
  {code, " " #name " " type_name " ", prefix, " " #layout "\n"},
#include "engine/value/object_kinds.def"
#undef SX_KIND
};

}  // namespace

Tables::Tables(std::vector<PrimitiveArity> primitives, const std::vector<std::string_view>& io_ops)
    : primitives_(std::move(primitives)) {
  std::string text = str(kValueRules, "\n");
  for (const OpRow& row : kOps) text += str("op ", row.code, row.rest);
  for (const KindRow& row : kKinds)
    text += str("kind ", row.code, row.names, row.prefix, row.layout);
  for (const PrimitiveArity& p : primitives_)
    text += str("primitive ", p.name, " ", int{p.min_args}, " ", int{p.max_args}, "\n");
  for (const std::string_view op : io_ops) text += str("io ", op, "\n");
  fingerprint_ = content_sha256(text);
}

}  // namespace sx
