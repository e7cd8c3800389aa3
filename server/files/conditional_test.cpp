#include "server/files/conditional.h"

#include <utility>

#include "doctest/doctest.h"
#include "server/files/compress.h"
#include "server/files/negotiate.h"

namespace sx {
namespace {

constexpr std::int64_t kModified = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT
const std::string kSame = "Sun, 06 Nov 1994 08:49:37 GMT";
const std::string kBefore = "Sun, 06 Nov 1994 08:49:36 GMT";
const std::string kAfter = "Sun, 06 Nov 1994 08:49:38 GMT";

HttpRequest request(HttpHeaders headers, std::string method = "GET") {
  HttpRequest out;
  out.method = std::move(method);
  out.headers = std::move(headers);
  return out;
}

TEST_CASE("the order of preconditions is that of RFC 9110") {
  using P = Precondition;
  const P go = P::Proceed, same = P::NotModified, failed = P::Failed;
  struct Case {
    HttpHeaders headers;
    P get, put;
  };
  const Case cases[] = {
      {{}, go, go},
      {{{"if-match", "\"a\""}}, go, go},
      {{{"if-match", "*"}}, go, go},
      {{{"if-match", "\"x\", \"a\""}}, go, go},
      {{{"if-match", "\"b\""}}, failed, failed},
      {{{"if-match", "W/\"a\""}}, failed, failed},
      {{{"if-match", ""}}, failed, failed},
      {{{"if-none-match", "\"a\""}}, same, failed},
      {{{"if-none-match", "W/\"a\""}}, same, failed},
      {{{"if-none-match", "\"x\",\"a\""}}, same, failed},
      {{{"if-none-match", "*"}}, same, failed},
      {{{"if-none-match", "\"b\""}}, go, go},
      {{{"if-none-match", "garbage"}}, go, go},
      {{{"if-modified-since", kSame}}, same, go},
      {{{"if-modified-since", kAfter}}, same, go},
      {{{"if-modified-since", kBefore}}, go, go},
      {{{"if-modified-since", "yesterday"}}, go, go},
      {{{"if-unmodified-since", kSame}}, go, go},
      {{{"if-unmodified-since", kAfter}}, go, go},
      {{{"if-unmodified-since", kBefore}}, failed, failed},
      {{{"if-unmodified-since", "yesterday"}}, go, go},
      // If-Match rules out If-Unmodified-Since, If-None-Match rules out If-Modified-Since.
      {{{"if-match", "\"a\""}, {"if-unmodified-since", kBefore}}, go, go},
      {{{"if-match", "\"b\""}, {"if-unmodified-since", kAfter}}, failed, failed},
      {{{"if-none-match", "\"b\""}, {"if-modified-since", kAfter}}, go, go},
      {{{"if-none-match", "\"a\""}, {"if-modified-since", kBefore}}, same, failed},
      // What refuses comes before what was not modified.
      {{{"if-match", "\"b\""}, {"if-none-match", "\"a\""}}, failed, failed},
      {{{"if-match", "\"a\""}, {"if-none-match", "\"a\""}}, same, failed},
      {{{"if-unmodified-since", kBefore}, {"if-modified-since", kAfter}}, failed, failed},
      {{{"if-unmodified-since", kAfter}, {"if-modified-since", kAfter}}, same, go},
  };
  int n = 0;
  for (const Case& c : cases) {
    CAPTURE(n++);
    const Validators current{"\"a\"", kModified};
    CHECK(check_preconditions(request(c.headers), current) == c.get);
    CHECK(check_preconditions(request(c.headers, "HEAD"), current) == c.get);
    CHECK(check_preconditions(request(c.headers, "PUT"), current) == c.put);
  }
}

TEST_CASE("without a validator only what needs none can hold") {
  const Validators none;
  CHECK(check_preconditions(request({{"if-match", "*"}}), none) == Precondition::Proceed);
  CHECK(check_preconditions(request({{"if-match", "\"a\""}}), none) == Precondition::Failed);
  CHECK(check_preconditions(request({{"if-none-match", "\"a\""}}), none) == Precondition::Proceed);
  CHECK(check_preconditions(request({{"if-modified-since", kSame}}), none) ==
        Precondition::Proceed);
  const Validators weak{"W/\"a\"", std::nullopt};
  CHECK(check_preconditions(request({{"if-match", "W/\"a\""}}), weak) == Precondition::Failed);
  CHECK(check_preconditions(request({{"if-none-match", "\"a\""}}), weak) ==
        Precondition::NotModified);
}

TEST_CASE("dates are read in the three forms of RFC 9110") {
  for (const char* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994"})
    CHECK(parse_http_date(text) == kModified);
  for (const char* text : {"", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nov 1994 08:49:37",
                           "06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
                           "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nor 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 08-49-37 GMT", "Sunday, 06-Nov-94 08:49:37 CET",
                           "Sun Nov  6 08:49:37 94", "1994-11-06T08:49:37Z"})
    CHECK_FALSE(parse_http_date(text));
}

TEST_CASE("ranges: what is asked for, what is read as all, what cannot be") {
  using R = std::vector<ByteRange>;
  struct Case {
    const char* header;
    RangeChoice::Kind kind;
    R ranges;
  };
  using K = RangeChoice::Kind;
  const Case cases[] = {
      {"bytes=0-0", K::Some, {{0, 1}}},
      {"bytes=0-", K::Some, {{0, 100}}},
      {"bytes=10-19", K::Some, {{10, 10}}},
      {"bytes=-5", K::Some, {{95, 5}}},
      {"bytes=-500", K::Some, {{0, 100}}},
      {"bytes=99-", K::Some, {{99, 1}}},
      {"bytes=90-1000", K::Some, {{90, 10}}},
      {"Bytes=0-1", K::Some, {{0, 2}}},
      {"bytes= 0-1 , 5-6", K::Some, {{0, 2}, {5, 2}}},
      {"bytes=0-1,,5-6,", K::Some, {{0, 2}, {5, 2}}},
      {"bytes=50-59,0-9", K::Some, {{50, 10}, {0, 10}}},
      {"bytes=0-9,5-14", K::Some, {{0, 15}}},
      {"bytes=0-9,10-19", K::Some, {{0, 20}}},
      {"bytes=0-1,90-99,0-99", K::Some, {{0, 100}}},
      {"bytes=5-6,200-300", K::Some, {{5, 2}}},
      {"bytes=0-0,-1", K::Some, {{0, 1}, {99, 1}}},
      {"bytes=100-", K::Unsatisfiable, {}},
      {"bytes=100-200", K::Unsatisfiable, {}},
      {"bytes=-0", K::Unsatisfiable, {}},
      {"bytes=100-,200-", K::Unsatisfiable, {}},
      {"bytes=", K::Whole, {}},
      {"bytes=,", K::Whole, {}},
      {"bytes=-", K::Whole, {}},
      {"bytes=a-b", K::Whole, {}},
      {"bytes=5-4", K::Whole, {}},
      {"bytes=0-1,5-4", K::Whole, {}},
      {"bytes=0x0-1", K::Whole, {}},
      {"bytes=+1-2", K::Whole, {}},
      {"bytes=1 - 2", K::Whole, {}},
      {"bytes=--1", K::Whole, {}},
      {"bytes=99999999999999999999-", K::Whole, {}},
      {"lines=0-1", K::Whole, {}},
      {"bytes 0-1", K::Whole, {}},
      {"0-1", K::Whole, {}},
      {"", K::Whole, {}},
      {"bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16,18-18,20-20,22-22,24-24,26-26,28-28,30-"
       "30,"
       "32-32",
       K::Whole,
       {}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.header);
    const RangeChoice choice = choose_ranges(request({{"range", c.header}}), 100, {});
    CHECK(choice.kind == c.kind);
    CHECK(choice.ranges == c.ranges);
  }
  CHECK(choose_ranges(request({{"range", "bytes=0-"}}), 0, {}).kind == K::Unsatisfiable);
  CHECK(choose_ranges(request({{"range", "bytes=-1"}}), 0, {}).kind == K::Unsatisfiable);
}

TEST_CASE("If-Range: a strong tag or the exact date, else all of it") {
  const auto kind = [](const char* condition, std::string_view etag) {
    return choose_ranges(request({{"range", "bytes=0-0"}, {"if-range", condition}}), 100,
                         {etag, kModified})
        .kind;
  };
  using K = RangeChoice::Kind;
  CHECK(kind("\"a\"", "\"a\"") == K::Some);
  CHECK(kind("\"b\"", "\"a\"") == K::Whole);
  CHECK(kind("W/\"a\"", "W/\"a\"") == K::Whole);
  CHECK(kind(kSame.c_str(), "\"a\"") == K::Some);
  CHECK(kind(kAfter.c_str(), "\"a\"") == K::Whole);
  CHECK(kind(kBefore.c_str(), "\"a\"") == K::Whole);
  CHECK(kind("*", "\"a\"") == K::Whole);
}

std::string body_of(const HttpResponse& response) {
  if (const auto* own = std::get_if<std::string>(&response.body)) return *own;
  return *std::get<std::shared_ptr<const std::string>>(response.body);
}

HttpResponse ranged(const char* range, std::string method = "GET") {
  HttpResponse response;
  response.set_header("Content-Type", "text/plain");
  answer_ranges(request({{"range", range}}, std::move(method)), response, {},
                std::make_shared<const std::string>("0123456789"));
  return response;
}

TEST_CASE("several ranges go as multipart/byteranges") {
  const HttpResponse response = ranged("bytes=0-1,5-6");
  CHECK(response.status == 206);
  const std::string type = *response.header("Content-Type");
  REQUIRE(type.starts_with("multipart/byteranges; boundary="));
  const std::string boundary = type.substr(type.find('=') + 1);
  CHECK_FALSE(response.header("Content-Range"));
  CHECK(body_of(response) ==
        "\r\n--" + boundary +
            "\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01" + "\r\n--" +
            boundary + "\r\nContent-Type: text/plain\r\nContent-Range: bytes 5-6/10\r\n\r\n56" +
            "\r\n--" + boundary + "--\r\n");
  CHECK(*ranged("bytes=0-1,5-6").header("Content-Type") != type);
}

TEST_CASE("one range, none that can be, and HEAD") {
  const HttpResponse one = ranged("bytes=2-4");
  CHECK(one.status == 206);
  CHECK(body_of(one) == "234");
  CHECK(*one.header("Content-Range") == "bytes 2-4/10");
  const HttpResponse none = ranged("bytes=10-");
  CHECK(none.status == 416);
  CHECK(*none.header("Content-Range") == "bytes */10");
  const HttpResponse head = ranged("bytes=2-4", "HEAD");
  CHECK(head.status == 200);
  CHECK(body_of(head) == "0123456789");
}

TEST_CASE("a dynamic answer keeps to If-Match and to its Last-Modified too") {
  const auto answer = [](HttpHeaders headers) {
    HttpResponse response = HttpResponse::text(200, "page");
    response.set_header("ETag", "\"a\"");
    response.set_header("Last-Modified", kSame);
    answer_conditional(request(std::move(headers)), response);
    return response.status;
  };
  CHECK(answer({}) == 200);
  CHECK(answer({{"if-match", "\"a\""}}) == 200);
  CHECK(answer({{"if-match", "\"a-br\""}}) == 200);
  CHECK(answer({{"if-match", "\"b\""}}) == 412);
  CHECK(answer({{"if-none-match", "\"a-gz\""}}) == 200);
  CHECK(answer({{"if-none-match", "\"a\""}}) == 304);
  CHECK(answer({{"if-modified-since", kSame}}) == 304);
  CHECK(answer({{"if-modified-since", kBefore}}) == 200);
  CHECK(answer({{"if-unmodified-since", kBefore}}) == 412);
}

}  // namespace
}  // namespace sx
