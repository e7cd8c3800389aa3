#include "server/worker/system_routes.h"

#include <string_view>

#include "engine/base/str.h"
#include "server/crypto/crypto.h"

namespace sx {
namespace {

HttpResponse unkept(int status, std::string text) {
  HttpResponse response = HttpResponse::text(status, std::move(text));
  response.set_header("Cache-Control", "no-store");
  return response;
}

bool from_this_machine(const HttpRequest& request) {
  if (request.header("x-forwarded-for") || request.header("forwarded") || request.header("via"))
    return false;
  const std::string_view ip = request.remote_ip;
  return ip == "::1" || ip.starts_with("127.") || ip.starts_with("::ffff:127.");
}

HttpResponse metrics(const SystemRoutes& routes, const HttpRequest& request) {
  if (!routes.metrics_token.empty()) {
    constexpr std::string_view kScheme = "Bearer ";
    const std::string* given = request.header("authorization");
    if (!given || !given->starts_with(kScheme) ||
        !constant_time_equal(std::string_view(*given).substr(kScheme.size()),
                             routes.metrics_token)) {
      HttpResponse refused =
          unkept(401, "401 Unauthorized: /metrics needs the Bearer token of SX_METRICS_TOKEN\n");
      refused.set_header("WWW-Authenticate", "Bearer realm=\"metrics\"");
      return refused;
    }
  } else if (routes.public_name || !from_this_machine(request)) {
    return unkept(403, routes.public_name
                           ? "403 Forbidden: the server has a public address (SX_BASE_URL); set "
                             "SX_METRICS_TOKEN to read /metrics\n"
                           : "403 Forbidden: /metrics is for this machine; set SX_METRICS_TOKEN to "
                             "read it from elsewhere\n");
  }
  HttpResponse response = unkept(200, routes.metrics());
  response.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  return response;
}

}  // namespace

std::optional<HttpResponse> answer_system_route(const SystemRoutes& routes, const Worker& worker,
                                                AppState state, const HttpRequest& request) {
  const bool known = request.path == "/health" || request.path == "/ready" ||
                     (request.path == "/metrics" && routes.metrics);
  if (!known) return std::nullopt;
  if (request.method != "GET" && request.method != "HEAD") {
    HttpResponse refused = unkept(
        405, str("405 Method Not Allowed: ", request.path, " is only read, with GET or HEAD\n"));
    refused.set_header("Allow", "GET, HEAD");
    return refused;
  }
  if (request.path == "/health") return unkept(200, "ok\n");
  if (request.path == "/metrics") return metrics(routes, request);
  if (worker.draining()) return unkept(503, "503 Service Unavailable: the server is stopping\n");
  if (state == AppState::Failed)
    return unkept(503,
                  "503 Service Unavailable: the application did not start; the server's log says "
                  "why\n");
  if (state == AppState::Starting)
    return unkept(503, "503 Service Unavailable: the application is being made\n");
  if (routes.store_answers && !routes.store_answers())
    return unkept(503, "503 Service Unavailable: the store is out of reach\n");
  return unkept(200, "ready\n");
}

}  // namespace sx
