// Requests and responses as values, and the names of statuses.
#include <unistd.h>

#include "server/http/field.h"
#include "server/http/http.h"

namespace sx {

OpenFile::~OpenFile() {
  if (fd_ >= 0) ::close(fd_);
}

BodyReader::BodyReader(ResponseSink* sink, std::uint64_t exchange)
    : sink_(sink), exchange_(exchange) {
  sink_->retain();
}

BodyReader::BodyReader(BodyReader&& other) noexcept
    : sink_(std::exchange(other.sink_, nullptr)), exchange_(other.exchange_) {}

BodyReader& BodyReader::operator=(BodyReader&& other) noexcept {
  std::swap(sink_, other.sink_);
  std::swap(exchange_, other.exchange_);
  return *this;
}

BodyReader::~BodyReader() {
  if (sink_) sink_->release();
}

void BodyReader::read(BodyCallback done) {
  if (!sink_) return done({});
  sink_->read_body(exchange_, std::move(done));
}

const std::string* HttpRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name) return &value;
  return nullptr;
}

const std::string* HttpResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (same_name(key, name)) return &value;
  return nullptr;
}

void HttpResponse::set_header(std::string_view name, std::string value) {
  for (auto& [key, old] : headers) {
    if (same_name(key, name)) {
      old = std::move(value);
      return;
    }
  }
  headers.emplace_back(std::string(name), std::move(value));
}

std::uint64_t HttpResponse::body_bytes() const {
  if (const auto* own = std::get_if<std::string>(&body)) return own->size();
  if (const auto* shared = std::get_if<std::shared_ptr<const std::string>>(&body))
    return *shared ? (*shared)->size() : 0;
  if (const auto* range = std::get_if<FileRange>(&body)) return range->length;
  if (const auto* stream = std::get_if<std::shared_ptr<HttpStream>>(&body); stream && *stream)
    return (*stream)->length.value_or(0);
  std::uint64_t bytes = 0;
  if (const auto* parts = std::get_if<std::shared_ptr<FileParts>>(&body); parts && *parts)
    for (const FilePart& part : **parts) bytes += part.text.size() + part.range.length;
  return bytes;
}

HttpResponse HttpResponse::text(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
  response.body = std::move(body);
  return response;
}

std::string_view http_status_text(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 205:
      return "Reset Content";
    case 206:
      return "Partial Content";
    case 300:
      return "Multiple Choices";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 425:
      return "Too Early";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 451:
      return "Unavailable For Legal Reasons";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Status";
  }
}

}  // namespace sx
