// The head of a response, and what of its body is sent first.
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdio>
#include <string>

#include "engine/base/str.h"
#include "server/http/connection.h"
#include "server/http/field.h"

namespace sx {
namespace {

constexpr std::size_t kInlineBodyBytes = 2 * 1024;  // copied behind the head: one plain buffer

// Headers that describe the connection or the framing are written by this layer alone.
enum class Own { No, Skip, Connection, Length, Date };
Own own_header(std::string_view name) {
  switch (name.size()) {
    case 4:
      return same_name(name, "date") ? Own::Date : Own::No;
    case 7:
      return same_name(name, "trailer") || same_name(name, "upgrade") ? Own::Skip : Own::No;
    case 10:
      if (same_name(name, "connection")) return Own::Connection;
      return same_name(name, "keep-alive") ? Own::Skip : Own::No;
    case 14:
      return same_name(name, "content-length") ? Own::Length : Own::No;
    case 17:
      return same_name(name, "transfer-encoding") ? Own::Skip : Own::No;
    default:
      return Own::No;
  }
}

void append_number(std::string& out, std::uint64_t n) {
  char digits[20];
  std::size_t at = sizeof digits;
  do {
    digits[--at] = static_cast<char>('0' + n % 10);
    n /= 10;
  } while (n != 0);
  out.append(digits + at, sizeof digits - at);
}

HttpResponse broken(std::string_view what) {
  std::fprintf(stderr, "http: %.*s\n", static_cast<int>(what.size()), what.data());
  return HttpResponse::text(500,
                            "500 Internal Server Error: the server made an invalid response\n");
}

}  // namespace

HttpResponse refusal_response(const Refusal& refusal) {
  return HttpResponse::text(
      refusal.status,
      str(refusal.status, " ", http_status_text(refusal.status), ": ", refusal.why, "\n"));
}

bool Connection::open_file(FileRange& range) {
  if (!range.file) {
    const int fd = ::open(range.path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    range.file = std::make_shared<OpenFile>(fd);
  }
  struct stat info {};
  if (::fstat(range.file->fd(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  const auto size = static_cast<std::uint64_t>(info.st_size);
  return range.offset <= size && range.length <= size - range.offset;
}

void Connection::begin_response() {
  close_if_last();

  if (auto* parts = std::get_if<std::shared_ptr<FileParts>>(&response_.body)) {
    bool good = *parts != nullptr;
    if (good)
      for (FilePart& part : **parts)
        good = good && (part.range.length == 0 || open_file(part.range));
    if (!good) response_ = broken("a file of which parts were to be sent is gone or shorter");
  }
  if (response_.status < 200 || response_.status > 599) {
    response_ = broken(str("a handler answered with status ", response_.status));
  }
  for (const auto& [name, value] : response_.headers) {
    if (!is_token(name) || !is_field_value(value)) {
      response_ =
          broken("a handler answered with an invalid header, perhaps one with a line break");
      break;
    }
  }
  if (auto* stream = std::get_if<std::shared_ptr<HttpStream>>(&response_.body);
      stream && (!*stream || !(*stream)->start))
    response_ = broken("a handler answered with a stream that nobody makes");
  if (auto* range = std::get_if<FileRange>(&response_.body); range && !open_file(*range)) {
    response_ =
        broken(str("cannot send ", range->path, ": it is gone, shorter than before or no file"));
  }

  const bool bodiless = response_.status == 204 || response_.status == 304;
  auto* stream = std::get_if<std::shared_ptr<HttpStream>>(&response_.body);
  stream_length_ = stream ? (*stream)->length : std::nullopt;
  std::uint64_t length = response_.body_bytes();
  if (stream && !bodiless && !head_only_) {
    if (worker_.metrics.streams.get() < worker_.config.streams_max) {
      stream_ = std::move(*stream);
    } else {
      worker_.metrics.requests_shed.add();
      response_ = refusal_response({503, "too many streams at once, try again shortly"});
      response_.set_header("Retry-After", std::to_string(worker_.config.retry_after_s));
      stream_length_.reset();
      length = response_.body_bytes();
    }
  }
  const bool streamed = std::holds_alternative<std::shared_ptr<HttpStream>>(response_.body);
  stream_chunked_ = streamed && !bodiless && !stream_length_ && parser_->http11();
  if (stream_ && !stream_chunked_ && !stream_length_) keep_alive_ = false;
  if (head_only_ && length == 0) {
    if (const std::string* given = response_.header("content-length");
        given && !given->empty() && given->size() < 19 &&
        given->find_first_not_of("0123456789") == std::string::npos)
      length = std::stoull(*given);
  }
  build_head(length, !bodiless && (!streamed || stream_length_));

  body_ = {};
  file_.reset();
  file_left_ = sent_ = body_bytes_ = 0;
  if (bodiless || head_only_ || streamed) return;
  body_bytes_ = length;
  if (auto* range = std::get_if<FileRange>(&response_.body)) {
    file_ = range->file;
    file_at_ = range->offset;
    file_left_ = range->length;
    return;
  }
  if (auto* parts = std::get_if<std::shared_ptr<FileParts>>(&response_.body)) {
    parts_ = std::move(*parts);
    part_at_ = 0;
    begin_part();
    return;
  }
  if (const auto* own = std::get_if<std::string>(&response_.body)) {
    body_ = *own;
  } else if (const auto* shared = std::get_if<std::shared_ptr<const std::string>>(&response_.body);
             shared && *shared) {
    body_ = **shared;
  }
  if (body_.size() <= kInlineBodyBytes) {
    out_ += body_;
    body_ = {};
  }
}

// The status line and the headers that the response or our defaults give.
struct Connection::HeadLines {
  bool own_date = true;  // we add one
  bool close = false;    // it closes its connection

  HeadLines(std::string& out, const HttpResponse& response, const HttpHeaders& defaults) {
    out += "HTTP/1.1 ";
    append_number(out, static_cast<std::uint64_t>(response.status));
    out += ' ';
    out += http_status_text(response.status);
    out += "\r\n";
    const auto line = [&out](const std::pair<std::string, std::string>& header) {
      out += header.first;
      out += ": ";
      out += header.second;
      out += "\r\n";
    };
    // What a 304 carries would replace the headers of the page that the client has.
    std::uint32_t missing = response.status == 304 ? 0 : (1u << defaults.size()) - 1;
    for (const auto& header : response.headers) {
      const auto& [name, value] = header;
      for (std::size_t i = 0; i < defaults.size(); ++i)
        if (same_name(name, defaults[i].first)) missing &= ~(1u << i);
      switch (own_header(name)) {
        case Own::Connection:
          if (same_name(value, "close")) close = true;
          continue;
        case Own::Skip:
          // What the client should change to, RFC 9110 §15.5.22.
          if (response.status == 426 && same_name(name, "upgrade")) break;
          continue;
        case Own::Length:
          continue;
        case Own::Date:
          own_date = false;
          break;
        case Own::No:
          break;
      }
      line(header);
    }
    for (std::size_t i = 0; missing >> i; ++i)
      if (missing >> i & 1) line(defaults[i]);
  }
};

void Connection::build_head(std::uint64_t content_length, bool show_length) {
  out_.clear();
  out_at_ = 0;
  const HeadLines lines(out_, response_, worker_.config.default_headers);
  if (lines.close) keep_alive_ = false;
  if (lines.own_date) {
    out_ += "Date: ";
    out_ += worker_.date();
    out_ += "\r\n";
  }
  if (show_length) {
    out_ += "Content-Length: ";
    append_number(out_, content_length);
    out_ += "\r\n";
  }
  if (stream_chunked_) out_ += "Transfer-Encoding: chunked\r\n";
  end_head();
}

// How it goes on with the connection.
void Connection::end_head() {
  if (!keep_alive_) {
    out_ += "Connection: close\r\n";
  } else if (response_.status == 426) {
    out_ += "Connection: Upgrade\r\n";
  } else if (parser_ && !parser_->http11()) {
    out_ += "Connection: keep-alive\r\n";
  }
  out_ += "\r\n";
}

void Connection::close_if_last() {
  if (worker_.draining() && !worker_.passing()) keep_alive_ = false;
  const std::uint64_t most = worker_.config.requests_per_connection_max;
  if (most != 0 && requests_ >= most) keep_alive_ = false;
}

void Connection::begin_ready() {
  close_if_last();
  out_.assign(ready_->before_date);
  out_at_ = 0;
  out_ += worker_.date();
  out_ += ready_->after_date;
  end_head();
  stream_chunked_ = false;
  stream_length_.reset();
  body_ = {};
  file_left_ = sent_ = body_bytes_ = 0;
  if (head_only_ || !ready_->body) return;
  body_bytes_ = ready_->body->size();
  if (body_bytes_ <= kInlineBodyBytes) {
    out_ += *ready_->body;
  } else {
    body_ = *ready_->body;
  }
}

std::shared_ptr<const ReadyAnswer> WorkerCore::make_ready(HttpResponse response) const {
  if (response.status < 200 || response.status > 599) return nullptr;
  for (const auto& [name, value] : response.headers)
    if (!is_token(name) || !is_field_value(value)) return nullptr;
  auto made = std::make_shared<ReadyAnswer>();
  made->status = response.status;
  const Connection::HeadLines lines(made->before_date, response, config.default_headers);
  if (lines.close || !lines.own_date || response.status == 426) return nullptr;
  if (auto* own = std::get_if<std::string>(&response.body)) {
    made->body = std::make_shared<const std::string>(std::move(*own));
  } else if (auto* shared = std::get_if<std::shared_ptr<const std::string>>(&response.body)) {
    made->body = std::move(*shared);
  } else {
    return nullptr;
  }
  made->before_date += "Date: ";
  made->after_date = "\r\n";
  if (response.status == 204 || response.status == 304) {
    made->body = nullptr;
  } else {
    made->after_date += "Content-Length: ";
    append_number(made->after_date, made->body ? made->body->size() : 0);
    made->after_date += "\r\n";
  }
  return made;
}

bool Connection::begin_part() {
  if (!parts_ || part_at_ == parts_->size()) return false;
  FilePart& part = (*parts_)[part_at_++];
  out_.erase(0, out_at_);
  out_at_ = 0;
  out_ += part.text;
  file_ = part.range.file;
  file_at_ = part.range.offset;
  file_left_ = part.range.length;
  return true;
}

}  // namespace sx
