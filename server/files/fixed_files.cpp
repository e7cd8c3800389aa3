// See fixed_files.h.
#include "server/files/fixed_files.h"

#include <algorithm>
#include <ctime>

#include "server/files/compress.h"
#include "server/files/negotiate.h"

namespace sx {
namespace {

constexpr std::size_t kEntriesMax = 4096;
constexpr std::size_t kReadyBytesMax = 32 * 1024 * 1024;

std::int64_t now_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

bool reads(const HttpRequest& request) {
  return request.method == "GET" || request.method == "HEAD";
}

// What decides which representation a client gets: encodings in the order in which it wants them.
std::uint32_t number_of(const AcceptedEncodings& accepted) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < accepted.count; ++i)
    number = number * 4 + 1 + static_cast<std::uint32_t>(accepted.order[i]);
  return number;
}

// The headers of a request that its answer can depend on.
struct Asked {
  const std::string* accept_encoding = nullptr;
  const std::string* if_none_match = nullptr;
  bool other_condition = false;  // or ranges

  explicit Asked(const HttpRequest& request) {
    for (const auto& [name, value] : request.headers) {
      switch (name.size()) {
        case 5:
          other_condition = other_condition || name == "range";
          break;
        case 8:
          other_condition = other_condition || name == "if-match";
          break;
        case 13:
          if (name == "if-none-match") {
            other_condition = other_condition || if_none_match;
            if_none_match = &value;
          }
          break;
        case 15:
          if (name == "accept-encoding" && !accept_encoding) accept_encoding = &value;
          break;
        case 17:
          other_condition = other_condition || name == "if-modified-since";
          break;
        case 19:
          other_condition = other_condition || name == "if-unmodified-since";
          break;
        default:
          break;
      }
    }
  }
};

}  // namespace

void FixedFiles::learn(const HttpRequest& request, std::string file, HttpHeaders headers) {
  if (!reads(request) || request.header("cookie") || request.header("authorization")) return;
  if (entries_.size() >= kEntriesMax) {
    entries_.clear();
    bytes_ = 0;
  }
  entries_.try_emplace(request.path, Entry{std::move(file), std::move(headers), 0, {}});
}

std::shared_ptr<const ReadyAnswer> FixedFiles::ready(const HttpRequest& request) {
  if (entries_.empty() || !reads(request)) return nullptr;
  const auto found = entries_.find(request.path);
  if (found == entries_.end()) return nullptr;
  const Asked asked(request);
  if (asked.other_condition) return nullptr;
  Entry& entry = found->second;
  if (const std::int64_t now = now_ms(); now - entry.looked_at_ms >= recheck_ms_) {
    forget(entry);
    entry.looked_at_ms = now;
  }
  const std::uint32_t accepted =
      asked.accept_encoding ? number_of(accepted_encodings(asked.accept_encoding)) : 0;
  const Representation* representation = nullptr;
  for (const Representation& one : entry.representations)
    if (one.accepted == accepted) representation = &one;
  if (!representation) {
    auto made = represent(entry, asked.accept_encoding);
    if (!made) {
      forget(entry);
      entries_.erase(found);
      return nullptr;
    }
    made->accepted = accepted;
    representation = &entry.representations.emplace_back(*std::move(made));
  }
  if (!asked.if_none_match) return representation->whole;
  return *asked.if_none_match == representation->etag ? representation->unchanged : nullptr;
}

std::optional<HttpResponse> FixedFiles::answer(const HttpRequest& request) {
  if (entries_.empty() || !reads(request)) return std::nullopt;
  const auto found = entries_.find(request.path);
  if (found == entries_.end()) return std::nullopt;
  return respond(request, found->second);
}

std::optional<HttpResponse> FixedFiles::respond(const HttpRequest& request, const Entry& entry) {
  auto response = files_.serve(request, entry.file);
  if (!response) return std::nullopt;
  for (const auto& [name, value] : entry.headers) response->set_header(name, value);
  answer_conditional(request, *response);
  compress_response(request, *response);
  return response;
}

std::optional<FixedFiles::Representation> FixedFiles::represent(
    const Entry& entry, const std::string* accept_encoding) {
  HttpRequest request;
  request.method = "GET";
  if (accept_encoding) request.headers.emplace_back("accept-encoding", *accept_encoding);
  auto whole = respond(request, entry);
  if (!whole || whole->status != 200) return std::nullopt;
  Representation made;
  if (const std::string* etag = whole->header("ETag")) made.etag = *etag;
  made.whole = worker_.make_ready(*std::move(whole));
  if (!made.whole) return made;
  if (made.whole->body) {
    bytes_ += made.whole->body->size();
    if (bytes_ > kReadyBytesMax) {
      for (auto& [path, other] : entries_) forget(other);
      bytes_ = made.whole->body->size();
    }
  }
  if (made.etag.empty()) return made;
  request.headers.emplace_back("if-none-match", made.etag);
  auto unchanged = respond(request, entry);
  if (unchanged && unchanged->status == 304)
    made.unchanged = worker_.make_ready(*std::move(unchanged));
  return made;
}

void FixedFiles::forget(Entry& entry) {
  for (const Representation& one : entry.representations)
    if (one.whole && one.whole->body) bytes_ -= std::min(bytes_, one.whole->body->size());
  entry.representations.clear();
}

}  // namespace sx
