#include "server/http/multipart.h"

#include <utility>
#include <vector>

#include "doctest/doctest.h"

namespace sx {
namespace {

struct Part {
  PartHead head;
  std::string data;
  bool ended = false;
};

class Collector : public PartSink {
 public:
  std::optional<Refusal> begin_part(const PartHead& head) override {
    parts.push_back({head, "", false});
    return std::nullopt;
  }
  std::optional<Refusal> part_data(std::string_view piece) override {
    parts.back().data += piece;
    longest = std::max(longest, piece.size());
    if (parts.back().data.size() > most) return Refusal{413, "too much"};
    return std::nullopt;
  }
  std::optional<Refusal> end_part() override {
    parts.back().ended = true;
    return std::nullopt;
  }
  std::vector<Part> parts;
  std::size_t longest = 0, most = SIZE_MAX;
};

// The parts of a body that comes in pieces of `step` bytes, or the refusal.
struct Parsed {
  std::vector<Part> parts;
  int status = 0;
  std::string why;
};
Parsed parse(std::string_view body, std::size_t step = 1 << 20, MultipartLimits limits = {},
             std::string_view boundary = "XX") {
  Collector sink;
  MultipartParser parser(boundary, limits, sink);
  bool good = true;
  for (std::size_t at = 0; good && at < body.size(); at += step)
    good = parser.put(body.substr(at, step));
  good = good && parser.finish();
  Parsed out{std::move(sink.parts), 0, ""};
  if (!good) out.status = parser.refusal().status, out.why = parser.refusal().why;
  return out;
}

std::string part(std::string_view disposition, std::string_view data, std::string_view more = "") {
  return "--XX\r\nContent-Disposition: form-data; " + std::string(disposition) + "\r\n" +
         std::string(more) + "\r\n" + std::string(data) + "\r\n";
}

TEST_CASE("fields and files arrive as they were sent, in pieces of any size") {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  bytes += "\r\n--X\r\n--\r\r\n-XX\r\n--Xx\r";
  const std::string body =
      part("name=\"title\"", "Hello") + part("name=a", "") +
      part("name=\"f\"; filename=\"x;y \\\"z\\\".png\"", bytes, "Content-Type: image/png\r\n") +
      "--XX--\r\nwhat follows means nothing";
  for (const std::size_t step : {1u, 2u, 3u, 5u, 7u, 11u, 64u, 100000u}) {
    CAPTURE(step);
    const Parsed parsed = parse(body, step);
    REQUIRE(parsed.status == 0);
    REQUIRE(parsed.parts.size() == 3);
    CHECK(parsed.parts[0].head.name == "title");
    CHECK_FALSE(parsed.parts[0].head.filename);
    CHECK(parsed.parts[0].data == "Hello");
    CHECK(parsed.parts[1].head.name == "a");
    CHECK(parsed.parts[1].data.empty());
    CHECK(parsed.parts[2].head.filename == "x;y \"z\".png");
    CHECK(parsed.parts[2].head.type == "image/png");
    CHECK(parsed.parts[2].data == bytes);
    for (const Part& one : parsed.parts) CHECK(one.ended);
  }
}

TEST_CASE("an empty form, and one that begins with a line end, are forms") {
  CHECK(parse("--XX--").parts.empty());
  CHECK(parse("--XX--").status == 0);
  CHECK(parse("\r\n" + part("name=a", "1") + "--XX--\r\n").parts.size() == 1);
}

TEST_CASE("a backslash in a file's name is kept where it escapes nothing") {
  const Parsed parsed = parse(part(R"(name="f"; filename="C:\dir\a.png")", "") + "--XX--");
  REQUIRE(parsed.parts.size() == 1);
  CHECK(parsed.parts[0].head.filename == R"(C:\dir\a.png)");
}

TEST_CASE("white space may follow a boundary") {
  CHECK(
      parse("--XX \t\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--XX--").parts.size() ==
      1);
}

TEST_CASE("what two readers could see differently is refused with a sentence") {
  const std::string end = "--XX--\r\n";
  const std::pair<std::string, const char*> cases[] = {
      {"", "ends before its last boundary"},
      {"--XX", "ends before its last boundary"},
      {part("name=a", "1"), "ends before its last boundary"},
      {"preamble\r\n" + part("name=a", "1") + end, "does not begin with the boundary"},
      {"--XY\r\n", "does not begin with the boundary"},
      {"--XXjunk\r\n", "followed by something else"},
      {"--XX\nx", "followed by something else"},
      {"--XX\r\n\r\ndata\r\n" + end, "has no name"},
      {"--XX\r\nContent-Type: text/plain\r\n\r\nx\r\n" + end, "has no name"},
      {"--XX\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n" + end,
       "other than form-data"},
      {"--XX\r\nno colon\r\n\r\nx\r\n" + end, "not `Name: value`"},
      {"--XX\r\n Content-Disposition: form-data; name=a\r\n\r\nx\r\n" + end, "not `Name: value`"},
      {"--XX\r\nContent-Disposition : form-data; name=a\r\n\r\nx\r\n" + end, "not `Name: value`"},
      {part("name=a; name=b", "") + end, "two names"},
      {part("name=a; filename=b; filename=c", "") + end, "two file names"},
      {part("name=\"a", "") + end, "cannot be read"},
      {part("name=\"a\"b", "") + end, "cannot be read"},
      {part("name", "") + end, "cannot be read"},
      {part("name=\"\xff\"", "") + end, "not UTF-8"},
      {part("name=a", "", "Content-Disposition: form-data; name=b\r\n") + end,
       "more than one Content-Disposition"},
      {part("name=a", "", "Content-Type: a/b\r\nContent-Type: c/d\r\n") + end,
       "more than one Content-Type"},
      {part("name=a", "", "Content-Transfer-Encoding: base64\r\n") + end,
       "Content-Transfer-Encoding"},
      {part("name=a", "", std::string("X: a\0b\r\n", 8)) + end, "control character"},
      {part("name=a", "", "X: a\nb\r\n") + end, "control character"},
  };
  for (const auto& [body, why] : cases) {
    for (const std::size_t step : {1u, 100000u}) {
      CAPTURE(body);
      const Parsed parsed = parse(body, step);
      CHECK(parsed.status == 400);
      CHECK_MESSAGE(parsed.why.find(why) != std::string::npos, parsed.why);
    }
  }
}

TEST_CASE("limits on parts and on their heads") {
  std::string many;
  for (int i = 0; i < 4; ++i) many += part("name=a", "1");
  many += "--XX--";
  CHECK(parse(many, 1, {.parts_max = 4}).status == 0);
  CHECK(parse(many, 1, {.parts_max = 3}).status == 413);
  const std::string long_head = part("name=a", "", "X: " + std::string(9000, 'x') + "\r\n");
  CHECK(parse(long_head + "--XX--").status == 431);
  CHECK(parse("--XX\r\nX: " + std::string(100'000, 'x'), 100).status == 431);
}

TEST_CASE("limits hold at the same byte however the form is cut") {
  for (std::size_t n = 60; n < 72; ++n) {
    CAPTURE(n);
    const std::string padded = "--XX" + std::string(n, ' ') +
                               "\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--XX--";
    CHECK(parse(padded, 1).status == parse(padded).status);
    const std::string headed = part("name=a", "", "X: " + std::string(n, 'x') + "\r\n") + "--XX--";
    const MultipartLimits limits{.parts_max = 1, .part_head_bytes_max = 110};
    CHECK(parse(headed, 1, limits).status == parse(headed, 1 << 20, limits).status);
  }
}

TEST_CASE("a refusal of who gets the parts ends the parsing") {
  Collector sink;
  sink.most = 10;
  MultipartParser parser("XX", {}, sink);
  CHECK(parser.put("--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n12345"));
  CHECK_FALSE(parser.put("6789012345"));
  CHECK(parser.refusal().status == 413);
  CHECK_FALSE(parser.put("more"));
  CHECK_FALSE(parser.finish());
}

TEST_CASE("content goes on as it comes: no more than a boundary's length waits") {
  Collector sink;
  MultipartParser parser("XX", {}, sink);
  parser.put("--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n");
  for (int i = 0; i < 100; ++i) parser.put(std::string(1000, i % 2 ? '\r' : '-'));
  CHECK(sink.parts.back().data.size() >= 100'000 - 6);
  CHECK(sink.longest <= 1006);
}

TEST_CASE("the boundary of a Content-Type") {
  CHECK(multipart_boundary("multipart/form-data; boundary=abc") == "abc");
  CHECK(multipart_boundary("Multipart/Form-Data ; charset=utf-8; Boundary=\"a b:c\"") == "a b:c");
  CHECK(multipart_boundary("multipart/form-data") == "");
  CHECK(multipart_boundary("multipart/form-data; boundary=") == "");
  CHECK(multipart_boundary("multipart/form-data; boundary=a; boundary=b") == "");
  CHECK(multipart_boundary("multipart/form-data; boundary=\"a\r\nb\"") == "");
  CHECK(multipart_boundary("multipart/form-data; boundary=" + std::string(70, 'x')) ==
        std::string(70, 'x'));
  CHECK(multipart_boundary("multipart/form-data; boundary=" + std::string(71, 'x')) == "");
  CHECK_FALSE(multipart_boundary("text/plain"));
  CHECK_FALSE(multipart_boundary("multipart/form-data-x; boundary=a"));
}

}  // namespace
}  // namespace sx
