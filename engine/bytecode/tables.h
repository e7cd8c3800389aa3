// What a bundle was made for: the vocabularies of this engine and their fingerprint. Primitives and
// IO operations lie above this layer, so whoever builds an engine passes them in.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/sha256.h"

namespace sx {

struct PrimitiveArity {
  std::string_view name;
  std::int8_t min_args;
  std::int8_t max_args;  // -1: any number
};

class Tables {
 public:
  // Both in the order of their .def file. The names are borrowed.
  Tables(std::vector<PrimitiveArity> primitives, const std::vector<std::string_view>& io_ops);
  // fingerprint: fingerprint_of() the same (fingerprint.h).
  Tables(const Sha256Digest& fingerprint, std::vector<PrimitiveArity> primitives)
      : primitives_(std::move(primitives)), fingerprint_(fingerprint) {}

  const std::vector<PrimitiveArity>& primitives() const { return primitives_; }
  const Sha256Digest& fingerprint() const { return fingerprint_; }

 private:
  std::vector<PrimitiveArity> primitives_;
  Sha256Digest fingerprint_;
};

}  // namespace sx
