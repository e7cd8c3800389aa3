// See request_parser.h.
#include "server/http/request_parser.h"

#include <algorithm>
#include <boost/beast/http/rfc7230.hpp>

#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "server/http/field.h"
#include "server/http/origin.h"

namespace sx {
namespace {

namespace http = boost::beast::http;

std::string_view view(boost::beast::string_view s) { return {s.data(), s.size()}; }

// A body announced as huge gets no more room than this before its bytes arrive.
constexpr std::size_t kBodyReserveMax = 64 * 1024;

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Every % is followed by two hexadecimal digits that do not stand for NUL: what is not, one reader
// takes as it is and the next one as something else.
bool has_good_escapes(std::string_view path) {
  for (std::size_t at = path.find('%'); at != path.npos; at = path.find('%', at + 3)) {
    if (path.size() - at < 3 || !is_hex(path[at + 1]) || !is_hex(path[at + 2])) return false;
    if (path[at + 1] == '0' && path[at + 2] == '0') return false;
  }
  return true;
}

}  // namespace

RequestParser::RequestParser(std::size_t header_bytes_max) {
  // HeadScanner enforces the limit with a better message; Beast's own only must not be lower. It
  // also bounds the trailers of a chunked body.
  header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(header_bytes_max + 1, UINT32_MAX)));
  body_limit(boost::none);  // ours depends on the head: limit_body
  eager(true);
}

bool RequestParser::limit_body(std::size_t bytes_max) {
  body_bytes_max_ = bytes_max;
  if (announced_bytes_ <= bytes_max) {
    request_.body.reserve(std::min<std::uint64_t>(announced_bytes_, kBodyReserveMax));
    return true;
  }
  refuse_for(http::error::body_limit, false);
  return false;
}

void RequestParser::refuse(int status, std::string why, error_code& ec) {
  if (!refusal_) refusal_ = Refusal{status, std::move(why)};
  ec = http::error::bad_value;
}

void RequestParser::refuse_for(const error_code& ec, bool in_head) {
  if (refusal_) return;
  std::string why;
  int status = 400;
  if (ec == http::error::body_limit) {
    status = 413;
    why = str("the request body is larger than ", body_bytes_max_, " bytes");
  } else if (ec == http::error::bad_content_length || ec == http::error::multiple_content_length) {
    why = "Content-Length is not one plain number, or conflicts with another framing header";
  } else if (ec == http::error::bad_transfer_encoding) {
    why = "Transfer-Encoding is repeated or conflicts with Content-Length";
  } else if (ec == http::error::header_limit) {
    status = 431;
    why = "the trailers of the chunked body are too large";
  } else if (ec == http::error::bad_method) {
    why = "the method is not a token";
  } else if (ec == http::error::bad_target) {
    why = "the request target contains a character that must be percent-encoded";
  } else if (ec == http::error::bad_field) {
    why = "a header name contains a character that is not allowed there";
  } else if (ec == http::error::bad_value) {
    why = "a header value contains a control character or is malformed";
  } else if (in_head) {
    why = str("the request head is malformed (", ec.message(), ")");
  } else {
    why = str("the chunked body is malformed (", ec.message(), ")");
  }
  refusal_ = Refusal{status, std::move(why)};
}

bool RequestParser::put_head(std::string_view head) {
  error_code ec;
  const std::size_t taken = put(boost::asio::const_buffer(head.data(), head.size()), ec);
  if (!ec && (!is_header_done() || taken != head.size())) ec = http::error::partial_message;
  if (ec) refuse_for(ec, true);
  return !ec;
}

bool RequestParser::put_body(std::string_view bytes, std::size_t& taken) {
  error_code ec;
  taken = put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
  if (ec == http::error::need_more) ec = {};
  if (ec) refuse_for(ec, false);
  return !ec;
}

void RequestParser::on_request_impl(verb known, string_view method, string_view target, int version,
                                    error_code& ec) {
  request_.method.assign(method.data(), method.size());
  request_.target.assign(target.data(), target.size());
  http11_ = version == 11;
  request_.version = http11_ ? "1.1" : "1.0";
  switch (known) {
    case verb::get:
    case verb::head:
    case verb::post:
    case verb::put:
    case verb::patch:
    case verb::delete_:
    case verb::options:
      break;
    default:
      return refuse(501, str("the method ", request_.method.substr(0, 32), " is not implemented"),
                    ec);
  }
  std::string_view rest = view(target);
  if (!utf8_valid(rest))
    return refuse(400, "the request target has bytes that are no UTF-8 and not percent-encoded",
                  ec);
  if (rest.find('#') != std::string_view::npos)
    return refuse(400, "the request target contains a fragment", ec);
  if (rest[0] != '/' && !(rest == "*" && known == verb::options)) {
    // The absolute form, as sent to proxies; every server must take it.
    const std::size_t colon = rest.find("://");
    if (colon == std::string_view::npos ||
        (!same_name(rest.substr(0, colon), "http") && !same_name(rest.substr(0, colon), "https")))
      return refuse(400, "the request target does not begin with '/'", ec);
    rest.remove_prefix(colon + 3);
    const std::size_t path = rest.find_first_of("/?");
    authority_ = rest.substr(0, path);
    if (authority_.empty()) return refuse(400, "the request target names no host", ec);
    absolute_target_ = true;
    rest = path == std::string_view::npos ? std::string_view() : rest.substr(path);
  }
  const std::size_t question = rest.find('?');
  request_.path = rest.substr(0, question);
  if (request_.path.empty()) request_.path = "/";
  if (question != std::string_view::npos) request_.query = rest.substr(question + 1);
  if (!has_good_escapes(request_.path))
    return refuse(
        400, "the path contains a % that is not followed by two hexadecimal digits, or %00", ec);
  request_.headers.reserve(12);
}

void RequestParser::on_field_impl(field name, string_view name_string, string_view value,
                                  error_code& ec) {
  if (head_done_) return;  // trailers are read and dropped
  const std::string_view text = view(value);
  switch (name) {
    case field::host:
      if (saw_host_) return refuse(400, "the request has more than one Host header", ec);
      saw_host_ = true;
      // An absolute target wins over it, but it must be one (RFC 9112 §3.2).
      if (text.empty() || (absolute_target_ && !valid_authority(text)))
        return refuse(400, "the Host header is not a host name with an optional port", ec);
      if (!absolute_target_) authority_ = text;
      break;
    case field::content_length:
      if (saw_length_)
        return refuse(400, "the request has more than one Content-Length header", ec);
      saw_length_ = true;
      if (text.empty() || text.size() > 19 || text.find_first_not_of("0123456789") != text.npos)
        return refuse(400, "Content-Length is not a plain number", ec);
      for (const char c : text)
        announced_bytes_ = announced_bytes_ * 10 + static_cast<std::uint64_t>(c - '0');
      break;
    case field::transfer_encoding:
      if (saw_encoding_)
        return refuse(400, "the request has more than one Transfer-Encoding header", ec);
      saw_encoding_ = true;
      if (!http11_) return refuse(400, "Transfer-Encoding is not allowed in HTTP/1.0", ec);
      if (!same_name(text, "chunked"))
        return refuse(501, "the only Transfer-Encoding understood is \"chunked\"", ec);
      break;
    case field::connection:
      closes_ = closes_ || http::token_list{value}.exists("close");
      break;
    case field::expect:
      if (!same_name(text, "100-continue"))
        return refuse(417, "the only Expect understood is \"100-continue\"", ec);
      wants_continue_ = http11_;
      break;
    default:
      break;
  }
  auto& [key, stored] = request_.headers.emplace_back();
  key.resize(name_string.size());
  std::transform(name_string.begin(), name_string.end(), key.begin(),
                 [](char c) { return ascii_lower(c); });
  stored.assign(text);
}

void RequestParser::on_header_impl(error_code& ec) {
  head_done_ = true;
  if (http11_ && !saw_host_) return refuse(400, "the request has no Host header", ec);
  if (saw_length_ && saw_encoding_)
    return refuse(400, "the request has both Content-Length and Transfer-Encoding", ec);
}

std::size_t RequestParser::take_body(string_view body, error_code& ec) {
  body_bytes_ += body.size();
  if (body_bytes_ > body_bytes_max_) {
    ec = http::error::body_limit;
    return 0;
  }
  request_.body.append(body.data(), body.size());
  return body.size();
}

std::size_t RequestParser::on_body_impl(string_view body, error_code& ec) {
  return take_body(body, ec);
}

void RequestParser::on_chunk_header_impl(std::uint64_t size, string_view extensions,
                                         error_code& ec) {
  // Beast ends the number at whatever is no digit: "0x3" would be a last chunk.
  const std::string_view rest = view(extensions);
  const std::size_t begin = rest.find_first_not_of(" \t");
  if (begin != std::string_view::npos && rest[begin] != ';')
    return refuse(400, "a chunk size is not a plain hexadecimal number", ec);
  // Said before the bytes come: nobody waits for a chunk that will be refused.
  if (size > body_bytes_max_ - body_bytes_) ec = http::error::body_limit;
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, string_view body, error_code& ec) {
  return take_body(body, ec);
}

}  // namespace sx
