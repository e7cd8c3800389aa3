// multipart/form-data for handlers: form/read, which reads the body of a request while it arrives.
//
// A request with such a body reaches its handler with its head; :form of the request stands for the
// rest. Nothing of it is read before a handler asks, so who may not upload costs nothing. Files go
// to memory, or piece by piece to the blob store; a form that fails leaves no blob behind.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "engine/sx.h"
#include "server/http/http.h"
#include "server/store/blobs.h"

namespace sx {

// The one test of what a handler reads itself, for HttpConfig::reads_body.
bool is_multipart_form(const HttpRequest& head);

class Forms {
 public:
  // blobs: null where there is no blob store.
  Forms(Runner& runner, store::BlobStore* blobs);
  Forms(const Forms&) = delete;

  // Takes over the reader of the request; the number that stands for the form until forget().
  std::uint64_t add(HttpRequest& request);
  void forget(std::uint64_t id);

  static constexpr std::uint64_t kMemoryBytesMax = 16 * 1024 * 1024;

 private:
  class Reading;
  void read(IoCall& call);

  Runner& runner_;
  store::BlobStore* blobs_;
  std::unordered_map<std::uint64_t, std::shared_ptr<Reading>> forms_;
  std::uint64_t last_id_ = 0;
};

}  // namespace sx
