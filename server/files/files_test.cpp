// Files, negotiation and compression, without sockets: a request goes in, a response comes out.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "doctest/doctest.h"
#include "server/files/compress.h"
#include "server/files/static_files.h"

namespace sx {
namespace {

namespace fs = std::filesystem;

struct Folder {
  fs::path path;
  Folder() {
    char name[] = "/tmp/sx_files_XXXXXX";
    path = ::mkdtemp(name);
    fs::create_directories(path / "root/css");
    write("root/app.js", std::string(3000, 'j'));
    write("root/app.js.br", "BR");
    write("root/app.js.zst", "ZST");
    write("root/app.js.gz", "GZ");
    write("root/css/site.css", "body{}");
    write("root/app.0a1b2c3d4e.js", "hashed");
    write("root/a b.txt", "space");
    write("root/.env", "SECRET");
    write("root/empty.txt", "");
    fs::create_directories(path / "root/.well-known");
    write("root/.well-known/x.txt", "known");
    write("secret.txt", "SECRET");
    fs::create_symlink("../secret.txt", path / "root/out.txt");
    fs::create_symlink("css/site.css", path / "root/in.css");
    fs::create_directory_symlink("..", path / "root/up");
    fs::create_symlink("/etc/passwd", path / "root/abs.txt");
    ::mkfifo((path / "root/pipe.txt").c_str(), 0600);
    age(100);
  }
  ~Folder() { fs::remove_all(path); }
  void write(const std::string& name, const std::string& bytes) {
    std::ofstream(path / name) << bytes;
  }
  void age(int seconds) {
    const auto then = fs::file_time_type::clock::now() - std::chrono::seconds(seconds);
    for (const auto& entry : fs::recursive_directory_iterator(path / "root"))
      if (entry.is_regular_file() && !entry.is_symlink()) fs::last_write_time(entry, then);
  }
  std::unique_ptr<StaticFiles> open(EmbeddedFiles embedded = {}) {
    StaticFilesConfig config;
    config.root = path / "root";
    config.embedded = std::move(embedded);
    return StaticFiles::open(std::move(config)).take();
  }
};

HttpRequest get(HttpHeaders headers = {}) {
  HttpRequest request;
  request.method = "GET";
  request.headers = std::move(headers);
  return request;
}

std::string bytes_of(const HttpResponse& response) {
  if (const auto* own = std::get_if<std::string>(&response.body)) return *own;
  if (const auto* shared = std::get_if<std::shared_ptr<const std::string>>(&response.body))
    return *shared ? **shared : "";
  const FileRange& range = std::get<FileRange>(response.body);
  std::string out(range.length, '\0');
  REQUIRE(::pread(range.file->fd(), out.data(), out.size(), static_cast<off_t>(range.offset)) ==
          static_cast<ssize_t>(out.size()));
  return out;
}

std::string header(const HttpResponse& response, std::string_view name) {
  const std::string* value = response.header(name);
  return value ? *value : "";
}

TEST_CASE("a file is served with its type, validators and nosniff") {
  Folder folder;
  auto files = folder.open();
  auto response = files->serve(get(), "css/site.css");
  REQUIRE(response);
  CHECK(response->status == 200);
  CHECK(bytes_of(*response) == "body{}");
  CHECK(header(*response, "Content-Type") == "text/css; charset=utf-8");
  CHECK(header(*response, "X-Content-Type-Options") == "nosniff");
  CHECK(header(*response, "Cache-Control") == "no-cache");
  CHECK(header(*response, "Accept-Ranges") == "bytes");
  CHECK(header(*response, "ETag").size() == 34);
  CHECK(parse_http_date(header(*response, "Last-Modified")));
  CHECK(bytes_of(*files->serve(get(), "a%20b.txt")) == "space");
  CHECK(bytes_of(*files->serve(get(), "in.css")) == "body{}");
  CHECK(bytes_of(*files->serve(get(), ".well-known/x.txt")) == "known");
  CHECK(bytes_of(*files->serve(get(), "empty.txt")) == "");
}

TEST_CASE("nothing outside the root is ever served, however the path is written") {
  Folder folder;
  auto files = folder.open();
  const std::string payloads[] = {
      "../secret.txt",
      "..%2fsecret.txt",
      "%2e%2e/secret.txt",
      "%2e%2e%2fsecret.txt",
      "%2E%2E/secret.txt",
      ".%2e/secret.txt",
      "%2e./secret.txt",
      "css/../../secret.txt",
      "css/%2e%2e/%2e%2e/secret.txt",
      "css/..%2f..%2fsecret.txt",
      "..\\secret.txt",
      "..%5csecret.txt",
      "%2e%2e%5csecret.txt",
      "css\\..\\..\\secret.txt",
      "/secret.txt",
      "//secret.txt",
      "%2fsecret.txt",
      "%2f..%2fsecret.txt",
      "/etc/passwd",
      "//etc/passwd",
      "%2fetc%2fpasswd",
      "../../../../../../etc/passwd",
      "..%2f..%2f..%2f..%2fetc%2fpasswd",
      "....//secret.txt",
      "..../secret.txt",
      ".../secret.txt",
      "./css/site.css",
      "css/./site.css",
      "css//site.css",
      "css/",
      "css",
      "",
      ".",
      "..",
      "%2e",
      "%2e%2e",
      "%252e%252e/secret.txt",
      "%252e%252e%252fsecret.txt",
      "%25%32%65%25%32%65/secret.txt",
      "..%252fsecret.txt",
      "%c0%ae%c0%ae/secret.txt",
      "%c0%ae%c0%ae%c0%afsecret.txt",
      "..%c0%afsecret.txt",
      "..%c1%9csecret.txt",
      "%e0%80%ae%e0%80%ae/secret.txt",
      "\xc0\xae\xc0\xae/secret.txt",
      "%uff0e%uff0e/secret.txt",
      "app.js%00",
      "app.js%00.txt",
      "..%00/secret.txt",
      std::string("app.js\0", 7),
      "app.js%0a",
      "app.js%0d%0a",
      "%",
      "%2",
      "%zz",
      "app.js%",
      "out.txt",
      "abs.txt",
      "up/secret.txt",
      "up/root/app.js",
      "pipe.txt",
      ".env",
      "%2eenv",
      "css/.hidden",
      "C:/secret.txt",
      "file:///etc/passwd",
      "..;/secret.txt",
      "app.js/",
      "app.js/../app.js",
      "~root/.bashrc",
      std::string(5000, 'a'),
      "a/" + std::string(300, 'b'),
      "..%ef%bc%8fsecret.txt",
      "\\\\host\\share",
  };
  static_assert(std::size(payloads) >= 40);
  for (const std::string& payload : payloads) {
    CAPTURE(payload);
    CHECK_FALSE(files->serve(get(), payload).has_value());
  }
}

TEST_CASE("content types follow the extension") {
  CHECK(content_type_for("a.html") == "text/html; charset=utf-8");
  CHECK(content_type_for("a.js") == "text/javascript; charset=utf-8");
  CHECK(content_type_for("a.mjs") == "text/javascript; charset=utf-8");
  CHECK(content_type_for("kernel.wasm") == "application/wasm");
  CHECK(content_type_for("a.sx") == "text/sx; charset=utf-8");
  CHECK(content_type_for("A.PNG") == "image/png");
  CHECK(content_type_for("a.js.map") == "application/json");
  CHECK(content_type_for("a.woff2") == "font/woff2");
  CHECK(content_type_for("a.unknown") == "application/octet-stream");
  CHECK(content_type_for("noextension") == "application/octet-stream");
}

TEST_CASE("names with a content hash are immutable, others are revalidated") {
  Folder folder;
  auto files = folder.open();
  CHECK(header(*files->serve(get(), "app.0a1b2c3d4e.js"), "Cache-Control") ==
        "public, max-age=31536000, immutable");
  CHECK(has_content_hash("dir.with.dots/app.deadbeef.js.map"));
  CHECK_FALSE(has_content_hash("app.deadbee.js"));
  CHECK_FALSE(has_content_hash("deadbeef.js"));
  CHECK_FALSE(has_content_hash("app.deadbeef"));
  CHECK_FALSE(has_content_hash("deadbeef99.d/app.js"));
}

TEST_CASE("a known ETag or date is answered with 304 and no body") {
  Folder folder;
  auto files = folder.open();
  const auto first = files->serve(get(), "app.js");
  const std::string etag = header(*first, "ETag");
  for (const std::string& known : {etag, "\"x\", " + etag, "W/" + etag, std::string("*")}) {
    const auto second = files->serve(get({{"if-none-match", known}}), "app.js");
    CHECK(second->status == 304);
    CHECK(second->body_bytes() == 0);
    CHECK(header(*second, "ETag") == etag);
    CHECK(header(*second, "Vary") == "Accept-Encoding");
  }
  CHECK(files->serve(get({{"if-none-match", "\"other\""}}), "app.js")->status == 200);
  const std::string date = header(*first, "Last-Modified");
  CHECK(files->serve(get({{"if-modified-since", date}}), "app.js")->status == 304);
  CHECK(files->serve(get({{"if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT"}}), "app.js")
            ->status == 200);
  CHECK(files->serve(get({{"if-modified-since", "yesterday"}}), "app.js")->status == 200);
  // If-None-Match decides alone.
  CHECK(files->serve(get({{"if-none-match", "\"other\""}, {"if-modified-since", date}}), "app.js")
            ->status == 200);
}

TEST_CASE("an edited file is served at once with another ETag") {
  Folder folder;
  auto files = folder.open();
  const auto before = files->serve(get(), "css/site.css");
  CHECK(bytes_of(*files->serve(get(), "css/site.css")) == "body{}");
  folder.write("root/css/site.css", "html{}");
  const auto after = files->serve(get(), "css/site.css");
  CHECK(bytes_of(*after) == "html{}");
  CHECK(header(*after, "ETag") != header(*before, "ETag"));
  folder.write("root/css/site.css", "main{}");
  CHECK(bytes_of(*files->serve(get(), "css/site.css")) == "main{}");
}

TEST_CASE("byte ranges are answered, what is none is whole or 416") {
  Folder folder;
  folder.write("root/n.txt", "0123456789");
  auto files = folder.open();
  struct Case {
    const char* range;
    int status;
    const char* body;
    const char* content_range;
  };
  const Case cases[] = {
      {"bytes=0-3", 206, "0123", "bytes 0-3/10"},
      {"bytes=4-", 206, "456789", "bytes 4-9/10"},
      {"bytes=-3", 206, "789", "bytes 7-9/10"},
      {"bytes=-30", 206, "0123456789", "bytes 0-9/10"},
      {"bytes=9-99", 206, "9", "bytes 9-9/10"},
      {"bytes=0-0", 206, "0", "bytes 0-0/10"},
      {"bytes=10-", 416, nullptr, "bytes */10"},
      {"bytes=-0", 416, nullptr, "bytes */10"},
      {"bytes=5-3", 200, "0123456789", ""},
      {"bytes=0-1,2-4", 206, "01234", "bytes 0-4/10"},
      {"bytes=a-b", 200, "0123456789", ""},
      {"bytes=-", 200, "0123456789", ""},
      {"bytes=99999999999999999999-", 200, "0123456789", ""},
      {"lines=0-3", 200, "0123456789", ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.range);
    const auto response = files->serve(get({{"range", c.range}}), "n.txt");
    CHECK(response->status == c.status);
    CHECK(header(*response, "Content-Range") == c.content_range);
    if (c.body) CHECK(bytes_of(*response) == c.body);
  }
  const std::string etag = header(*files->serve(get(), "n.txt"), "ETag");
  const std::string date = header(*files->serve(get(), "n.txt"), "Last-Modified");
  CHECK(files->serve(get({{"range", "bytes=0-1"}, {"if-range", etag}}), "n.txt")->status == 206);
  CHECK(files->serve(get({{"range", "bytes=0-1"}, {"if-range", date}}), "n.txt")->status == 206);
  CHECK(files->serve(get({{"range", "bytes=0-1"}, {"if-range", "\"old\""}}), "n.txt")->status ==
        200);
  CHECK(files->serve(get({{"range", "bytes=0-1"}, {"if-range", "W/" + etag}}), "n.txt")->status ==
        200);
  HttpRequest head = get({{"range", "bytes=0-1"}});
  head.method = "HEAD";
  CHECK(files->serve(head, "n.txt")->status == 200);
  CHECK(files->serve(get({{"range", "bytes=0-"}}), "empty.txt")->status == 416);
}

TEST_CASE("large files are streamed by range, not held in memory") {
  Folder folder;
  std::string bytes(6 << 20, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 >> 7);
  folder.write("root/big.bin", bytes);
  auto files = folder.open();
  const auto whole = files->serve(get(), "big.bin");
  CHECK(std::holds_alternative<FileRange>(whole->body));
  CHECK(bytes_of(*whole) == bytes);
  CHECK(bytes_of(*files->serve(get({{"range", "bytes=4000000-4000999"}}), "big.bin")) ==
        bytes.substr(4000000, 1000));
  CHECK(header(*whole, "ETag").front() == '"');
}

TEST_CASE("precompressed siblings are picked by q-value, then br, zstd, gzip") {
  Folder folder;
  auto files = folder.open();
  struct Case {
    const char* accept;
    const char* encoding;
    const char* body;
  };
  const std::string plain(3000, 'j');
  const Case cases[] = {
      {"gzip, deflate, br, zstd", "br", "BR"},
      {"gzip, zstd", "zstd", "ZST"},
      {"gzip", "gzip", "GZ"},
      {"GZIP;Q=1", "gzip", "GZ"},
      {"br;q=0.5, gzip;q=0.8", "gzip", "GZ"},
      {"br;q=0, gzip;q=0.1", "gzip", "GZ"},
      {"br;q=0, zstd;q=0.0, gzip;q=0.000", "", nullptr},
      {"*", "br", "BR"},
      {"*;q=0", "", nullptr},
      {"br;q=0, *", "zstd", "ZST"},
      {"identity, gzip;q=0.5", "", nullptr},
      {"identity;q=0.5, gzip;q=0.6", "gzip", "GZ"},
      {"identity;q=0, br", "br", "BR"},
      {"deflate", "", nullptr},
      {"", "", nullptr},
      {"br;q=banana", "", nullptr},
      {"bro, xbr", "", nullptr},
  };
  std::map<std::string, std::string> etags;
  for (const Case& c : cases) {
    CAPTURE(c.accept);
    const auto response = files->serve(get({{"accept-encoding", c.accept}}), "app.js");
    CHECK(header(*response, "Content-Encoding") == std::string(c.encoding));
    CHECK((bytes_of(*response) == (c.body ? c.body : plain)));
    CHECK(header(*response, "Content-Type") == "text/javascript; charset=utf-8");
    CHECK(header(*response, "Vary") == "Accept-Encoding");
    etags[c.encoding] = header(*response, "ETag");
  }
  CHECK(etags.size() == 4);
  CHECK(etags["br"] != etags[""]);
  CHECK(etags["br"] != etags["gzip"]);
  CHECK(files->serve(get({{"accept-encoding", "br"}, {"if-none-match", etags["br"]}}), "app.js")
            ->status == 304);
  CHECK(files->serve(get({{"accept-encoding", "br"}, {"if-none-match", etags[""]}}), "app.js")
            ->status == 200);
  // A range is of the file's own bytes.
  CHECK(bytes_of(*files->serve(get({{"accept-encoding", "br"}, {"range", "bytes=0-4"}}),
                               "app.js")) == "jjjjj");
}

TEST_CASE("a sibling older than its original is not served") {
  Folder folder;
  auto files = folder.open();
  folder.write("root/app.js", "new");
  const auto response = files->serve(get({{"accept-encoding", "br"}}), "app.js");
  CHECK(bytes_of(*response) == "new");
  CHECK(header(*response, "Content-Encoding") == "");
}

TEST_CASE("embedded files are served as files are, and a folder shadows them whole") {
  Folder folder;
  const EmbeddedFiles embedded = {{"app.js", "embedded"},
                                  {"app.js.br", "EB"},
                                  {"only.css", "only"},
                                  {"only.css.br", "OB"},
                                  {"css/site.css.br", "stray"}};
  auto files = folder.open(embedded);
  const auto br = get({{"accept-encoding", "br"}});
  CHECK(bytes_of(*files->serve(get(), "only.css")) == "only");
  CHECK(bytes_of(*files->serve(br, "only.css")) == "OB");
  CHECK(header(*files->serve(br, "only.css"), "Last-Modified") == "");
  CHECK(bytes_of(*files->serve(get({{"range", "bytes=1-2"}}), "only.css")) == "nl");
  CHECK(bytes_of(*files->serve(br, "app.js")) == "BR");
  CHECK(bytes_of(*files->serve(br, "css/site.css")) == "body{}");
  const std::string etag = header(*files->serve(br, "only.css"), "ETag");
  CHECK(
      files->serve(get({{"accept-encoding", "br"}, {"if-none-match", etag}}), "only.css")->status ==
      304);

  StaticFilesConfig config;
  config.embedded = embedded;
  auto alone = StaticFiles::open(std::move(config)).take();
  CHECK(bytes_of(*alone->serve(br, "app.js")) == "EB");
  CHECK_FALSE(alone->serve(get(), "../app.js"));
}

TEST_CASE("other methods are refused with Allow, HEAD is GET") {
  Folder folder;
  auto files = folder.open();
  HttpRequest request = get();
  request.method = "POST";
  const auto refused = files->serve(request, "app.js");
  CHECK(refused->status == 405);
  CHECK(header(*refused, "Allow") == "GET, HEAD");
  request.method = "HEAD";
  CHECK(files->serve(request, "app.js")->body_bytes() == 3000);
}

TEST_CASE("a root that is no folder is an error naming it") {
  StaticFilesConfig config;
  config.root = "/nonexistent/static";
  const auto files = StaticFiles::open(std::move(config));
  REQUIRE_FALSE(files);
  CHECK(files.error().message.find("/nonexistent/static") != std::string::npos);
}

std::string page() {
  std::string out;
  for (int i = 0; i < 200; ++i) out += "<li>row " + std::to_string(i * 7919) + "</li>\n";
  return out;
}

std::string gunzip(const std::string& bytes) {
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
  std::string out(100'000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

TEST_CASE("dynamic text is compressed as the client asks and reads back the same") {
  const auto answer = [](const char* accept) {
    HttpResponse response = HttpResponse::text(200, page());
    response.headers.emplace_back("ETag", "\"v1\"");
    response.headers.emplace_back("Vary", "SX-Request, Accept");
    compress_response(get({{"accept-encoding", accept}}), response);
    return response;
  };
  const HttpResponse gzip = answer("gzip");
  CHECK(header(gzip, "Content-Encoding") == "gzip");
  CHECK(gunzip(bytes_of(gzip)) == page());
  CHECK(header(gzip, "ETag") == "\"v1-gzip\"");
  CHECK(header(gzip, "Vary") == "SX-Request, Accept, Accept-Encoding");

  const HttpResponse zstd = answer("zstd, gzip");
  std::string plain(page().size(), '\0');
  const std::string packed = bytes_of(zstd);
  CHECK(ZSTD_decompress(plain.data(), plain.size(), packed.data(), packed.size()) == plain.size());
  CHECK(plain == page());

  const HttpResponse br = answer("gzip, br");
  CHECK(header(br, "Content-Encoding") == "br");
  CHECK(br.body_bytes() < page().size() / 3);
  CHECK(bytes_of(answer("identity")) == page());
  CHECK(header(answer("identity"), "Vary") == "SX-Request, Accept, Accept-Encoding");
}

TEST_CASE("what is short, no text, encoded already or not to be transformed stays as it is") {
  const auto unchanged = [](HttpResponse response) {
    const std::string before = bytes_of(response);
    compress_response(get({{"accept-encoding", "br, gzip"}}), response);
    return bytes_of(response) == before;
  };
  CHECK(unchanged(HttpResponse::text(200, "short")));
  HttpResponse image = HttpResponse::text(200, page());
  image.set_header("Content-Type", "image/png");
  CHECK(unchanged(image));
  HttpResponse encoded = HttpResponse::text(200, page());
  encoded.set_header("Content-Encoding", "gzip");
  CHECK(unchanged(encoded));
  HttpResponse fixed = HttpResponse::text(200, page());
  fixed.set_header("Cache-Control", "public, No-Transform");
  CHECK(unchanged(fixed));
  HttpResponse partial = HttpResponse::text(206, page());
  CHECK(unchanged(partial));
  CHECK_FALSE(unchanged(HttpResponse::text(200, page())));
}

TEST_CASE("a dynamic page the client has under any encoding is answered with 304") {
  const auto answer = [](const char* known) {
    HttpResponse response = HttpResponse::text(200, page());
    response.headers.emplace_back("ETag", "\"v1\"");
    response.headers.emplace_back("Content-Security-Policy", "default-src 'none'");
    answer_conditional(get({{"if-none-match", known}}), response);
    return response;
  };
  CHECK(answer("\"v1\"").status == 304);
  const HttpResponse br = answer("\"v0\", \"v1-br\"");
  CHECK(br.status == 304);
  CHECK(br.body_bytes() == 0);
  CHECK(header(br, "ETag") == "\"v1-br\"");
  CHECK(header(br, "Content-Type") == "");
  CHECK(header(br, "Content-Security-Policy") == "default-src 'none'");
  CHECK(answer("\"v1-deflate\"").status == 200);
  CHECK(answer("\"v2\"").status == 200);
}

TEST_CASE("HTTP dates are written and read") {
  CHECK(http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777);
  CHECK(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT") == 784111777);
  CHECK_FALSE(parse_http_date("Sun, 06 Xxx 1994 08:49:37 GMT"));
  CHECK_FALSE(parse_http_date("Sun, 99 Nov 1994 08:49:37 GMT"));
}

}  // namespace
}  // namespace sx
