#include "server/store/blobs.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>

#include "engine/base/str.h"
#include "server/store/chain.h"
#include "server/store/durable_file.h"

namespace sx::store {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSample = 128 << 10;  // decides whether compressing pays
constexpr int kLevel = 6;
constexpr std::uint32_t kSkippableMagic = 0x184D2A50;  // zstd readers skip such a frame
constexpr std::size_t kHeaderBytes = 16;               // magic, 8, size of the content

void put_le(std::string& out, std::uint64_t n, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(n >> (8 * i)));
}
std::uint64_t get_le(std::string_view in, int bytes) {
  std::uint64_t n = 0;
  for (int i = 0; i < bytes; ++i) n |= std::uint64_t{static_cast<unsigned char>(in[i])} << (8 * i);
  return n;
}
std::string header(std::uint64_t size) {
  std::string out;
  put_le(out, kSkippableMagic, 4);
  put_le(out, 8, 4);
  put_le(out, size, 8);
  return out;
}
bool read_header(std::string_view file, std::uint64_t& size) {
  if (file.size() < kHeaderBytes || get_le(file, 4) != kSkippableMagic) return false;
  size = get_le(file.substr(8), 8);
  return get_le(file.substr(4), 4) == 8;
}

Error not_a_cid(std::string_view text) {
  return Error{str("'", text.substr(0, 80), "' is not a blob id: expected 64 hex digits")};
}

std::string raw_path(const std::string& folder, std::string_view cid) {
  return str(folder, "/", cid.substr(0, 2), "/", cid);
}

Result<std::string> read_file(const std::string& path, std::size_t bytes_max,
                              std::uint64_t from = 0) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return file_error("read", path, errno);
  struct Closer {
    int fd;
    ~Closer() { close(fd); }
  } closer{fd};
  struct stat info;
  if (fstat(fd, &info) != 0) return file_error("read", path, errno);
  const auto file_bytes = static_cast<std::uint64_t>(info.st_size);
  std::string bytes(std::min<std::uint64_t>(file_bytes - std::min(from, file_bytes), bytes_max),
                    '\0');
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t n =
        pread(fd, bytes.data() + at, bytes.size() - at, static_cast<off_t>(from + at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return file_error("read", path, errno);
    if (n == 0) bytes.resize(at);
    at += static_cast<std::size_t>(n);
  }
  return bytes;
}

// nullopt-like: false for bytes that are not such a file. The stated size bounds what is unpacked.
bool unpack(std::string_view file, std::string& out) {
  std::uint64_t size = 0;
  if (!read_header(file, size) || size > BlobStore::kBytesMax) return false;
  file.remove_prefix(kHeaderBytes);
  out.resize(size);
  const std::size_t got = ZSTD_decompress(out.data(), out.size(), file.data(), file.size());
  return !ZSTD_isError(got) && got == size;
}

// A part of a packed blob: unpacked piece by piece up to its end, whatever lies before it is
// dropped, so the memory needed does not grow with the blob.
Result<std::string> unpack_range(const std::string& path, std::string_view cid, std::uint64_t from,
                                 std::uint64_t length) {
  const auto damaged = [&] { return Error{str("the blob ", cid, " is damaged on disk")}; };
  SX_TRY(const std::string head, read_file(path, kHeaderBytes));
  std::uint64_t size = 0;
  if (!read_header(head, size)) return damaged();
  from = std::min(from, size);
  const std::uint64_t end = from + std::min(length, size - from);
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  const std::unique_ptr<ZSTD_DCtx, Free> zstd(ZSTD_createDCtx());
  if (!zstd) return Error{"no memory to unpack a blob"};
  std::string out, piece(ZSTD_DStreamOutSize(), '\0');
  std::uint64_t file_at = kHeaderBytes, at = 0;
  while (at < end) {
    SX_TRY(const std::string packed, read_file(path, ZSTD_DStreamInSize(), file_at));
    if (packed.empty()) return damaged();
    file_at += packed.size();
    ZSTD_inBuffer in{packed.data(), packed.size(), 0};
    while (in.pos < in.size && at < end) {
      ZSTD_outBuffer got{piece.data(), piece.size(), 0};
      if (ZSTD_isError(ZSTD_decompressStream(zstd.get(), &got, &in))) return damaged();
      const std::uint64_t next = at + got.pos;
      const std::uint64_t begin = std::max(at, from), stop = std::min(next, end);
      if (begin < stop) out.append(piece, begin - at, stop - begin);
      at = next;
    }
  }
  return out;
}

}  // namespace

bool is_cid(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// Hashes what comes, keeps the first pieces to judge them, then writes on as it is or compressed.
struct BlobWriter::Sink {
  std::string folder;
  std::uint64_t bytes_max = 0;
  std::string temporary;
  int fd = -1;
  std::uint64_t size = 0;
  std::string head;  // until the way is chosen; afterwards its first bytes for the type
  bool chosen = false;
  ZSTD_CCtx* zstd = nullptr;  // when compressing
  EVP_MD_CTX* hash = nullptr;
  std::string failure;

  ~Sink() {
    if (fd >= 0) {
      close(fd);
      unlink(temporary.c_str());
    }
    ZSTD_freeCCtx(zstd);
    EVP_MD_CTX_free(hash);
  }

  Result<void> fail(Error error) {
    failure = error.message;
    return error;
  }

  Result<void> emit(std::string_view piece, bool last) {
    if (!zstd) {
      if (!write_all(fd, piece)) return fail(file_error("write", temporary, errno));
      return {};
    }
    std::string buffer(ZSTD_CStreamOutSize(), '\0');
    ZSTD_inBuffer in{piece.data(), piece.size(), 0};
    for (;;) {
      ZSTD_outBuffer out{buffer.data(), buffer.size(), 0};
      const std::size_t left =
          ZSTD_compressStream2(zstd, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
      if (ZSTD_isError(left))
        return fail(Error{str("zstd: ", std::string_view(ZSTD_getErrorName(left)))});
      if (!write_all(fd, {buffer.data(), out.pos}))
        return fail(file_error("write", temporary, errno));
      if (last ? left == 0 : in.pos == in.size) return {};
    }
  }

  Result<void> choose(bool last) {
    chosen = true;
    std::string packed(ZSTD_compressBound(head.size()), '\0');
    const std::size_t n = ZSTD_compress(packed.data(), packed.size(), head.data(), head.size(), 1);
    if (head.size() >= 512 && !ZSTD_isError(n) && n < head.size() / 10 * 9) {
      zstd = ZSTD_createCCtx();
      if (!zstd) return fail(Error{"no memory to compress a blob"});
      ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, kLevel);
      if (!write_all(fd, header(0))) return fail(file_error("write", temporary, errno));
    }
    SX_CHECK(emit(head, last));
    head.resize(std::min<std::size_t>(head.size(), 4097));  // one more than sniffing looks at
    return {};
  }
};

BlobWriter::BlobWriter(std::unique_ptr<Sink> sink) : sink_(std::move(sink)) {}
BlobWriter::BlobWriter(BlobWriter&&) noexcept = default;
BlobWriter::~BlobWriter() = default;

Result<void> BlobWriter::write(std::string_view piece) {
  Sink& sink = *sink_;
  if (!sink.failure.empty()) return Error{sink.failure};
  if (piece.empty()) return {};
  sink.size += piece.size();
  if (sink.size > sink.bytes_max)
    return sink.fail(
        Error{str("the blob is larger than ", sink.bytes_max, " bytes, the most that is taken")});
  if (EVP_DigestUpdate(sink.hash, piece.data(), piece.size()) != 1)
    return sink.fail(Error{"could not hash a blob"});
  if (sink.chosen) return sink.emit(piece, false);
  sink.head.append(piece);
  if (sink.head.size() >= kSample) return sink.choose(false);
  return {};
}

Result<BlobRef> BlobWriter::finish() {
  Sink& sink = *sink_;
  if (!sink.failure.empty()) return Error{sink.failure};
  if (sink.chosen) {
    SX_CHECK(sink.emit({}, true));
  } else {
    SX_CHECK(sink.choose(true));
  }
  sink.failure = "the blob is finished: start another one";
  Digest digest;
  if (EVP_DigestFinal_ex(sink.hash, digest.data(), nullptr) != 1)
    return Error{"could not hash a blob"};
  BlobRef ref{to_hex(digest), sink.size, std::string(sniff_mime(sink.head))};
  if (sink.zstd) {
    const std::string head = header(sink.size);
    if (pwrite(sink.fd, head.data(), head.size(), 0) != static_cast<ssize_t>(head.size()))
      return file_error("write", sink.temporary, errno);
  }
  const std::string raw = raw_path(sink.folder, ref.cid);
  SX_CHECK(make_folders(folder_of(raw)));
  const std::string path = raw + (sink.zstd ? ".zst" : "");
  const std::string other = raw + (sink.zstd ? "" : ".zst");
  struct stat info;
  if (::stat(path.c_str(), &info) != 0 && ::stat(other.c_str(), &info) == 0) {
    // Kept in the other form by other settings: fine if it is whole.
    BlobStore store(sink.folder);
    if (store.get(ref.cid).ok()) return ref;
    unlink(other.c_str());
  }
  // Renaming over an equal file costs little and heals a damaged one.
  SX_CHECK(put_in_place(sink.fd, sink.temporary, path));
  close(sink.fd);
  sink.fd = -1;
  return ref;
}

Result<BlobStore> BlobStore::open(const std::string& folder) {
  SX_CHECK(make_folders(folder + "/tmp"));
  // What a crash left unfinished. A day: another process may be filling one right now.
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder + "/tmp", ignored)) {
    struct stat info;
    if (::stat(entry.path().c_str(), &info) == 0 && info.st_mtime + 86'400 < time(nullptr))
      unlink(entry.path().c_str());
  }
  return BlobStore(folder);
}

Result<BlobWriter> BlobStore::writer(std::uint64_t bytes_max) const {
  static std::atomic<unsigned> counter{0};
  auto sink = std::make_unique<BlobWriter::Sink>();
  sink->folder = folder_;
  sink->bytes_max = std::min(bytes_max, kBytesMax);
  sink->temporary = str(folder_, "/tmp/", getpid(), "-", counter++, "-", time(nullptr));
  sink->fd = ::open(sink->temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (sink->fd < 0) return file_error("write", sink->temporary, errno);
  sink->hash = EVP_MD_CTX_new();
  if (!sink->hash || EVP_DigestInit_ex(sink->hash, EVP_sha256(), nullptr) != 1)
    return Error{"could not start hashing a blob"};
  return BlobWriter(std::move(sink));
}

Result<BlobRef> BlobStore::put(std::string_view bytes) const {
  SX_TRY(BlobWriter writer, this->writer());
  SX_CHECK(writer.write(bytes));
  return writer.finish();
}

Result<std::string> BlobStore::get(std::string_view cid) const {
  if (!is_cid(cid)) return not_a_cid(cid);
  const auto damaged = [&] {
    return Error{str("the blob ", cid,
                     " is damaged on disk: its bytes do not have this hash; put the "
                     "content again or restore a backup")};
  };
  const std::string raw = raw_path(folder_, cid);
  std::string bytes;
  struct stat info;
  if (::stat((raw + ".zst").c_str(), &info) == 0) {
    SX_TRY(const std::string file, read_file(raw + ".zst", kBytesMax + (kBytesMax >> 4)));
    if (!unpack(file, bytes)) return damaged();
  } else if (::stat(raw.c_str(), &info) == 0) {
    SX_TRY(bytes, read_file(raw, kBytesMax + 1));
  } else {
    return Error{str("there is no blob ", cid)};
  }
  if (to_hex(sha256({bytes})) != cid) return damaged();
  return bytes;
}

bool BlobStore::has(std::string_view cid) const {
  struct stat info;
  return is_cid(cid) && (::stat(raw_path(folder_, cid).c_str(), &info) == 0 ||
                         ::stat((raw_path(folder_, cid) + ".zst").c_str(), &info) == 0);
}

Result<std::uint64_t> BlobStore::size(std::string_view cid) const {
  if (!is_cid(cid)) return not_a_cid(cid);
  const std::string raw = raw_path(folder_, cid);
  struct stat info;
  if (::stat(raw.c_str(), &info) == 0) return static_cast<std::uint64_t>(info.st_size);
  if (::stat((raw + ".zst").c_str(), &info) != 0) return Error{str("there is no blob ", cid)};
  SX_TRY(const std::string head, read_file(raw + ".zst", kHeaderBytes));
  std::uint64_t size = 0;
  if (!read_header(head, size)) return Error{str("the blob ", cid, " is damaged on disk")};
  return size;
}

Result<std::int64_t> BlobStore::put_at(std::string_view cid) const {
  if (!is_cid(cid)) return not_a_cid(cid);
  struct stat info;
  const std::string raw = raw_path(folder_, cid);
  if (::stat(raw.c_str(), &info) == 0 || ::stat((raw + ".zst").c_str(), &info) == 0)
    return static_cast<std::int64_t>(info.st_mtime);
  return Error{str("there is no blob ", cid)};
}

Result<std::string> BlobStore::read(std::string_view cid, std::uint64_t from,
                                    std::uint64_t length) const {
  if (!is_cid(cid)) return not_a_cid(cid);
  const std::string raw = raw_path(folder_, cid);
  struct stat info;
  if (::stat(raw.c_str(), &info) == 0) {
    const auto size = static_cast<std::uint64_t>(info.st_size);
    from = std::min(from, size);
    return read_file(raw, std::min(length, size - from), from);
  }
  if (::stat((raw + ".zst").c_str(), &info) != 0) return Error{str("there is no blob ", cid)};
  return unpack_range(raw + ".zst", cid, from, length);
}

Result<BlobRef> BlobStore::stat(std::string_view cid) const {
  BlobRef ref;
  ref.cid = cid;
  SX_TRY(ref.size, size(cid));
  SX_TRY(const std::string head, read(cid, 0, 4097));
  ref.mime = sniff_mime(head);
  return ref;
}

Result<bool> BlobStore::remove(std::string_view cid) const {
  if (!is_cid(cid)) return not_a_cid(cid);
  const std::string raw = raw_path(folder_, cid);
  bool existed = false;
  for (const std::string& path : {raw, raw + ".zst"}) {
    if (unlink(path.c_str()) == 0) {
      existed = true;
    } else if (errno != ENOENT) {
      return file_error("remove", path, errno);
    }
  }
  if (existed) SX_CHECK(sync_folder(folder_of(raw)));
  return existed;
}

Result<std::vector<std::string>> BlobStore::list() const {
  std::vector<std::string> cids;
  std::error_code error;
  for (const auto& part : fs::directory_iterator(folder_, error)) {
    if (part.path().filename().string().size() != 2) continue;
    for (const auto& entry : fs::directory_iterator(part.path(), error)) {
      std::string name = entry.path().filename().string();
      if (name.ends_with(".zst")) name.resize(name.size() - 4);
      if (is_cid(name)) cids.push_back(name);
    }
  }
  if (error) return Error{str("could not list the blobs in ", folder_, ": ", error.message())};
  std::sort(cids.begin(), cids.end());
  cids.erase(std::unique(cids.begin(), cids.end()), cids.end());
  return cids;
}

}  // namespace sx::store
