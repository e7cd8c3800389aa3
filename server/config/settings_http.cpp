// The settings of the HTTP server, from their rows to its configuration.
#include <algorithm>
#include <thread>

#include "server/config/settings.h"
#include "server/http/http.h"

namespace sx {

HttpConfig http_config(const Settings& settings) {
  HttpConfig http;
  auto set = [&](auto& member, Setting id) {
    member = static_cast<std::remove_reference_t<decltype(member)>>(settings.number(id));
  };
  http.address = settings.text(Setting::HttpHost);
  set(http.port, Setting::HttpPort);
  if (settings.text(Setting::Workers).empty()) {
    http.workers = std::max(1u, std::thread::hardware_concurrency());
  } else {
    set(http.workers, Setting::Workers);
  }
  http.hosts = settings.list(Setting::Hosts);
  http.base_url = settings.text(Setting::BaseUrl);
  http.trusted_proxies = settings.list(Setting::TrustedProxies);
  set(http.header_bytes_max, Setting::HeaderBytesMax);
  set(http.header_count_max, Setting::HeaderCountMax);
  set(http.target_bytes_max, Setting::TargetBytesMax);
  set(http.body_bytes_max, Setting::BodyBytesMax);
  set(http.connections_max, Setting::ConnectionsMax);
  set(http.requests_max, Setting::RequestsMax);
  set(http.streams_max, Setting::StreamsMax);
  set(http.upload_bytes_max, Setting::UploadBytesMax);
  set(http.address_connections_max, Setting::AddressConnectionsMax);
  set(http.address_requests_per_second, Setting::AddressRequestsPerSecond);
  set(http.address_requests_burst, Setting::AddressRequestsBurst);
  http.limit_loopback = settings.flag(Setting::LimitLoopback);
  set(http.header_timeout_ms, Setting::HeaderTimeoutMs);
  set(http.body_timeout_ms, Setting::BodyTimeoutMs);
  set(http.handler_timeout_ms, Setting::HandlerTimeoutMs);
  set(http.write_timeout_ms, Setting::WriteTimeoutMs);
  set(http.idle_timeout_ms, Setting::IdleTimeoutMs);
  set(http.bytes_per_second_min, Setting::BytesPerSecondMin);
  // For answers that say nothing of their own: nothing from elsewhere, nothing inline, no frames.
  http.default_headers = {
      {"Content-Security-Policy",
       "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
       "object-src 'none'"},
      {"X-Content-Type-Options", "nosniff"},
      {"Referrer-Policy", "strict-origin-when-cross-origin"},
      {"Cross-Origin-Resource-Policy", "same-origin"}};
  if (http.base_url.starts_with("https:"))
    http.default_headers.emplace_back("Strict-Transport-Security", "max-age=31536000");
  return http;
}

}  // namespace sx
