#include "server/worker/blob_answer.h"

#include <cstdio>
#include <memory>
#include <string>

#include "engine/base/str.h"
#include "server/files/conditional.h"

namespace sx {
namespace {

constexpr std::uint64_t kInMemoryMax = 1024 * 1024;
constexpr std::uint64_t kPieceBytes = 64 * 1024;

// Reads from the store what the client has room for.
std::shared_ptr<HttpStream> stream_blob(const store::BlobStore& blobs, std::string cid,
                                        ByteRange range) {
  struct Reading {
    StreamWriter writer;
    std::uint64_t at = 0;
    std::uint64_t left = 0;
  };
  auto reading = std::make_shared<Reading>();
  reading->at = range.first;
  reading->left = range.length;
  const auto go_on = [&blobs, cid = std::move(cid), reading] {
    while (reading->left > 0) {
      const auto piece = blobs.read(cid, reading->at, std::min(reading->left, kPieceBytes));
      if (!piece.ok() || piece->empty()) {
        std::fprintf(stderr, "http: the blob %s could not be read to its end: %s\n", cid.c_str(),
                     piece.ok() ? "it is shorter" : piece.error().message.c_str());
        reading->writer = StreamWriter();  // the connection is cut
        return;
      }
      reading->at += piece->size();
      reading->left -= piece->size();
      if (!reading->writer.write(*piece)) break;
    }
    if (reading->left == 0) reading->writer.finish();
  };
  auto stream = std::make_shared<HttpStream>();
  stream->length = range.length;
  stream->start = [reading, go_on](StreamWriter writer) {
    reading->writer = std::move(writer);
    go_on();
  };
  stream->signal = [reading, go_on](StreamSignal signal) {
    if (signal == StreamSignal::Room) go_on();
    if (signal == StreamSignal::Gone) reading->left = 0;
  };
  return stream;
}

}  // namespace

void answer_blob(const store::BlobStore& blobs, std::string_view cid, const HttpRequest& request,
                 HttpResponse& response) {
  const auto ref = store::is_cid(cid) ? blobs.stat(cid) : Error{"no cid"};
  if (!ref.ok()) {
    response = HttpResponse::text(404, "404 Not Found: there is no such blob\n");
    return;
  }
  if (!response.header("Content-Type")) response.set_header("Content-Type", ref->mime);
  if (!response.header("X-Content-Type-Options"))
    response.set_header("X-Content-Type-Options", "nosniff");
  const std::string etag = str("\"", cid.substr(0, 32), "\"");
  response.set_header("ETag", etag);
  const Validators current{etag, std::nullopt};
  switch (check_preconditions(request, current)) {
    case Precondition::NotModified:
      response.status = 304;
      return;
    case Precondition::Failed:
      response =
          HttpResponse::text(412, "412 Precondition Failed: the file is another one by now\n");
      return;
    case Precondition::Proceed:
      break;
  }
  if (ref->size <= kInMemoryMax) {
    auto bytes = blobs.get(cid);
    if (!bytes.ok()) {
      std::fprintf(stderr, "http: %s\n", bytes.error().message.c_str());
      response = HttpResponse::text(500, "500 Internal Server Error: the blob is damaged\n");
      return;
    }
    return answer_ranges(request, response, current,
                         std::make_shared<const std::string>(bytes.take()));
  }
  response.set_header("Accept-Ranges", "bytes");
  RangeChoice choice;
  if (request.method == "GET") choice = choose_ranges(request, ref->size, current);
  if (choice.kind == RangeChoice::Kind::Unsatisfiable) {
    response = HttpResponse::text(
        416, str("416 Range Not Satisfiable: there are ", ref->size, " bytes\n"));
    response.set_header("Content-Range", str("bytes */", ref->size));
    return;
  }
  // Several ranges of a large blob at once: all of it, as RFC 9110 §14.2 lets a server choose.
  ByteRange range{0, ref->size};
  if (choice.kind == RangeChoice::Kind::Some && choice.ranges.size() == 1) {
    range = choice.ranges[0];
    response.status = 206;
    response.set_header("Content-Range", str("bytes ", range.first, "-",
                                             range.first + range.length - 1, "/", ref->size));
  }
  response.body = stream_blob(blobs, std::string(cid), range);
}

}  // namespace sx
