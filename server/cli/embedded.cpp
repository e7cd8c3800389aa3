// The files linked into this binary.
#include "server/cli/pack.h"

extern "C" const std::uint8_t sx_pack_begin[];
extern "C" const std::uint8_t sx_pack_end[];

namespace sx::cli {

std::span<const EmbeddedFile> embedded_files() {
  static const std::vector<EmbeddedFile> files =
      read_pack({sx_pack_begin, static_cast<std::size_t>(sx_pack_end - sx_pack_begin)});
  return files;
}

}  // namespace sx::cli
