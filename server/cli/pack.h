// A pack: many files as one block of bytes, linked into the binary and used in place.
//
//   "SXPACK01", u32 count, then per file: u32 name length, u32 data offset, u32 data length, name;
//   data follows, each file at a multiple of 8 from the start. Little-endian.
#pragma once

#include <string>
#include <vector>

#include "server/cli/cli.h"

namespace sx::cli {

// SOURCE… are NAME=PATH: a file, or a folder whose files get NAME/ before theirs.
int cmd_pack(const std::vector<std::string>& sources, const std::string& out);

// The files of a pack; empty when the bytes are not one.
std::vector<EmbeddedFile> read_pack(std::span<const std::uint8_t> bytes);

}  // namespace sx::cli
