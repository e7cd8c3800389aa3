// The op http/request: programs ask other servers.
#pragma once

#include <functional>

#include "engine/sx.h"
#include "server/client/http_client.h"
#include "server/io/persist_servicer.h"

namespace sx {

// client is asked for when the first request is made. post: see PostToVm; without it the performer
// waits on the spot (the command line).
void add_http_servicer(Runner& runner, std::function<HttpClient&()> client, PostToVm post);

}  // namespace sx
