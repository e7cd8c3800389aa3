// The answer to a request whose handler raised an error that nothing caught.
#pragma once

#include "engine/sx.h"
#include "server/http/http.h"

namespace sx {

// 500, with the request's number, which the log has too; 503 while the store does not answer and
// 507 while its disk is full: those pass, and nothing was written.
HttpResponse failure_page(Context& cx, const HttpRequest& request, Value error);
// What the log says of it. What passes says nothing of the program: its kind and words, without
// the places, as it may come with every request.
std::string failure_log(Context& cx, Value error);

}  // namespace sx
