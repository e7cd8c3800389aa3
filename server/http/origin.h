// Who asks, and under which name we were asked: remote_ip, scheme and host of a request.
//
// A client can write any Host header. A name we do not answer for is refused with 421, so that no
// absolute URL, cookie or cache entry is ever made for a stranger's name (DNS rebinding, host
// header injection). X-Forwarded-For/-Proto/-Host are believed only when the peer is a trusted
// proxy; Forwarded (RFC 7239) only from the same and only if no X-Forwarded-* header is there,
// because proxies that write the one often pass the other on unread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "server/http/head_scanner.h"
#include "server/http/http.h"

namespace sx {

class OriginPolicy {
 public:
  // From config.hosts, base_url and trusted_proxies; an entry that cannot be read is an error.
  static Result<OriginPolicy> make(const HttpConfig& config);

  // Fills request.remote_ip, scheme and host. `authority` is what the request names as its host.
  // A refusal is 400 for what is no host name and 421 for one that is not ours.
  std::optional<Refusal> apply(HttpRequest& request, std::string_view peer_ip,
                               std::string_view authority) const;

  // Nobody's word is taken for where a request comes from: what apply() makes of requests of one
  // peer depends on the authority alone.
  bool trusts_nobody() const { return trusted_.empty(); }
  bool trusts(std::string_view ip) const;
  bool answers_for(std::string_view host) const;  // lower-case, with or without port

 private:
  struct Block {
    std::array<std::uint8_t, 16> address;
    int bits;
  };
  struct Host {
    std::string name;  // without port; for a wildcard what follows the '*'
    std::string port;  // empty: any
    bool wildcard;
  };

  std::vector<Block> trusted_;
  std::vector<Host> hosts_;
  bool any_host_ = false;
  std::string base_scheme_;
  std::string base_host_;
};

// True for `name`, `name:port`, `1.2.3.4:80`, `[::1]:80`.
bool valid_authority(std::string_view authority);

}  // namespace sx
