// See origin.h.
#include "server/http/origin.h"

#include <arpa/inet.h>

#include <cstring>

#include "engine/base/str.h"
#include "server/http/field.h"

namespace sx {
namespace {

using Address = std::array<std::uint8_t, 16>;

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

bool digits_only(std::string_view s) {
  for (const char c : s)
    if (c < '0' || c > '9') return false;
  return !s.empty();
}

// IPv4 is kept as ::ffff:a.b.c.d, so one comparison serves both.
std::optional<Address> parse_address(std::string_view text) {
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']')
    text = text.substr(1, text.size() - 2);
  if (text.empty() || text.size() > 45) return std::nullopt;
  char buffer[46];
  std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = '\0';
  Address out{};
  if (inet_pton(AF_INET6, buffer, out.data()) == 1) return out;
  out[10] = out[11] = 0xff;
  if (inet_pton(AF_INET, buffer, out.data() + 12) == 1) return out;
  return std::nullopt;
}

// Splits "host:port" where the host may be a bracketed IPv6 address.
std::pair<std::string_view, std::string_view> split_port(std::string_view authority) {
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket))
    return {authority, {}};
  return {authority.substr(0, colon), authority.substr(colon + 1)};
}

bool is_loopback_name(std::string_view name) {
  if (name == "localhost" || name == "[::1]") return true;
  if (name.size() > 10 && name.substr(name.size() - 10) == ".localhost") return true;
  if (name.substr(0, 4) != "127.") return false;
  const auto address = parse_address(name);
  return address && (*address)[12] == 127;
}

// The last element of a comma list; proxies append, so the last is what our neighbour wrote.
std::string_view last_of_list(std::string_view list) {
  const std::size_t comma = list.rfind(',');
  return trim(comma == std::string_view::npos ? list : list.substr(comma + 1));
}

// An address as proxies write it: 1.2.3.4, 1.2.3.4:5678, [2001:db8::1]:5678, 2001:db8::1.
std::string_view strip_forwarded_port(std::string_view node) {
  if (!node.empty() && node.front() == '[') {
    const std::size_t end = node.find(']');
    return end == std::string_view::npos ? node : node.substr(1, end - 1);
  }
  const std::size_t colon = node.find(':');
  if (colon != std::string_view::npos && node.find(':', colon + 1) == std::string_view::npos)
    return node.substr(0, colon);
  return node;
}

// All values of a header that may be repeated, as one comma list.
std::string joined(const HttpRequest& request, std::string_view name) {
  std::string out;
  for (const auto& [key, value] : request.headers) {
    if (key != name) continue;
    if (!out.empty()) out += ',';
    out += value;
  }
  return out;
}

// The value of a parameter in one element of Forwarded: for=…;proto=…;host="…".
std::string_view forwarded_parameter(std::string_view element, std::string_view name) {
  while (!element.empty()) {
    const std::size_t semicolon = element.find(';');
    const std::string_view part = trim(element.substr(0, semicolon));
    const std::size_t equals = part.find('=');
    if (equals != std::string_view::npos && ascii_lower(part.substr(0, equals)) == name) {
      std::string_view value = part.substr(equals + 1);
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
        value = value.substr(1, value.size() - 2);
      return value;
    }
    if (semicolon == std::string_view::npos) break;
    element.remove_prefix(semicolon + 1);
  }
  return {};
}

}  // namespace

bool valid_authority(std::string_view authority) {
  const auto [name, port] = split_port(authority);
  if (name.empty() || name.size() > 255) return false;
  if (name.size() != authority.size() &&
      (!digits_only(port) || port.size() > 5 || std::stoul("0" + std::string(port)) > 65535))
    return false;
  if (name.front() == '[') return name.back() == ']' && parse_address(name).has_value();
  char before = '.';
  for (const char c : name) {
    if (c == '.' && before == '.') return false;
    before = c;
    const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    if (!allowed) return false;
  }
  return true;
}

Result<OriginPolicy> OriginPolicy::make(const HttpConfig& config) {
  OriginPolicy policy;
  for (const std::string& text : config.trusted_proxies) {
    const std::string_view entry = trim(text);
    const std::size_t slash = entry.find('/');
    const auto address = parse_address(entry.substr(0, slash));
    if (!address)
      return Error{
          str("trusted proxy \"", text, "\" is not an address or CIDR block such as 10.0.0.0/8")};
    const bool v4 = entry.find(':') == std::string_view::npos;
    int bits = 128;
    if (slash != std::string_view::npos) {
      const std::string_view length = entry.substr(slash + 1);
      if (!digits_only(length) || length.size() > 3 ||
          std::stoi(std::string(length)) > (v4 ? 32 : 128))
        return Error{
            str("trusted proxy \"", text, "\" has a prefix length outside 0 to ", v4 ? 32 : 128)};
      bits = std::stoi(std::string(length)) + (v4 ? 96 : 0);
    }
    policy.trusted_.push_back({*address, bits});
  }
  for (const std::string& text : config.hosts) {
    std::string entry = ascii_lower(trim(text));
    if (entry.empty()) continue;
    if (entry == "*") {
      policy.any_host_ = true;
      continue;
    }
    const bool wildcard = entry.substr(0, 2) == "*.";
    if (wildcard) entry.erase(0, 1);
    if (!valid_authority(wildcard ? std::string_view(entry).substr(1) : std::string_view(entry)))
      return Error{
          str("host \"", text, "\" is not a host name such as example.org or example.org:8080")};
    const auto [name, port] = split_port(entry);
    policy.hosts_.push_back({std::string(name), std::string(port), wildcard});
  }
  if (!config.base_url.empty()) {
    const std::size_t colon = config.base_url.find("://");
    const std::string scheme =
        colon == std::string::npos
            ? std::string()
            : ascii_lower(std::string_view(config.base_url).substr(0, colon));
    std::string_view rest = colon == std::string::npos
                                ? std::string_view()
                                : std::string_view(config.base_url).substr(colon + 3);
    if (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
    if ((scheme != "http" && scheme != "https") || !valid_authority(rest))
      return Error{str("base URL \"", config.base_url,
                       "\" is not of the form https://example.org (scheme and host, no path)")};
    policy.base_scheme_ = scheme;
    policy.base_host_ = ascii_lower(rest);
    policy.hosts_.push_back({std::string(split_port(policy.base_host_).first), "", false});
  }
  return policy;
}

bool OriginPolicy::trusts(std::string_view ip) const {
  if (trusted_.empty()) return false;
  const auto address = parse_address(ip);
  if (!address) return false;
  for (const Block& block : trusted_) {
    const int whole = block.bits / 8;
    const int rest = block.bits % 8;
    if (std::memcmp(block.address.data(), address->data(), static_cast<std::size_t>(whole)) != 0)
      continue;
    if (rest == 0) return true;
    const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
    const auto at = static_cast<std::size_t>(whole);
    if ((block.address[at] & mask) == ((*address)[at] & mask)) return true;
  }
  return false;
}

bool OriginPolicy::answers_for(std::string_view host) const {
  const auto [name, port] = split_port(host);
  if (is_loopback_name(name) || any_host_) return true;
  for (const Host& rule : hosts_) {
    if (!rule.port.empty() && rule.port != port) continue;
    if (rule.wildcard ? name.size() > rule.name.size() &&
                            name.substr(name.size() - rule.name.size()) == rule.name
                      : name == rule.name)
      return true;
  }
  return false;
}

std::optional<Refusal> OriginPolicy::apply(HttpRequest& request, std::string_view peer_ip,
                                           std::string_view authority) const {
  request.remote_ip = peer_ip;
  request.scheme = "http";
  std::string forwarded_host;
  if (trusts(peer_ip)) {
    // From the right: each trusted proxy vouches for the address it wrote down.
    const auto walk = [&](std::string_view list, auto&& address_of) {
      while (!list.empty()) {
        const std::size_t comma = list.rfind(',');
        const std::string_view node = address_of(last_of_list(list));
        const auto address = parse_address(node);
        if (!address) break;
        request.remote_ip = node;
        if (!trusts(node) || comma == std::string_view::npos) break;
        list = list.substr(0, comma);
      }
    };
    const std::string chain = joined(request, "x-forwarded-for");
    const std::string proto = joined(request, "x-forwarded-proto");
    const std::string host = joined(request, "x-forwarded-host");
    if (!chain.empty() || !proto.empty() || !host.empty()) {
      walk(chain, [](std::string_view node) { return strip_forwarded_port(node); });
      if (const std::string scheme = ascii_lower(last_of_list(proto)); scheme == "https")
        request.scheme = scheme;
      forwarded_host = last_of_list(host);
    } else if (const std::string forwarded = joined(request, "forwarded"); !forwarded.empty()) {
      walk(forwarded, [](std::string_view element) {
        return strip_forwarded_port(forwarded_parameter(element, "for"));
      });
      const std::string_view last = last_of_list(forwarded);
      if (ascii_lower(forwarded_parameter(last, "proto")) == "https") request.scheme = "https";
      forwarded_host = forwarded_parameter(last, "host");
    }
  }
  const std::string_view named =
      forwarded_host.empty() ? authority : std::string_view(forwarded_host);
  if (!valid_authority(named))
    return Refusal{400, "the Host header is not a host name with an optional port"};
  request.host = ascii_lower(named);
  if (!answers_for(request.host))
    return Refusal{421, str("this server does not answer for the host \"", request.host,
                            "\" (its operator lists its names in SX_HOSTS)")};
  if (!base_host_.empty()) {
    request.scheme = base_scheme_;
    request.host = base_host_;
  }
  return std::nullopt;
}

}  // namespace sx
