// Bodies that are made while they are sent.
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>

#include "server/http/test_client.h"

namespace sx {
namespace {

using test::Client;
using test::eventually;
using test::Reply;

// What the maker of the last stream met.
struct Seen {
  std::atomic<int> started{0}, room{0}, gone{0}, draining{0}, refused{0};
  std::atomic<std::size_t> made{0};
  std::function<void()> keep;  // the writer of a stream that does not end by itself
};

// GET /sized?N announces N bytes and writes nine; /count?N writes N lines; /big makes 64 MiB as
// fast as they are taken; /half writes and is dropped; /live writes one line and goes on; /later
// writes in steps; /after answers after it.
HandlerFactory maker(std::shared_ptr<Seen> seen) {
  return [seen](Worker& worker) -> Result<Handler> {
    return Handler([&worker, seen](HttpRequest&& request, Responder responder) {
      HttpResponse response = HttpResponse::text(200, "");
      if (request.path == "/after") {
        response.body = std::string("after");
        return responder.send(std::move(response));
      }
      auto stream = std::make_shared<HttpStream>();
      auto writer = std::make_shared<StreamWriter>();
      const std::string path = request.path;
      const int lines = std::atoi(request.query.c_str());
      auto go_on = std::make_shared<std::function<void()>>();
      *go_on = [seen, writer] {
        const std::string piece(16 * 1024, 'x');
        while (seen->made < (64u << 20)) {
          seen->made += piece.size();
          if (!writer->write(piece)) {
            ++seen->refused;
            return;
          }
        }
        writer->finish();
      };
      stream->start = [=, &worker](StreamWriter given) {
        ++seen->started;
        *writer = std::move(given);
        if (path == "/sized") {
          writer->write("123456789");
          writer->finish();
        } else if (path == "/count") {
          for (int i = 0; i < lines; ++i) writer->write("line " + std::to_string(i) + "\n");
          writer->finish();
        } else if (path == "/big") {
          (*go_on)();
        } else if (path == "/half") {
          writer->write("half");
          *writer = StreamWriter();
        } else if (path == "/live") {
          writer->write("alive\n");
        } else if (path == "/later") {
          auto step = std::make_shared<std::function<void(int)>>();
          *step = [&worker, writer, step](int n) {
            writer->write("step " + std::to_string(n) + "\n");
            if (n == 3) {
              writer->finish();
              worker.after(0, [step] { *step = nullptr; });
              return;
            }
            worker.after(30, [step, n] { (*step)(n + 1); });
          };
          (*step)(1);
        }
      };
      stream->signal = [seen, writer, go_on](StreamSignal signal) {
        if (signal == StreamSignal::Room) {
          ++seen->room;
          (*go_on)();
        } else if (signal == StreamSignal::Gone) {
          ++seen->gone;
        } else {
          ++seen->draining;
          writer->finish();
        }
      };
      if (path == "/sized") stream->length = static_cast<std::uint64_t>(lines);
      response.body = std::move(stream);
      responder.send(std::move(response));
    });
  };
}

struct Streaming {
  std::shared_ptr<Seen> seen = std::make_shared<Seen>();
  HttpServer server;
  explicit Streaming(HttpConfig config = {}) {
    config.port = 0;
    REQUIRE(server.start(config, maker(seen)));
  }
};

TEST_CASE("a stream goes in chunks and the connection stays for the next request") {
  Streaming s;
  Client client(s.server.port());
  Reply reply = client.get("/count?3");
  CHECK(reply.status == 200);
  CHECK(reply["transfer-encoding"] == "chunked");
  CHECK(reply.headers.count("content-length") == 0);
  CHECK(reply.body == "line 0\nline 1\nline 2\n");
  CHECK(client.get("/after").body == "after");
  CHECK(client.get("/count?0").body == "");
  CHECK(client.get("/after").body == "after");
}

TEST_CASE("pieces arrive when they are made, not at the end") {
  Streaming s;
  Client client(s.server.port());
  client.send("GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(client.receive(true).status == 200);
  for (const char* piece : {"step 1\n", "step 2\n", "step 3\n", ""})
    CHECK(client.receive_chunk() == piece);
  CHECK(client.get("/after").body == "after");
}

TEST_CASE(
    "a stream of known length goes with it, to HTTP/1.0 too, and is cut when it breaks its word") {
  Streaming s;
  Client client(s.server.port());
  Reply reply = client.get("/sized?9");
  CHECK(reply["content-length"] == "9");
  CHECK(reply["transfer-encoding"].empty());
  CHECK(reply.body == "123456789");
  client.send("HEAD /sized?9 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(client.receive(true)["content-length"] == "9");
  CHECK(client.get("/after").body == "after");
  Client old(s.server.port());
  old.send("GET /sized?9 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(old.receive().body == "123456789");
  old.send("GET /after HTTP/1.0\r\n\r\n");
  CHECK(old.receive().body == "after");
  Client broken(s.server.port());
  broken.send("GET /sized?20 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(broken.receive_rest().ends_with("123456789"));
  CHECK(broken.closed());
}

TEST_CASE("to HTTP/1.0 a stream goes unframed until the connection closes") {
  Streaming s;
  Client client(s.server.port());
  client.send("GET /count?2 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  Reply reply = client.receive(true);
  CHECK(reply.status == 200);
  CHECK(reply["connection"] == "close");
  CHECK(reply.headers.count("transfer-encoding") == 0);
  CHECK(client.receive_rest() == "line 0\nline 1\n");
}

TEST_CASE("HEAD gets the head of a stream, and nobody makes the body") {
  Streaming s;
  Client client(s.server.port());
  client.send("HEAD /count?3 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  Reply reply = client.receive(true);
  CHECK(reply.status == 200);
  CHECK(reply["transfer-encoding"] == "chunked");
  CHECK(client.get("/after").body == "after");
  CHECK(s.seen->started == 0);
}

TEST_CASE("pipelined requests behind a stream are answered after it") {
  Streaming s;
  Client client(s.server.port());
  client.send(
      "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n"
      "GET /after HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(client.receive().body == "step 1\nstep 2\nstep 3\n");
  CHECK(client.receive().body == "after");
}

TEST_CASE("a stream that is dropped before its end is cut, without a last chunk") {
  Streaming s;
  Client client(s.server.port());
  client.send("GET /half HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(client.receive(true).status == 200);
  CHECK(client.receive_chunk() == "half");
  CHECK(client.closed());
}

TEST_CASE("a client that takes nothing holds up its stream at a bounded size") {
  Streaming s;
  Client slow(s.server.port());
  slow.send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(eventually([&] { return s.seen->refused > 0; }));
  std::size_t before = 0;
  // Until the socket's own buffers are full.
  while (before != s.seen->made) {
    before = s.seen->made;
    ::usleep(100'000);
  }
  CHECK(s.seen->made < (24u << 20));
  CHECK(s.server.metrics().totals().streams == 1);
  // Others are served meanwhile, and what was held up arrives whole.
  Client other(s.server.port());
  CHECK(other.get("/after").body == "after");
  CHECK(slow.receive().body.size() == (64u << 20));
  CHECK(s.seen->room > 0);
}

TEST_CASE("a client that goes is told of at once while nothing is written") {
  Streaming s;
  {
    Client client(s.server.port());
    client.send("GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(client.receive(true).status == 200);
    CHECK(client.receive_chunk() == "alive\n");
    CHECK(s.seen->gone == 0);
  }
  CHECK(eventually([&] { return s.seen->gone == 1; }));
  CHECK(eventually([&] { return s.server.metrics().totals().streams == 0; }));
  CHECK(eventually([&] { return s.server.metrics().totals().connections == 0; }));
}

TEST_CASE("a client that takes too little for too long is cut") {
  HttpConfig config;
  config.write_timeout_ms = 200;
  config.bytes_per_second_min = 1 << 30;
  Streaming s(config);
  Client slow(s.server.port());
  slow.send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(eventually([&] { return s.seen->gone == 1; }));
}

TEST_CASE("more streams than allowed are answered 503") {
  HttpConfig config;
  config.streams_max = 1;
  Streaming s(config);
  Client first(s.server.port());
  first.send("GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(first.receive(true).status == 200);
  CHECK(first.receive_chunk() == "alive\n");
  Client second(s.server.port());
  Reply reply = second.get("/live");
  CHECK(reply.status == 503);
  CHECK(reply["retry-after"] == "1");
  CHECK(second.get("/after").status == 200);
}

TEST_CASE("when the server stops a stream is told and ends properly") {
  Streaming s;
  Client client(s.server.port());
  client.send("GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(client.receive(true).status == 200);
  CHECK(client.receive_chunk() == "alive\n");
  s.server.stop_gracefully(5'000);
  CHECK(client.receive_chunk() == "");
  s.server.wait();
  CHECK(s.seen->draining == 1);
}

TEST_CASE("a stop that does not wait cuts streams and tells their makers") {
  Streaming s;
  Client client(s.server.port());
  client.send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(eventually([&] { return s.seen->refused > 0; }));
  s.server.stop_gracefully(0);
  s.server.wait();
  CHECK(s.server.metrics().totals().streams == 0);
}

}  // namespace
}  // namespace sx
