// What a connection needs to know of a URL: where to connect and what to ask for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace sx {

struct UrlTarget {
  bool tls = false;
  std::string host;  // lower case, without brackets: a name or an address
  std::uint16_t port = 0;
  std::string target;  // path and query as sent, at least "/"
  std::string text;    // the whole URL, without a fragment

  // As the Host header has it: without the port where it is the scheme's own.
  std::string authority() const;
  // scheme://host:port: requests to the same one may use the same connection.
  std::string origin() const;
};

// RFC 3986: absolute, http or https, with a host and without credentials. The error says what is
// wrong with it.
Result<UrlTarget> parse_url(std::string_view url);

// The target that a Location header leads to, seen from base (RFC 9110 §10.2.2).
Result<UrlTarget> resolve_url(const UrlTarget& base, std::string_view reference);

}  // namespace sx
