// The core library from its sources, for tests and benchmarks of servicers: they run without the
// bundles of a build. SX_SOURCE_DIR is the root of the project.
#pragma once

#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>

#include "engine/sx.h"

namespace sx {

// For Engine::find_source.
inline std::optional<SourceFile> core_source(std::string_view module) {
  if (module != "core") return std::nullopt;
  std::ifstream in(SX_SOURCE_DIR "/lib/core/core.sx");
  std::ostringstream text;
  text << in.rdbuf();
  return SourceFile{text.str(), "lib/core/core.sx"};
}

}  // namespace sx
