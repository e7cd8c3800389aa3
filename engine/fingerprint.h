// What the bundles of this engine are made for.
#pragma once

#include "engine/base/sha256.h"

namespace sx {

const Sha256Digest& engine_fingerprint();

}  // namespace sx
