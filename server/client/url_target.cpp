#include "server/client/url_target.h"

#include <boost/url.hpp>
#include <boost/url/src.hpp>  // Debian 12 has no library of it to link

#include "engine/base/str.h"
#include "server/http/field.h"

namespace sx {
namespace {

namespace urls = boost::urls;

std::string shown(std::string_view text) {
  return text.size() <= 200 ? std::string(text) : str(text.substr(0, 200), "…");
}

Result<UrlTarget> target_of(urls::url_view url, std::string_view given) {
  UrlTarget made;
  const auto scheme = url.scheme_id();
  if (scheme != urls::scheme::http && scheme != urls::scheme::https)
    return Error{str("expected a URL that begins with http:// or https://, got ", shown(given))};
  made.tls = scheme == urls::scheme::https;
  if (url.has_userinfo())
    return Error{str("expected a URL without user and password; send an Authorization header")};
  made.host =
      ascii_lower(url.host_type() == urls::host_type::ipv6 ? std::string(url.encoded_host_address())
                                                           : std::string(url.host()));
  if (made.host.empty()) return Error{str("expected a URL with a host, got ", shown(given))};
  for (const char c : made.host)
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f)
      return Error{str("expected a host in ASCII (xn--… for other scripts), got ", shown(given))};
  made.port = made.tls ? 443 : 80;
  if (url.has_port() && !url.port().empty()) {
    // Not port_number(): it wraps.
    unsigned long port = 0;
    for (const char c : url.port())
      if (port < 100'000) port = port * 10 + static_cast<unsigned long>(c - '0');
    if (port == 0 || port > 65535)
      return Error{str("expected a port from 1 to 65535, got ", shown(given))};
    made.port = static_cast<std::uint16_t>(port);
  }
  made.target = std::string(url.encoded_path());
  // A way above the root ends there (RFC 3986 §5.2.4).
  while (made.target.starts_with("/../")) made.target.erase(0, 3);
  if (made.target.empty() || made.target == "/..") made.target = "/";
  if (url.has_query()) made.target += str("?", std::string_view(url.encoded_query()));
  made.text = str(made.origin(), made.target);
  return made;
}

}  // namespace

std::string UrlTarget::authority() const {
  const std::string name = host.find(':') == std::string::npos ? host : str("[", host, "]");
  return port == (tls ? 443 : 80) ? name : str(name, ":", unsigned{port});
}

std::string UrlTarget::origin() const { return str(tls ? "https://" : "http://", authority()); }

Result<UrlTarget> parse_url(std::string_view url) {
  const auto parsed = urls::parse_uri({url.data(), url.size()});
  if (!parsed)
    return Error{
        str("expected an absolute URL such as https://host/path (other characters as %XX), "
            "got ",
            shown(url))};
  const std::string_view rest = url.substr(url.find("//") + 2);
  if (std::string_view(parsed->encoded_authority()) != rest.substr(0, rest.find_first_of("/?#")))
    return Error{str("expected a host and perhaps a port after //, got ", shown(url))};
  return target_of(*parsed, url);
}

Result<UrlTarget> resolve_url(const UrlTarget& base, std::string_view reference) {
  const auto parsed = urls::parse_uri_reference({reference.data(), reference.size()});
  if (!parsed) return Error{str("expected a URL, got ", shown(reference))};
  urls::url whole;
  const auto resolved = urls::resolve(urls::parse_uri(base.text).value(), *parsed, whole);
  if (resolved) whole.normalize_path();
  if (!resolved) return Error{str("expected a URL, got ", shown(reference))};
  return target_of(whole, reference);
}

}  // namespace sx
