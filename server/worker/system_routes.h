// The addresses that every server has, whatever its application: /health, /ready and /metrics. They
// are for those who run it, and answer while the application is broken or still being made.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "server/http/http.h"

namespace sx {

// What the isolate they are asked of is about to do.
enum class AppState { Starting, Ready, Failed };

struct SystemRoutes {
  // The whole of /metrics in the Prometheus text format; without it there is no such address.
  std::function<std::string()> metrics;
  // Who knows it may read /metrics, as a Bearer token. Without one, only this machine may, and not
  // through a proxy: behind one, every visitor comes from this machine.
  std::string metrics_token;
  // The server has a public name (SX_BASE_URL), so a proxy stands before it, whether or not it says
  // so in its requests: nobody without the token.
  bool public_name = false;
  // Whether the store is in reach; while it is not, /ready is 503.
  std::function<bool()> store_answers;
};

// The answer when the request is for one of them. /health: 200 while the process answers at all.
// /ready: 200 when it serves its application and goes on doing so, else 503.
std::optional<HttpResponse> answer_system_route(const SystemRoutes& routes, const Worker& worker,
                                                AppState state, const HttpRequest& request);

}  // namespace sx
