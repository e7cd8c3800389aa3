// Files whose answer is the same for all who ask, answered without the application.
//
// What is at an address is the application's to say, so it is learned from its own answers: a
// response {:file "css/site.css" :same-for-all true} says that every GET and HEAD of this very path
// is answered by this file with these headers, whoever asks, for as long as the application runs.
// From then on the worker answers them itself, with the bytes, headers, conditions and ranges that
// the application's answer would have had; any other method and a file that has gone are the
// application's again. Learned is only what was answered to a request without Cookie and
// Authorization: what a middleware gives to those alone whom it knows is never given to others.
//
// Small files are kept ready to be sent and looked at again after recheck_ms, so a changed file is
// served changed within that time. One for each worker, on its thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/files/static_files.h"
#include "server/http/http.h"

namespace sx {

class FixedFiles {
 public:
  static constexpr std::uint32_t kRecheckMs = 250;

  // Both are borrowed.
  FixedFiles(const Worker& worker, StaticFiles& files, std::uint32_t recheck_ms = kRecheckMs)
      : worker_(worker), files_(files), recheck_ms_(recheck_ms) {}

  // The application answered this request with the file (encoded, as StaticFiles takes it) and
  // these headers besides the file's own.
  void learn(const HttpRequest& request, std::string file, HttpHeaders headers);

  // The answer if it is ready to be sent: see Worker::set_shortcut.
  std::shared_ptr<const ReadyAnswer> ready(const HttpRequest& request);
  // The answer to what is not kept ready: ranges, conditions, large files.
  std::optional<HttpResponse> answer(const HttpRequest& request);

 private:
  // As a client that accepts these encodings gets it.
  struct Representation {
    std::uint32_t accepted = 0;
    std::string etag;
    std::shared_ptr<const ReadyAnswer> whole;      // null: not kept ready
    std::shared_ptr<const ReadyAnswer> unchanged;  // the 304
  };
  struct Entry {
    std::string file;
    HttpHeaders headers;
    std::int64_t looked_at_ms = 0;
    std::vector<Representation> representations;
  };

  std::optional<HttpResponse> respond(const HttpRequest& request, const Entry& entry);
  std::optional<Representation> represent(const Entry& entry, const std::string* accept_encoding);
  void forget(Entry& entry);  // what is ready of it

  const Worker& worker_;
  StaticFiles& files_;
  const std::uint32_t recheck_ms_;
  std::unordered_map<std::string, Entry> entries_;  // by path, as sent
  std::size_t bytes_ = 0;                           // of bodies kept ready
};

}  // namespace sx
