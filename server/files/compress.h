// Dynamic answers on their way out: compression by Accept-Encoding, and 304 for what the client
// has.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/files/negotiate.h"
#include "server/http/http.h"

namespace sx {

struct CompressOptions {
  std::size_t bytes_min = 1024;  // below, the header costs more than is saved
  int zstd_level = 3;
  int brotli_quality = 4;
  int gzip_level = 6;
};

// Compresses a text body in memory by what the request accepts and sets Content-Encoding and Vary;
// the ETag gets the encoding's name ("abc" → "abc-br"), since the bytes differ. Leaves alone what
// is short, encoded already, partial, marked no-transform, or grows.
void compress_response(const HttpRequest& request, HttpResponse& response,
                       const CompressOptions& options = {});

// If the response is a 200 to GET or HEAD and its ETag, under any encoding, is among the
// request's If-None-Match, turns it into 304 without a body. Call it before compress_response.
void answer_conditional(const HttpRequest& request, HttpResponse& response);

// Adds a name to Vary unless it is there.
void add_vary(HttpResponse& response, std::string_view name);

// The bytes in an encoding; nullopt if the library fails.
std::optional<std::string> compress(std::string_view bytes, Encoding encoding,
                                    const CompressOptions& options = {});

}  // namespace sx
