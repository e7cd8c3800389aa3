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

void put_u64(std::string& out, std::uint64_t n) {
  for (int shift = 0; shift < 64; shift += 8) out.push_back(static_cast<char>(n >> shift));
}

std::string u64(std::uint64_t n) {
  std::string out;
  put_u64(out, n);
  return out;
}

}  // namespace

Digest sha256(std::initializer_list<std::string_view> parts) {
  thread_local Hasher hasher;
  Digest digest;
  bool ok = EVP_DigestInit_ex2(hasher.context, hasher.algorithm, nullptr) == 1;
  for (std::string_view part : parts)
    ok = ok && (part.empty() || EVP_DigestUpdate(hasher.context, part.data(), part.size()) == 1);
  ok = ok && EVP_DigestFinal_ex(hasher.context, digest.data(), nullptr) == 1;
  // A wrong hash must never be written; with a valid context these calls do not fail.
  if (!ok) std::abort();
  return digest;
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
  return sha256({"sx-event-1", u64(type.size()), type, u64(static_cast<std::uint64_t>(at_ms)),
                 u64(data.size()), data});
}

Digest chain_hash(const Digest& previous, std::uint64_t pos, std::string_view stream,
                  std::uint64_t seq, const Digest& payload) {
  std::string numbers;
  put_u64(numbers, pos);
  put_u64(numbers, seq);
  put_u64(numbers, stream.size());
  return sha256({as_text(previous), numbers, stream, as_text(payload)});
}

std::int64_t row_checksum(std::initializer_list<std::string_view> texts,
                          std::initializer_list<std::uint64_t> numbers) {
  std::string all;
  for (std::uint64_t n : numbers) put_u64(all, n);
  for (std::string_view text : texts) {
    put_u64(all, text.size());
    all.append(text);
  }
  const Digest digest = sha256({all});
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
