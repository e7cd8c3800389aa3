// See compress.h.
#include "server/files/compress.h"

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include <memory>

#include "server/files/conditional.h"

namespace sx {
namespace {

std::optional<std::string> compress_zstd(std::string_view bytes, int level) {
  // Making a context costs more than compressing a page: one per thread.
  thread_local const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context{ZSTD_createCCtx(),
                                                                                  &ZSTD_freeCCtx};
  if (!context) return std::nullopt;
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t n =
      ZSTD_compressCCtx(context.get(), out.data(), out.size(), bytes.data(), bytes.size(), level);
  if (ZSTD_isError(n)) return std::nullopt;
  out.resize(n);
  return out;
}

std::optional<std::string> compress_brotli(std::string_view bytes, int quality) {
  std::size_t n = BrotliEncoderMaxCompressedSize(bytes.size());
  if (n == 0) return std::nullopt;
  std::string out(n, '\0');
  if (!BrotliEncoderCompress(quality, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_TEXT, bytes.size(),
                             reinterpret_cast<const std::uint8_t*>(bytes.data()), &n,
                             reinterpret_cast<std::uint8_t*>(out.data())))
    return std::nullopt;
  out.resize(n);
  return out;
}

std::optional<std::string> compress_gzip(std::string_view bytes, int level) {
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;  // +16: with the gzip header
  if (deflateInit2(&stream, level, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return std::nullopt;
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int ended = deflate(&stream, Z_FINISH);
  const std::size_t n = stream.total_out;
  deflateEnd(&stream);
  if (ended != Z_STREAM_END) return std::nullopt;
  out.resize(n);
  return out;
}

bool contains_token(std::string_view list, std::string_view lower_case) {
  for (std::size_t at = 0; at + lower_case.size() <= list.size(); ++at) {
    std::size_t i = 0;
    while (i < lower_case.size()) {
      const char c = list[at + i];
      if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c) != lower_case[i]) break;
      ++i;
    }
    if (i == lower_case.size()) return true;
  }
  return false;
}

std::string with_encoding(std::string_view etag, Encoding encoding) {
  std::string out(etag);
  if (out.size() >= 2 && out.back() == '"') {
    out.pop_back();
    out += '-';
    out += encoding_name(encoding);
    out += '"';
  }
  return out;
}

}  // namespace

std::optional<std::string> compress(std::string_view bytes, Encoding encoding,
                                    const CompressOptions& options) {
  if (bytes.size() > UINT32_MAX) return std::nullopt;
  switch (encoding) {
    case Encoding::Brotli:
      return compress_brotli(bytes, options.brotli_quality);
    case Encoding::Zstd:
      return compress_zstd(bytes, options.zstd_level);
    case Encoding::Gzip:
      return compress_gzip(bytes, options.gzip_level);
    case Encoding::Identity:
      break;
  }
  return std::string(bytes);
}

void add_vary(HttpResponse& response, std::string_view name) {
  std::string lower_case(name);
  for (char& c : lower_case)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  const std::string* vary = response.header("Vary");
  if (!vary || vary->empty()) return response.set_header("Vary", std::string(name));
  std::string_view list = *vary;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::string_view item = list.substr(0, comma);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    if (item == "*" || (item.size() == name.size() && contains_token(item, lower_case))) return;
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  }
  response.set_header("Vary", *vary + ", " + std::string(name));
}

void compress_response(const HttpRequest& request, HttpResponse& response,
                       const CompressOptions& options) {
  if (response.status < 200 || response.status == 204 || response.status == 206 ||
      response.status == 304)
    return;
  const std::string* type = response.header("Content-Type");
  if (!type || !compressible(*type) || response.header("Content-Encoding")) return;
  if (const std::string* control = response.header("Cache-Control");
      control && contains_token(*control, "no-transform"))
    return;
  std::string_view bytes;
  if (const auto* own = std::get_if<std::string>(&response.body)) {
    bytes = *own;
  } else if (const auto* shared = std::get_if<std::shared_ptr<const std::string>>(&response.body);
             shared && *shared) {
    bytes = **shared;
  }
  if (bytes.size() < options.bytes_min) return;
  // Also when this client takes it plain: the next one may not.
  add_vary(response, "Accept-Encoding");
  const AcceptedEncodings accepted = accepted_encodings(request.header("accept-encoding"));
  if (accepted.count == 0) return;
  const Encoding encoding = accepted.order[0];
  auto smaller = compress(bytes, encoding, options);
  if (!smaller || smaller->size() >= bytes.size()) return;
  if (const std::string* etag = response.header("ETag"))
    response.set_header("ETag", with_encoding(*etag, encoding));
  response.headers.emplace_back("Content-Encoding", std::string(encoding_name(encoding)));
  response.body = std::move(*smaller);
}

void answer_conditional(const HttpRequest& request, HttpResponse& response) {
  if (response.status != 200 || (request.method != "GET" && request.method != "HEAD")) return;
  if (!has_precondition(request)) return;
  const std::string* etag = response.header("ETag");
  const std::string* modified = response.header("Last-Modified");
  Validators current;
  if (modified) current.modified = parse_http_date(*modified);
  // The client's tag may be that of these bytes under any encoding.
  bool holds = false;
  std::optional<std::string> matched;
  for (const Encoding encoding :
       {Encoding::Identity, Encoding::Brotli, Encoding::Zstd, Encoding::Gzip}) {
    std::string candidate;
    if (etag) candidate = encoding == Encoding::Identity ? *etag : with_encoding(*etag, encoding);
    current.etag = candidate;
    const Precondition precondition = check_preconditions(request, current);
    if (precondition == Precondition::NotModified) matched = std::move(candidate);
    holds = holds || precondition == Precondition::Proceed;
    if (matched || !etag) break;
  }
  if (!matched) {
    if (!holds)
      response =
          HttpResponse::text(412, "412 Precondition Failed: the page is another one by now\n");
    return;
  }
  if (etag) response.set_header("ETag", *std::move(matched));
  response.status = 304;
  response.body = std::string();
  std::erase_if(response.headers, [](const auto& header) {
    return header.first.size() >= 8 &&
           contains_token(std::string_view(header.first).substr(0, 8), "content-") &&
           !contains_token(header.first, "content-location") &&
           !contains_token(header.first, "content-security-policy");
  });
}

}  // namespace sx
