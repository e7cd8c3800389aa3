// A blob as the body of an answer: {:blob cid}. It goes from the blob store to the client without
// passing through the heap of the language, with a validator, preconditions and ranges.
#pragma once

#include <string_view>

#include "server/http/http.h"
#include "server/store/blobs.h"

namespace sx {

// Fills in the response, whose headers are there already; they win over ours. 404 when there is no
// such blob. A large one is read while it is sent: blobs outlives the server.
void answer_blob(const store::BlobStore& blobs, std::string_view cid, const HttpRequest& request,
                 HttpResponse& response);

}  // namespace sx
