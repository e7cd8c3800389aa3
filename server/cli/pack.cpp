#include "server/cli/pack.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "engine/base/str.h"

namespace sx::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kMagic = "SXPACK01";

void put_u32(std::string& out, std::uint32_t n) {
  for (int i = 0; i < 4; ++i) out.push_back(static_cast<char>(n >> (8 * i)));
}

std::uint32_t get_u32(const std::uint8_t* p) {
  return static_cast<std::uint32_t>(p[0]) | static_cast<std::uint32_t>(p[1]) << 8 |
         static_cast<std::uint32_t>(p[2]) << 16 | static_cast<std::uint32_t>(p[3]) << 24;
}

}  // namespace

int cmd_pack(const std::vector<std::string>& sources, const std::string& out) {
  std::vector<std::pair<std::string, std::string>> files;  // name, path
  std::error_code ec;
  for (const std::string& source : sources) {
    const auto equals = source.find('=');
    if (equals == std::string::npos) {
      report_error(str(source, ": expected NAME=PATH"));
      return 2;
    }
    const std::string name = source.substr(0, equals), path = source.substr(equals + 1);
    if (fs::is_directory(path, ec)) {
      for (const auto& entry : fs::recursive_directory_iterator(path, ec))
        if (entry.is_regular_file())
          files.emplace_back(str(name, "/", fs::relative(entry.path(), path).generic_string()),
                             entry.path().string());
    } else if (fs::is_regular_file(path, ec)) {
      files.emplace_back(name, path);
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> contents;
  std::size_t head = kMagic.size() + 4;
  for (const auto& [name, path] : files) {
    auto bytes = read_file(path);
    if (!bytes.ok()) {
      report_error(bytes.error().message);
      return 1;
    }
    contents.push_back(bytes.take());
    head += 12 + name.size();
  }
  std::string pack(kMagic);
  put_u32(pack, static_cast<std::uint32_t>(files.size()));
  std::size_t at = (head + 7) / 8 * 8;
  for (std::size_t i = 0; i < files.size(); ++i) {
    put_u32(pack, static_cast<std::uint32_t>(files[i].first.size()));
    put_u32(pack, static_cast<std::uint32_t>(at));
    put_u32(pack, static_cast<std::uint32_t>(contents[i].size()));
    pack += files[i].first;
    at = (at + contents[i].size() + 7) / 8 * 8;
  }
  for (const std::string& content : contents) {
    pack.resize((pack.size() + 7) / 8 * 8);
    pack += content;
  }
  const auto written = write_file(out, pack);
  if (!written.ok()) {
    report_error(written.error().message);
    return 1;
  }
  return 0;
}

std::vector<EmbeddedFile> read_pack(std::span<const std::uint8_t> bytes) {
  std::vector<EmbeddedFile> files;
  if (bytes.size() < kMagic.size() + 4 ||
      std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0)
    return files;
  const std::uint32_t count = get_u32(bytes.data() + kMagic.size());
  std::size_t at = kMagic.size() + 4;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (at + 12 > bytes.size()) return {};
    const std::size_t name = get_u32(&bytes[at]), offset = get_u32(&bytes[at + 4]),
                      length = get_u32(&bytes[at + 8]);
    at += 12;
    if (at + name > bytes.size() || offset + length > bytes.size()) return {};
    files.push_back(
        {{reinterpret_cast<const char*>(&bytes[at]), name}, bytes.subspan(offset, length)});
    at += name;
  }
  return files;
}

}  // namespace sx::cli
