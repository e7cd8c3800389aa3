#include "server/worker/failure.h"

#include "engine/base/str.h"
#include "engine/value/collections.h"

namespace sx {

namespace {

struct Said {
  int status;
  std::string_view heading, words;
};

constexpr Said kFull = {507, "There is no room left",
                        "The server's disk is full. Nothing was saved; reading still works."};
constexpr Said kDown = {503, "Busy at the moment",
                        "The store of this site does not answer at present. Try again soon."};
constexpr Said kBroken = {500, "Something went wrong", "The server met an error while answering."};

const Said& said_of(Context& cx, Value error) {
  if (!is_dict(error)) return kBroken;
  const Value kind = dict_get(cx, error, cx.keyword("kind"));
  if (kind == cx.keyword("store-full")) return kFull;
  if (kind == cx.keyword("store-down")) return kDown;
  return kBroken;
}

}  // namespace

std::string failure_log(Context& cx, Value error) {
  const Said& said = said_of(cx, error);
  if (&said == &kBroken) return describe_error(cx, error);
  return str(&said == &kFull ? "store-full: " : "store-down: ", error_summary(cx, error));
}

HttpResponse failure_page(Context& cx, const HttpRequest& request, Value error) {
  const Said& said = said_of(cx, error);
  HttpResponse response;
  response.status = said.status;
  response.set_header("Content-Type", "text/html; charset=utf-8");
  response.set_header("Cache-Control", "no-store");
  if (said.status != 500) response.set_header("Retry-After", said.status == 507 ? "60" : "5");
  std::string number = "0000000000000000";
  std::uint64_t id = request.id;
  for (std::size_t i = number.size(); i > 0; --i, id >>= 4)
    number[i - 1] = "0123456789abcdef"[id & 15];
  response.body = str(
      "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Error</title></head>"
      "<body><h1>",
      said.heading, "</h1><p>", said.words, " It was logged as request <code>", number,
      "</code>.</p><p><a href=\"/\">To the start page</a></p></body></html>\n");
  return response;
}

}  // namespace sx
