#include "server/store/chain.h"

#include <openssl/evp.h>

#include <cstdlib>
#include <cstring>

#include "engine/base/str.h"

namespace sx::store {
namespace {

// One hashing context per thread: looking the algorithm up anew costs more than hashing an event.
struct Hasher {
  EVP_MD* algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  Hasher() {
    if (!algorithm || !context) std::abort();  // OpenSSL without SHA-256, or no memory at start
  }
  ~Hasher() {
    EVP_MD_CTX_free(context);
    EVP_MD_free(algorithm);
  }
};

// Gathers what is hashed, so that the many short parts of a record are one call of OpenSSL.
class Hashing {
 public:
  Hashing() {
    if (EVP_DigestInit_ex2(hasher().context, hasher().algorithm, nullptr) != 1) std::abort();
  }
  Hashing& add(std::string_view part) {
    if (part.size() > sizeof gathered_ - size_) {
      flush();
      if (part.size() > sizeof gathered_) {
        update(part.data(), part.size());
        return *this;
      }
    }
    if (!part.empty()) std::memcpy(gathered_ + size_, part.data(), part.size());
    size_ += part.size();
    return *this;
  }
  Hashing& add(std::uint64_t n) {
    char bytes[8];
    for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(n >> 8 * i);
    return add(std::string_view(bytes, sizeof bytes));
  }
  // The number of bytes, then the bytes: no two lists of texts hash alike.
  Hashing& add_counted(std::string_view text) { return add(text.size()).add(text); }
  Digest finish() {
    flush();
    Digest digest;
    if (EVP_DigestFinal_ex(hasher().context, digest.data(), nullptr) != 1) std::abort();
    return digest;
  }

 private:
  static Hasher& hasher() {
    thread_local Hasher hasher;
    return hasher;
  }
  void flush() {
    update(gathered_, size_);
    size_ = 0;
  }
  // A wrong hash must never be written; with a valid context these calls do not fail.
  void update(const char* bytes, std::size_t size) {
    if (size > 0 && EVP_DigestUpdate(hasher().context, bytes, size) != 1) std::abort();
  }

  char gathered_[512];
  std::size_t size_ = 0;
};

}  // namespace

Digest sha256(std::initializer_list<std::string_view> parts) {
  Hashing hashing;
  for (std::string_view part : parts) hashing.add(part);
  return hashing.finish();
}

std::string to_hex(const Digest& digest) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out(64, '0');
  for (std::size_t i = 0; i < digest.size(); ++i) {
    out[2 * i] = kDigits[digest[i] >> 4];
    out[2 * i + 1] = kDigits[digest[i] & 15];
  }
  return out;
}

bool from_hex(std::string_view hex, Digest& out) {
  if (hex.size() != 2 * out.size()) return false;
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

Sha256Stream::Sha256Stream() : context_(EVP_MD_CTX_new()) {
  auto* context = static_cast<EVP_MD_CTX*>(context_);
  if (!context || EVP_DigestInit_ex(context, EVP_sha256(), nullptr) != 1) std::abort();
}
Sha256Stream::~Sha256Stream() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_)); }
void Sha256Stream::add(std::string_view piece) {
  if (EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), piece.data(), piece.size()) != 1)
    std::abort();
}
Digest Sha256Stream::finish() {
  Digest digest;
  if (EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), digest.data(), nullptr) != 1)
    std::abort();
  return digest;
}

bool read_digest(std::string_view bytes, Digest& out) {
  if (bytes.size() != out.size()) return false;
  std::memcpy(out.data(), bytes.data(), out.size());
  return true;
}

Digest payload_digest(std::string_view type, std::int64_t at_ms, std::string_view data) {
  return Hashing()
      .add("sx-event-1")
      .add_counted(type)
      .add(static_cast<std::uint64_t>(at_ms))
      .add_counted(data)
      .finish();
}

Digest chain_hash(const Digest& previous, std::uint64_t pos, std::string_view stream,
                  std::uint64_t seq, const Digest& payload) {
  return Hashing()
      .add(as_text(previous))
      .add(pos)
      .add(seq)
      .add_counted(stream)
      .add(as_text(payload))
      .finish();
}

std::int64_t row_checksum(std::initializer_list<std::string_view> texts,
                          std::initializer_list<std::uint64_t> numbers) {
  Hashing hashing;
  for (std::uint64_t n : numbers) hashing.add(n);
  for (std::string_view text : texts) hashing.add_counted(text);
  const Digest digest = hashing.finish();
  std::int64_t sum;
  std::memcpy(&sum, digest.data(), sizeof sum);
  return sum;
}

std::optional<BadRecord> ChainWalker::feed(const ChainRecord& record) {
  const auto bad = [&](std::string what) {
    return BadRecord{record.pos, std::string(record.stream), record.seq, std::move(what)};
  };
  if (record.pos != pos_ + 1)
    return bad(
        str("position ", pos_ + 1, " is missing: the record after ", pos_, " is ", record.pos));
  Digest stored, payload;
  if (!read_digest(record.hash, stored))
    return bad(str("the stored hash has ", record.hash.size(), " bytes, expected 32"));
  if (record.compacted) {
    if (!read_digest(record.data, payload))
      return bad("the record is truncated but does not keep the digest of its payload");
    if (record.seq > record.truncated_through)
      return bad(str("the payload is gone, but the stream is truncated only through seq ",
                     record.truncated_through));
  } else {
    if (record.seq <= record.truncated_through)
      return bad(str("the stream is truncated through seq ", record.truncated_through,
                     ", but the payload is still there"));
    payload = payload_digest(record.type, record.at_ms, record.data);
  }
  if (chain_hash(hash_, record.pos, record.stream, record.seq, payload) != stored)
    return bad("the hash does not match the record and the one before it: the record was changed");

  auto found = seqs_.find(record.stream);
  if (found == seqs_.end()) {
    if (whole_ && record.seq != 1)
      return bad(str("the stream starts with seq ", record.seq, ", expected 1"));
    seqs_.emplace(record.stream, record.seq);
  } else {
    if (record.seq != found->second + 1)
      return bad(str("seq ", found->second + 1, " was expected in this stream"));
    found->second = record.seq;
  }
  pos_ = record.pos;
  hash_ = stored;
  compacted_ += record.compacted;
  return std::nullopt;
}

}  // namespace sx::store
