// Files that are answered without the application, over a real connection: what the application
// would have said, byte for byte, and never what it would not have said.
#include "server/files/fixed_files.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "doctest/doctest.h"
#include "server/files/compress.h"
#include "server/http/test_client.h"

namespace sx {
namespace {

namespace fs = std::filesystem;
using test::Client;
using test::Reply;

constexpr std::uint32_t kRecheckMs = 40;

// A server with an application that answers /static/… with the file, once for each file that is
// fixed and every time for the others.
struct Site {
  fs::path path;
  std::unique_ptr<StaticFiles> files;
  std::atomic<int> asked{0};  // of the application
  bool fixed = true;
  HttpServer server;

  explicit Site(bool fixed = true) : fixed(fixed) {
    char name[] = "/tmp/sx_fixed_XXXXXX";
    path = ::mkdtemp(name);
    write("lamp.txt", "A lamp behind glass.\n");
    write("app.js", std::string(3000, 'j'));
    write("app.js.br", "BR");
    write("app.js.gz", "GZ");
    write("long.css", "a{color:red}" + std::string(5000, ' '));
    write("empty.txt", "");
    write("big.bin", std::string(600'000, 'b'));
    write("app.0a1b2c3d4e.js", "hashed");
    files = StaticFiles::open({.root = path.string(), .embedded = {}}).take();
    HttpConfig config;
    config.port = 0;
    config.default_headers = {{"Content-Security-Policy", "default-src 'self'"},
                              {"Referrer-Policy", "same-origin"}};
    REQUIRE(server.start(config, [this](Worker& worker) -> Result<Handler> {
      auto kept = std::make_shared<FixedFiles>(worker, *files, kRecheckMs);
      if (this->fixed)
        worker.set_shortcut([kept](const HttpRequest& request) { return kept->ready(request); });
      return Handler([this, kept](HttpRequest&& request, Responder responder) {
        if (auto answer = kept->answer(request)) return responder.send(*std::move(answer));
        ++asked;
        if (request.path.rfind("/static/", 0) != 0)
          return responder.send(HttpResponse::text(200, "the application\n"));
        const std::string file = request.path.substr(8);
        auto response = files->serve(request, file);
        if (!response) return responder.send(HttpResponse::text(404, "no such file\n"));
        response->set_header("Referrer-Policy", "no-referrer");
        answer_conditional(request, *response);
        compress_response(request, *response);
        if (this->fixed && response->status < 400)
          kept->learn(request, file, {{"Referrer-Policy", "no-referrer"}});
        responder.send(*std::move(response));
      });
    }));
  }
  ~Site() {
    server.stop_gracefully(0);
    server.wait();
    fs::remove_all(path);
  }
  void write(const std::string& name, const std::string& bytes) {
    std::ofstream(path / name) << bytes;
    fs::last_write_time(path / name, fs::file_time_type::clock::now() - std::chrono::seconds(100));
  }
};

TEST_CASE("a fixed file is answered as the application answers it, whatever is asked of it") {
  Site fixed, plain(false);
  // The same inode, size and time: then tags of large files are equal too.
  fs::remove(plain.path / "big.bin");
  fs::create_hard_link(fixed.path / "big.bin", plain.path / "big.bin");
  for (const char* name :
       {"lamp.txt", "app.js", "long.css", "empty.txt", "big.bin", "app.0a1b2c3d4e.js"})
    fs::last_write_time(plain.path / name, fs::last_write_time(fixed.path / name));
  Client to_fixed(fixed.server.port()), to_plain(plain.server.port());
  for (const std::string name :
       {"lamp.txt", "app.js", "long.css", "empty.txt", "big.bin", "app.0a1b2c3d4e.js"}) {
    CAPTURE(name);
    const std::string target = "/static/" + name;
    const Reply learned = to_fixed.get(target);
    REQUIRE(learned.status == 200);
    const int asked = fixed.asked;
    std::string etag;
    for (const auto& [key, value] : learned.headers)
      if (key == "etag") etag = value;
    const std::string modified = Reply(learned)["last-modified"];
    const std::string cases[] = {
        "",
        "Accept-Encoding: br\r\n",
        "Accept-Encoding: gzip, br;q=0.5\r\n",
        "Accept-Encoding: zstd, br, gzip\r\n",
        "Accept-Encoding: identity;q=0, *\r\n",
        "Accept-Encoding: identity\r\n",
        "Cookie: a=b\r\n",
        "If-None-Match: " + etag + "\r\n",
        "If-None-Match: W/" + etag + "\r\n",
        "If-None-Match: \"other\", " + etag + "\r\n",
        "If-None-Match: \"other\"\r\n",
        "If-None-Match: *\r\n",
        "If-None-Match: \"other\"\r\nIf-None-Match: " + etag + "\r\n",
        "If-None-Match: " + etag + "\r\nAccept-Encoding: gzip\r\n",
        "If-Modified-Since: " + modified + "\r\n",
        "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
        "If-Match: \"other\"\r\n",
        "If-Match: " + etag + "\r\n",
        "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
        "Range: bytes=0-3\r\n",
        "Range: bytes=-2\r\n",
        "Range: bytes=0-3\r\nIf-Range: " + etag + "\r\n",
        "Range: bytes=900000-\r\n",
        "Connection: close\r\n",
    };
    for (const std::string& headers : cases) {
      CAPTURE(headers);
      for (const std::string method : {"GET", "HEAD"}) {
        CAPTURE(method);
        Reply replies[2];
        for (Site* site : {&fixed, &plain}) {
          Client other(site->server.port());
          const bool closes = headers.find("close") != std::string::npos;
          Client& client = closes ? other : site == &fixed ? to_fixed : to_plain;
          REQUIRE(client.send(method + " " + target + "?v=1 HTTP/1.1\r\nHost: localhost\r\n" +
                              headers + "\r\n"));
          replies[site == &plain] = client.receive(method == "HEAD");
        }
        for (Reply& reply : replies) {
          REQUIRE(reply.status != 0);
          reply.head.replace(reply.head.find("Date: "), 35, "");
        }
        CHECK(replies[0].head == replies[1].head);
        CHECK(replies[0].body == replies[1].body);
      }
    }
    CHECK(fixed.asked == asked);
  }
}

TEST_CASE(
    "a fixed file that changes is served changed soon, and one that goes is the app's again") {
  Site site;
  Client client(site.server.port());
  CHECK(client.get("/static/lamp.txt").body == "A lamp behind glass.\n");
  CHECK(client.get("/static/lamp.txt").body == "A lamp behind glass.\n");
  CHECK(site.asked == 1);
  std::ofstream(site.path / "lamp.txt") << "Another lamp.\n";
  ::usleep((kRecheckMs + 20) * 1000);
  const Reply changed = client.get("/static/lamp.txt");
  CHECK(changed.body == "Another lamp.\n");
  CHECK(site.asked == 1);
  fs::remove(site.path / "lamp.txt");
  ::usleep((kRecheckMs + 20) * 1000);
  CHECK(client.get("/static/lamp.txt").status == 404);
  CHECK(site.asked == 2);
  std::ofstream(site.path / "lamp.txt") << "A new lamp.\n";
  CHECK(client.get("/static/lamp.txt").body == "A new lamp.\n");
  CHECK(site.asked == 3);
}

TEST_CASE("only what anybody may have is learned") {
  Site site;
  Client client(site.server.port());
  for (const char* credentials : {"Cookie: sx_session=1.mac\r\n", "Authorization: Bearer x\r\n"}) {
    CHECK(client.get("/static/lamp.txt", credentials).status == 200);
    CHECK(client.get("/static/lamp.txt", credentials).status == 200);
  }
  CHECK(site.asked == 4);
  CHECK(client.get("/static/lamp.txt").status == 200);
  CHECK(site.asked == 5);
  CHECK(client.get("/static/lamp.txt", "Cookie: sx_session=1.mac\r\n").status == 200);
  CHECK(site.asked == 5);
}

TEST_CASE("other methods and other spellings of the path are the application's") {
  Site site;
  Client client(site.server.port());
  CHECK(client.get("/static/lamp.txt").status == 200);
  client.send("POST /static/lamp.txt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
  CHECK(client.receive().status == 405);
  CHECK(site.asked == 2);
  CHECK(client.get("/static/l%61mp.txt").status == 200);
  CHECK(site.asked == 3);
  CHECK(client.get("/other").body == "the application\n");
  CHECK(site.asked == 4);
}

TEST_CASE("fixed files and others are answered in the order in which they were asked for") {
  Site site;
  Client client(site.server.port());
  CHECK(client.get("/static/lamp.txt").status == 200);
  CHECK(client.get("/static/app.js").status == 200);
  const std::string end = " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  std::string all;
  for (int i = 0; i < 50; ++i)
    all += "GET /static/lamp.txt" + end + "GET /other" + end + "GET /static/app.js" + end +
           "HEAD /static/app.js" + end + "GET /static/big.bin" + end;
  REQUIRE(client.send(all));
  for (int i = 0; i < 50; ++i) {
    CHECK(client.receive().body == "A lamp behind glass.\n");
    CHECK(client.receive().body == "the application\n");
    CHECK(client.receive().body.size() == 3000);
    CHECK(client.receive(true)["content-length"] == "3000");
    CHECK(client.receive().body.size() == 600'000);
  }
  const HttpTotals totals = site.server.metrics().totals();
  CHECK(totals.responses_by_class[2] == 252);
  CHECK(totals.requests_in_flight == 0);
}

TEST_CASE("a request that asks to close, or HTTP/1.0, gets what it asks for from a fixed file") {
  Site site;
  CHECK(Client(site.server.port()).get("/static/lamp.txt").status == 200);
  Client closing(site.server.port());
  Reply reply = closing.get("/static/lamp.txt", "Connection: close\r\n");
  CHECK(reply["connection"] == "close");
  CHECK(closing.closed());
  Client old(site.server.port());
  old.send("GET /static/lamp.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  reply = old.receive();
  CHECK(reply.body == "A lamp behind glass.\n");
  CHECK(reply["connection"] == "keep-alive");
  CHECK(site.asked == 1);
}

}  // namespace
}  // namespace sx
