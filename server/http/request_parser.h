// From bytes to HttpRequest: Beast's message parser with our strictness on top. Internal; includes
// Boost.
//
// HeadScanner has already refused heads whose line structure is odd. Here every field is checked
// for what makes two readers disagree about where a request ends (Content-Length given twice or not
// as plain digits, Transfer-Encoding other than exactly "chunked" or in HTTP/1.0, Host absent or
// repeated); Beast contributes the grammar of tokens and fields and the chunked decoder.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "server/http/head_scanner.h"
#include "server/http/http.h"

namespace sx {

class RequestParser final : public boost::beast::http::basic_parser<true> {
 public:
  explicit RequestParser(std::size_t header_bytes_max);

  // Reads a complete head, as delimited by HeadScanner. False: see refusal().
  bool put_head(std::string_view head);
  // Reads body bytes; says how many it took. False: see refusal().
  bool put_body(std::string_view bytes, std::size_t& taken);

  // After the head: the longest body. False, when a longer one is announced: see refusal().
  bool limit_body(std::size_t bytes_max);

  HttpRequest& request() { return request_; }
  // What has come of the body and was not taken from there.
  std::string& body() { return request_.body; }
  const Refusal& refusal() const { return *refusal_; }
  // The host the request names: the absolute target's, else the Host header's, else empty.
  std::string_view authority() const { return authority_; }
  bool http11() const { return http11_; }
  std::uint64_t body_bytes() const { return body_bytes_; }            // so far
  std::uint64_t announced_bytes() const { return announced_bytes_; }  // Content-Length, 0 if none
  bool wants_continue() const { return wants_continue_; }
  // "close" decides, whatever stands beside it (RFC 9112 §9.3); Beast's own lets HTTP/1.0 have
  // both.
  bool keep_alive() const { return !closes_ && basic_parser::keep_alive(); }

 private:
  using error_code = boost::beast::error_code;
  using string_view = boost::beast::string_view;
  using verb = boost::beast::http::verb;
  using field = boost::beast::http::field;

  void on_request_impl(verb, string_view method, string_view target, int version,
                       error_code& ec) override;
  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_field_impl(field name, string_view name_string, string_view value,
                     error_code& ec) override;
  void on_header_impl(error_code& ec) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view body, error_code& ec) override;
  void on_chunk_header_impl(std::uint64_t size, string_view extensions, error_code& ec) override;
  std::size_t on_chunk_body_impl(std::uint64_t remain, string_view body, error_code& ec) override;
  void on_finish_impl(error_code&) override {}

  std::size_t take_body(string_view body, error_code& ec);
  void refuse(int status, std::string why, error_code& ec);
  void refuse_for(const error_code& ec, bool in_head);

  HttpRequest request_;
  std::optional<Refusal> refusal_;
  std::string authority_;
  std::uint64_t body_bytes_max_ = 0;
  std::uint64_t body_bytes_ = 0;
  std::uint64_t announced_bytes_ = 0;
  bool http11_ = true;
  bool absolute_target_ = false;
  bool head_done_ = false;
  bool saw_host_ = false;
  bool saw_length_ = false;
  bool saw_encoding_ = false;
  bool wants_continue_ = false;
  bool closes_ = false;
};

}  // namespace sx
