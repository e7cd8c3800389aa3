// The fingerprint of the tables, also as a constant: then none of their names is in the program for
// its sake.
#pragma once

#include <span>
#include <string_view>

#include "engine/base/sha256.h"
#include "engine/bytecode/tables.h"

namespace sx {
namespace fingerprint {

// Raise when the meaning of bytes changes though no table does: constant encoding, call windows,
// numeric rules, template escaping.
inline constexpr std::string_view kValueRules = "values 1\n";

struct OpRow {
  int code;
  std::string_view rest;
};
inline constexpr OpRow kOps[] = {
#define SX_OP(code, name, format, meaning) {code, " " #name " " #format "\n"},
#include "engine/bytecode/opcodes.def"
#undef SX_OP
};
struct KindRow {
  int code;
  std::string_view names;
  int prefix;
  std::string_view layout;
};
inline constexpr KindRow kKinds[] = {
#define SX_KIND(code, name, type_name, prefix, layout) \
  {code, " " #name " " type_name " ", prefix, " " #layout "\n"},
#include "engine/value/object_kinds.def"
#undef SX_KIND
};

constexpr void add_number(ContentHash& hash, int n) {
  char digits[12] = {};
  std::size_t at = sizeof digits;
  const bool negative = n < 0;
  for (n = negative ? -n : n; at == sizeof digits || n > 0; n /= 10)
    digits[--at] = static_cast<char>('0' + n % 10);
  if (negative) digits[--at] = '-';
  hash.update(std::string_view(digits + at, sizeof digits - at));
}

}  // namespace fingerprint

// SHA-256 over instructions, object kinds, primitives with their arity, IO operations, and the
// version of the value rules.
constexpr Sha256Digest fingerprint_of(std::span<const PrimitiveArity> primitives,
                                      std::span<const std::string_view> io_ops) {
  using fingerprint::add_number;
  ContentHash hash;
  hash.update(fingerprint::kValueRules);
  for (const fingerprint::OpRow& row : fingerprint::kOps) {
    hash.update("op ");
    add_number(hash, row.code);
    hash.update(row.rest);
  }
  for (const fingerprint::KindRow& row : fingerprint::kKinds) {
    hash.update("kind ");
    add_number(hash, row.code);
    hash.update(row.names);
    add_number(hash, row.prefix);
    hash.update(row.layout);
  }
  for (const PrimitiveArity& p : primitives) {
    hash.update("primitive ");
    hash.update(p.name);
    hash.update(" ");
    add_number(hash, p.min_args);
    hash.update(" ");
    add_number(hash, p.max_args);
    hash.update("\n");
  }
  for (const std::string_view op : io_ops) {
    hash.update("io ");
    hash.update(op);
    hash.update("\n");
  }
  return hash.finish();
}

}  // namespace sx
