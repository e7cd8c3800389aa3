#include "server/store/blobs.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "server/store/test_support.h"

using namespace sx;
using namespace sx::store;
using namespace std::string_view_literals;

namespace {

BlobStore must_open_blobs(const std::string& folder) {
  auto blobs = BlobStore::open(folder);
  REQUIRE_MESSAGE(blobs.ok(), blobs.error().message);
  return blobs.take();
}
BlobRef must_put(const BlobStore& blobs, std::string_view bytes) {
  auto ref = blobs.put(bytes);
  REQUIRE_MESSAGE(ref.ok(), ref.error().message);
  return ref.take();
}
std::string noise(std::size_t size, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}
std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(entry.path().string());
  return files;
}

}  // namespace

TEST_CASE("a blob is named by the SHA-256 of its content and comes back unchanged") {
  TempDir dir;
  const BlobStore blobs = must_open_blobs(dir / "blobs");
  const BlobRef ref = must_put(blobs, "abc");
  CHECK(ref.cid == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(ref.size == 3);
  CHECK(ref.mime == "text/plain; charset=utf-8");
  CHECK(blobs.get(ref.cid).value() == "abc");
  for (std::size_t size : {0, 1, 511, 512, 4096, 128 << 10, (128 << 10) + 1, 3 << 20})
    for (const std::string& bytes : {std::string(size, 'x'), noise(size)}) {
      CAPTURE(size);
      const BlobRef any = must_put(blobs, bytes);
      CHECK(any.size == size);
      const bool same = blobs.get(any.cid).value() == bytes;
      CHECK(same);
      CHECK(blobs.size(any.cid).value() == size);
      CHECK(blobs.has(any.cid));
    }
  struct stat info;
  REQUIRE(stat((dir / "blobs").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0700);
}

TEST_CASE("content that compresses is kept compressed, content that does not is kept as it is") {
  TempDir dir;
  const BlobStore blobs = must_open_blobs(dir / "blobs");
  const BlobRef text = must_put(blobs, std::string(1 << 20, 'x'));
  const BlobRef image = must_put(blobs, noise(1 << 20));
  const std::string base = dir / "blobs/";
  CHECK(std::filesystem::file_size(base + text.cid.substr(0, 2) + "/" + text.cid + ".zst") < 2000);
  CHECK(std::filesystem::file_size(base + image.cid.substr(0, 2) + "/" + image.cid) == 1 << 20);
}

TEST_CASE("equal content is kept once, also when it comes in other pieces or from many threads") {
  TempDir dir;
  const BlobStore blobs = must_open_blobs(dir / "blobs");
  const std::string bytes = std::string(200'000, 'a') + noise(200'000);
  const BlobRef whole = must_put(blobs, bytes);
  std::mt19937 random(7);
  for (int round = 0; round < 5; ++round) {
    auto writer = blobs.writer();
    REQUIRE(writer.ok());
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t n = std::min<std::size_t>(1 + random() % 50'000, bytes.size() - at);
      REQUIRE(writer->write(std::string_view(bytes).substr(at, n)).ok());
      at += n;
    }
    CHECK(writer->finish().value() == whole);
  }
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) threads.emplace_back([&] { (void)blobs.put(bytes); });
  for (auto& thread : threads) thread.join();
  CHECK(files_in(dir / "blobs").size() == 1);
  CHECK(blobs.list().value() == std::vector<std::string>{whole.cid});
  const bool same = blobs.get(whole.cid).value() == bytes;
  CHECK(same);
}

TEST_CASE("a blob that is never finished, or grows too large, leaves nothing behind") {
  TempDir dir;
  const BlobStore blobs = must_open_blobs(dir / "blobs");
  {
    auto writer = blobs.writer();
    REQUIRE(writer->write("half").ok());
  }
  {
    auto writer = blobs.writer(1000);
    REQUIRE(writer->write(std::string(1000, 'x')).ok());
    const auto refused = writer->write("y");
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find("larger than 1000 bytes") != std::string::npos);
    CHECK_FALSE(writer->finish().ok());
  }
  {
    auto writer = blobs.writer();
    REQUIRE(writer->finish().ok());
    CHECK_FALSE(writer->finish().ok());
    CHECK_FALSE(writer->write("more").ok());
  }
  CHECK(blobs.list()->size() == 1);  // the empty one
  CHECK(files_in(dir / "blobs").size() == 1);
}

TEST_CASE("an id that is not 64 lower-case hex digits never becomes a path") {
  TempDir dir;
  std::ofstream(dir / "secret") << "secret";
  const BlobStore blobs = must_open_blobs(dir / "blobs");
  const std::string good = must_put(blobs, "abc").cid;
  std::string upper = good;
  for (char& c : upper) c = static_cast<char>(toupper(c));
  std::vector<std::string> hostile = {"",
                                      ".",
                                      "..",
                                      "../secret",
                                      "../../etc/passwd",
                                      "/etc/passwd",
                                      upper,
                                      good + "0",
                                      good.substr(1),
                                      good + ".zst",
                                      good.substr(0, 63) + "/",
                                      "..%2fsecret",
                                      std::string(62, '.') + "/.",
                                      std::string(64, '.'),
                                      std::string(64, '/'),
                                      std::string(64, 'g'),
                                      std::string(64, '\0'),
                                      "../" + good.substr(3),
                                      good.substr(0, 62) + "\xc3\xa9",
                                      std::string(1 << 20, 'a')};
  for (const std::string& cid : hostile) {
    CAPTURE(cid.substr(0, 80));
    CHECK_FALSE(is_cid(cid));
    CHECK_FALSE(blobs.has(cid));
    const auto bytes = blobs.get(cid);
    REQUIRE_FALSE(bytes.ok());
    CHECK(bytes.error().message.find("is not a blob id") != std::string::npos);
    CHECK(bytes.error().message.size() < 200);
    CHECK_FALSE(blobs.size(cid).ok());
    CHECK_FALSE(blobs.remove(cid).ok());
  }
  CHECK(std::filesystem::exists(dir / "secret"));
  const std::string unknown(64, '0');
  CHECK(blobs.get(unknown).error().message == "there is no blob " + unknown);
  CHECK_FALSE(blobs.has(unknown));
  CHECK_FALSE(blobs.remove(unknown).value());
}

TEST_CASE("damaged content is an error when read, and putting it again heals it") {
  TempDir dir;
  const BlobStore blobs = must_open_blobs(dir / "blobs");
  for (const std::string& bytes : {noise(5000, 3), std::string(5000, 'z')}) {
    const BlobRef ref = must_put(blobs, bytes);
    const std::string path = files_in(dir / "blobs").at(0);
    const auto size = std::filesystem::file_size(path);
    for (int damage = 0; damage < 4; ++damage) {
      CAPTURE(damage);
      if (damage == 0) {
        std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(size / 2)
            << "\x01!";
      } else if (damage == 1) {
        std::filesystem::resize_file(path, size - 1);
      } else if (damage == 2) {
        std::filesystem::resize_file(path, 0);
      } else {
        std::ofstream(path, std::ios::binary | std::ios::app) << "tail";
      }
      const auto read = blobs.get(ref.cid);
      REQUIRE_FALSE(read.ok());
      CHECK(read.error().message.find("is damaged on disk") != std::string::npos);
      CHECK(must_put(blobs, bytes) == ref);
      const bool same = blobs.get(ref.cid).value() == bytes;
      CHECK(same);
    }
    CHECK(blobs.remove(ref.cid).value());
    CHECK_FALSE(blobs.has(ref.cid));
  }
}

TEST_CASE("a compressed file that claims to be huge is refused without unpacking it") {
  TempDir dir;
  const BlobStore blobs = must_open_blobs(dir / "blobs");
  const BlobRef ref = must_put(blobs, std::string(5000, 'z'));
  std::fstream(files_in(dir / "blobs").at(0), std::ios::in | std::ios::out | std::ios::binary)
      .seekp(8)
      .write("\xff\xff\xff\xff\xff\xff\xff\x7f", 8);
  CHECK_FALSE(blobs.get(ref.cid).ok());
}

TEST_CASE("the type is decided from the content") {
  const auto avif =
      "\0\0\0\x1c"
      "ftypavif\0\0\0\0avifmif1miaf"sv;
  const auto avif_late =
      "\0\0\0\x1c"
      "ftypmif1\0\0\0\0miafavif...."sv;
  const auto mp4 =
      "\0\0\0\x18"
      "ftypisom\0\0\2\0isommp42"sv;
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"\x89PNG\r\n\x1a\n...."sv, "image/png"},
      {"\xff\xd8\xff\xe0\0\x10JFIF"sv, "image/jpeg"},
      {"GIF89a...."sv, "image/gif"},
      {"RIFF\x10\0\0\0WEBPVP8 "sv, "image/webp"},
      {"RIFF\x10\0\0\0WAVEfmt "sv, "audio/wav"},
      {avif, "image/avif"},
      {avif_late, "image/avif"},
      {mp4, "video/mp4"},
      {"%PDF-1.7\n"sv, "application/pdf"},
      {"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"sv, "image/svg+xml"},
      {"\xef\xbb\xbf<?xml version=\"1.0\"?>\n<!-- a > b -->\n<!DOCTYPE svg PUBLIC \"x\">\n<SVG>"sv,
       "image/svg+xml"},
      {"<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY a \"b>\">]><svg>"sv, "image/svg+xml"},
      {"<?xml version='1.0'?><s:svg xmlns:s='http://www.w3.org/2000/svg'/>"sv, "image/svg+xml"},
      {"<?xml version='1.0'?><rss>"sv, "application/xml"},
      {"  <!doctype HTML><p>"sv, "text/html"},
      {"<ScRiPt>alert(1)</script>"sv, "text/html"},
      {"plain text, ä\n"sv, "text/plain; charset=utf-8"},
      {"BM is how this text starts"sv, "text/plain; charset=utf-8"},
      {"a <svg> later is text"sv, "text/plain; charset=utf-8"},
      {"PK\3\4..."sv, "application/zip"},
      {"\x28\xb5\x2f\xfd..."sv, "application/zstd"},
      {"\0asm\1\0\0\0"sv, "application/wasm"},
      {"wOF2...."sv, "font/woff2"},
      {"\x1a\x45\xdf\xa3..."sv, "video/webm"},
      {"ID3\3"sv, "audio/mpeg"},
      {""sv, "application/octet-stream"},
      {"\x01\x02\x03"sv, "application/octet-stream"},
      {"text \xff\xfe"sv, "application/octet-stream"},
      {"\x89PN"sv, "application/octet-stream"},
      {"<!-- never closed"sv, "text/plain; charset=utf-8"},
  };
  for (const auto& [bytes, mime] : cases) {
    CAPTURE(bytes);
    CHECK(sniff_mime(bytes) == mime);
  }
  std::string long_text(4095, 'a');
  long_text += "ä and more";  // a character across the end of what is looked at
  CHECK(sniff_mime(long_text) == "text/plain; charset=utf-8");
  CHECK(is_raster_image("image/png"));
  CHECK_FALSE(is_raster_image("image/svg+xml"));
  CHECK_FALSE(is_raster_image("application/pdf"));
}

TEST_CASE("a blob keeps the type of its first bytes however it is kept") {
  TempDir dir;
  const BlobStore blobs = must_open_blobs(dir / "blobs");
  CHECK(must_put(blobs, "\x89PNG\r\n\x1a\n" + noise(300'000)).mime == "image/png");
  CHECK(must_put(blobs, "<svg>" + std::string(300'000, ' ')).mime == "image/svg+xml");
}
