// Addresses that are not public, URLs that cannot be asked, and a client that meets a real socket
// which answers what a test says, byte by byte. Whole exchanges, TLS and redirects:
// tests/process/http-client-test.mjs.
#include "server/client/http_client.h"

#include <doctest/doctest.h>

#include <atomic>
#include <boost/asio.hpp>
#include <boost/asio/ip/address.hpp>
#include <future>
#include <thread>

#include "server/client/address_guard.h"
#include "server/client/url_target.h"

namespace {

using namespace sx;
namespace asio = boost::asio;
using Tcp = asio::ip::tcp;

bool is_public(const char* text) { return is_public_address(asio::ip::make_address(text)); }

// Answers each connection with the next text, as it is, once a whole request head has come.
class Peer {
 public:
  explicit Peer(std::vector<std::string> answers) : acceptor_(io_, {Tcp::v4(), 0}) {
    acceptor_.local_endpoint();
    thread_ = std::thread([this, answers = std::move(answers)] {
      for (const std::string& answer : answers) {
        boost::system::error_code ec;
        Tcp::socket socket(io_);
        acceptor_.accept(socket, ec);
        if (ec || ended_) return;
        std::string head;
        asio::read_until(socket, asio::dynamic_buffer(head), "\r\n\r\n", ec);
        heads.push_back(head);
        asio::write(socket, asio::buffer(answer), ec);
        socket.shutdown(Tcp::socket::shutdown_send, ec);
      }
    });
  }
  ~Peer() {
    boost::system::error_code ec;
    ended_ = true;
    Tcp::socket wake(io_);  // ends an accept() nobody came for
    wake.connect({asio::ip::address_v4::loopback(), port()}, ec);
    wake.close(ec);
    thread_.join();
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  std::string url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port()) + path;
  }
  std::vector<std::string> heads;

 private:
  asio::io_context io_;
  Tcp::acceptor acceptor_;
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

std::string kind_of(const HttpClientOutcome& outcome) {
  const auto* failure = std::get_if<HttpClientError>(&outcome);
  return failure ? failure->kind : "answered";
}

HttpClientRequest get(std::string url) {
  HttpClientRequest request;
  request.url = std::move(url);
  request.timeout_ms = 5000;
  return request;
}

}  // namespace

TEST_CASE("addresses of the machine, its neighbours and of no one are not public") {
  for (const char* text :
       {"0.0.0.0",     "0.1.2.3",        "10.0.0.1",       "10.255.255.255",  "100.64.0.1",
        "100.127.9.9", "127.0.0.1",      "127.255.0.1",    "169.254.169.254", "172.16.0.1",
        "172.31.9.9",  "192.0.0.1",      "192.0.2.5",      "192.88.99.1",     "192.168.1.1",
        "198.18.0.1",  "198.19.255.255", "198.51.100.1",   "203.0.113.7",     "224.0.0.1",
        "239.1.1.1",   "240.0.0.1",      "255.255.255.255"})
    CHECK_MESSAGE(!is_public(text), std::string(text));
  for (const char* text : {"::",
                           "::1",
                           "::ffff:127.0.0.1",
                           "::ffff:10.0.0.1",
                           "::127.0.0.1",
                           "fc00::1",
                           "fdff::1",
                           "fe80::1",
                           "febf::1",
                           "fec0::1",
                           "ff02::1",
                           "2001:db8::1",
                           "2001::1",
                           "2001:10::1",
                           "2002:7f00:1::",
                           "100::1",
                           "64:ff9b::a00:1",
                           "64:ff9b:1::1",
                           "2002:c0a8:101::",
                           "3fff:0:1::"})
    CHECK_MESSAGE(!is_public(text), std::string(text));
}

TEST_CASE("addresses of the internet are public, at the edges of the blocks too") {
  for (const char* text : {"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
                           "126.9.9.9", "128.0.0.1", "169.253.9.9", "169.255.0.1", "172.15.255.255",
                           "172.32.0.0", "192.0.1.1", "192.167.9.9", "192.169.0.0",
                           "198.17.255.255", "198.20.0.0", "203.0.114.0", "223.255.255.255"})
    CHECK_MESSAGE(is_public(text), std::string(text));
  for (const char* text : {"2606:4700::1111", "2a00:1450::1", "::ffff:1.1.1.1", "64:ff9b::101:101",
                           "2002:101:101::", "2001:200::1", "2620:4f:8000::1"})
    CHECK_MESSAGE(is_public(text), std::string(text));
}

TEST_CASE("a URL is taken apart, with the port and the target that are asked for") {
  const auto a = parse_url("HTTPS://Blog.Example/a%20b?x=1#frag");
  REQUIRE(a.ok());
  CHECK(a->tls);
  CHECK(a->host == "blog.example");
  CHECK(a->port == 443);
  CHECK(a->target == "/a%20b?x=1");
  CHECK(a->authority() == "blog.example");
  const auto b = parse_url("http://[2001:db8::1]:8080");
  REQUIRE(b.ok());
  CHECK(b->host == "2001:db8::1");
  CHECK(b->target == "/");
  CHECK(b->authority() == "[2001:db8::1]:8080");
}

TEST_CASE("what is no URL to ask is refused with a sentence") {
  for (const char* text :
       {"", "blog.example", "/path", "//blog.example/", "ftp://blog.example/", "file:///etc/passwd",
        "javascript:alert(1)", "http://", "http:///x", "http://user:secret@blog.example/",
        "http://blog.example:99999/", "http://blog.example:0/", "http://blog.example:x/",
        "http://bl og.example/", "http://blog.example/a b", "http://blög.example/",
        "http://blog.example/\r\nHost: other", "http://%00/", "gopher://127.0.0.1:70/_x"})
    CHECK_MESSAGE(!parse_url(text).ok(), std::string(text));
}

TEST_CASE("references are resolved against the URL that gave them") {
  const UrlTarget base = parse_url("http://a.example/x/y?q=1").value();
  CHECK(resolve_url(base, "z")->text == "http://a.example/x/z");
  CHECK(resolve_url(base, "/z?w")->text == "http://a.example/z?w");
  CHECK(resolve_url(base, "//b.example/")->text == "http://b.example/");
  CHECK(resolve_url(base, "https://c.example")->text == "https://c.example/");
  CHECK(resolve_url(base, "../../../z")->text == "http://a.example/z");
  CHECK(!resolve_url(base, "file:///etc/passwd").ok());
  CHECK(!resolve_url(base, "http://u:p@b.example/").ok());
}

TEST_CASE("what is sent is one well-formed request, framed by the client alone") {
  Peer peer({"HTTP/1.1 204 No Content\r\n\r\n"});
  HttpClient client;
  HttpClientRequest request = get(peer.url("/in?x=1"));
  request.method = "POST";
  request.headers = {{"Accept", "text/plain"}, {"X-One", "1"}};
  request.body = "hello";
  const auto outcome = client.request_and_wait(request);
  CHECK(kind_of(outcome) == "answered");
  const std::string& head = peer.heads.at(0);
  CHECK(head.starts_with("POST /in?x=1 HTTP/1.1\r\n"));
  CHECK(head.find("\r\nHost: 127.0.0.1:" + std::to_string(peer.port()) + "\r\n") != head.npos);
  CHECK(head.find("\r\nContent-Length: 5\r\n") != head.npos);
  CHECK(head.find("\r\nX-One: 1\r\n") != head.npos);
  CHECK(head.find("\r\nUser-Agent: sx\r\n") != head.npos);
}

TEST_CASE("requests that cannot be sent are refused before anything is connected") {
  HttpClient client;
  auto refused = [&](std::string method, std::string name, std::string value) {
    HttpClientRequest request = get("http://127.0.0.1:9/");
    request.method = std::move(method);
    if (!name.empty()) request.headers.emplace_back(std::move(name), std::move(value));
    return kind_of(client.request_and_wait(std::move(request)));
  };
  CHECK(refused("GE T", "", "") == "bad-request");
  CHECK(refused("", "", "") == "bad-request");
  CHECK(refused("CONNECT", "", "") == "bad-request");
  CHECK(refused("GET", "X", "a\r\nY: b") == "bad-request");
  CHECK(refused("GET", "X Y", "a") == "bad-request");
  CHECK(refused("GET", "X", std::string("a\0b", 3)) == "bad-request");
  for (const char* own : {"Host", "content-length", "Transfer-Encoding", "CONNECTION"})
    CHECK(refused("GET", own, "1") == "bad-request");
}

TEST_CASE("answers in every framing are read whole") {
  struct Case {
    const char* answer;
    const char* body;
  };
  const Case cases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nT: "
       "1\r\n\r\n",
       "hello"},
      {"HTTP/1.0 200 OK\r\n\r\nhello until the end", "hello until the end"},
      {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
       "ok"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", ""},
  };
  HttpClient client;
  for (const Case& one : cases) {
    Peer peer({one.answer});
    const auto outcome = client.request_and_wait(get(peer.url()));
    REQUIRE_MESSAGE(kind_of(outcome) == "answered", one.answer);
    CHECK(std::get<HttpClientResponse>(outcome).body == one.body);
  }
}

TEST_CASE("what is no answer, or half of one, is a protocol error") {
  HttpClient client;
  for (const char* answer :
       {"", "nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "HTTP/1.1 200"}) {
    Peer peer({answer});
    CHECK_MESSAGE(kind_of(client.request_and_wait(get(peer.url()))) == "protocol-error", answer);
  }
}

TEST_CASE("an answer above the limit is not read further, announced or not") {
  HttpClient client;
  const std::string big(5000, 'x');
  for (const std::string& answer :
       {"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + big, "HTTP/1.0 200 OK\r\n\r\n" + big,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n" + big + "\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'y') + "\r\n\r\n"}) {
    Peer peer({answer});
    HttpClientRequest request = get(peer.url());
    request.response_bytes_max = 4999;
    CHECK(kind_of(client.request_and_wait(request)) == "too-large");
  }
}

TEST_CASE("nobody listening, no such name and no answer in time are told apart") {
  HttpClient client;
  std::uint16_t closed_port = 0;
  {
    asio::io_context io;
    closed_port = Tcp::acceptor(io, {Tcp::v4(), 0}).local_endpoint().port();
  }
  CHECK(kind_of(client.request_and_wait(get("http://127.0.0.1:" + std::to_string(closed_port)))) ==
        "connect-error");
  CHECK(kind_of(client.request_and_wait(get("http://no-such-host.invalid/"))) == "dns-error");

  asio::io_context io;
  Tcp::acceptor silent(io, {Tcp::v4(), 0});
  HttpClientRequest request =
      get("http://127.0.0.1:" + std::to_string(silent.local_endpoint().port()));
  request.timeout_ms = 100;
  CHECK(kind_of(client.request_and_wait(request)) == "timeout");
}

TEST_CASE("the guard refuses an address before connecting to it") {
  Peer peer({"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret"});
  HttpClient client;
  HttpClientRequest request = get(peer.url());
  request.public_only = true;
  CHECK(kind_of(client.request_and_wait(request)) == "private-address");
  request.url = "http://localhost:" + std::to_string(peer.port()) + "/";
  CHECK(kind_of(client.request_and_wait(request)) == "private-address");
  request.url = "http://2130706433:" + std::to_string(peer.port()) + "/";  // 127.0.0.1 as a number
  CHECK(kind_of(client.request_and_wait(request)) != "answered");
  request.url = "http://[::ffff:127.0.0.1]:" + std::to_string(peer.port()) + "/";
  CHECK(kind_of(client.request_and_wait(request)) == "private-address");
  CHECK(peer.heads.empty());
}

TEST_CASE("however a private address is written, the guard knows it") {
  Peer peer({"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret"});
  HttpClient client;
  for (const char* host : {"127.0.0.1", "127.1", "0x7f000001", "0177.0.0.1", "127.0.0.2", "0.0.0.0",
                           "0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
                           "[0:0:0:0:0:ffff:7f00:0001]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]",
                           "[2002:7f00:1::]", "[fe80::1]", "[fc00::1]", "localhost", "LOCALHOST"}) {
    CAPTURE(host);
    HttpClientRequest request =
        get("http://" + std::string(host) + ":" + std::to_string(peer.port()));
    request.public_only = true;
    const std::string kind = kind_of(client.request_and_wait(request));
    // Some of them are no names where the system takes addresses in the usual form only.
    CHECK((kind == "private-address" || kind == "dns-error" || kind == "bad-url"));
  }
  CHECK(peer.heads.empty());
}

TEST_CASE("the guard looks at every answer of a name's server, and at where a redirect leads") {
  // 127.0.0.1 plays the public server, 127.0.0.2 the private one: both are this peer.
  const std::string ok = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
  int asked = 0;
  HttpClient client({[&](const std::string& name) -> std::vector<std::string> {
                       if (name == "public.example") return {"127.0.0.1"};
                       if (name == "private.example") return {"127.0.0.2"};
                       if (name == "both.example") return {"127.0.0.2", "127.0.0.1"};
                       if (name == "turns.example")
                         return {++asked == 1 ? "127.0.0.1" : "127.0.0.2"};
                       return {};
                     },
                     [](const std::string& address) { return address == "127.0.0.1"; }});
  const auto ask = [&](const std::string& url) {
    HttpClientRequest request = get(url);
    request.public_only = true;
    request.redirects_max = 3;
    return client.request_and_wait(request);
  };
  const auto at = [](const std::string& host, const Peer& peer) {
    return "http://" + host + ":" + std::to_string(peer.port()) + "/";
  };
  {
    Peer peer({ok});
    CHECK(kind_of(ask(at("public.example", peer))) == "answered");
  }
  {
    Peer peer({ok});
    CHECK(kind_of(ask(at("private.example", peer))) == "private-address");
    CHECK(kind_of(ask(at("none.example", peer))) == "dns-error");
    CHECK(peer.heads.empty());
  }
  {
    Peer peer({ok});  // of two addresses the public one is connected to
    CHECK(kind_of(ask(at("both.example", peer))) == "answered");
  }
  for (const std::string to : {"127.0.0.2", "private.example", "[::1]", "turns.example"}) {
    CAPTURE(to);
    // Its first answer was public: a name that changes its mind between two connections gains
    // nothing.
    Peer target({ok});
    Peer peer({"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nConnection: close\r\nLocation: " +
               at(to, target) + "\r\n\r\n"});
    asked = 1;
    CHECK(kind_of(ask(at("public.example", peer))) == "private-address");
    CHECK(peer.heads.size() == 1);
    CHECK(target.heads.empty());
  }
}

TEST_CASE("a stopped client refuses") {
  HttpClient client;
  client.stop();
  client.stop();
  CHECK(kind_of(client.request_and_wait(get("http://127.0.0.1:1/"))) == "connect-error");
}

TEST_CASE("a request that is called off closes its connection, whatever it is at") {
  asio::io_context io;
  Tcp::acceptor acceptor(io, {Tcp::v4(), 0});
  const std::string url =
      "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + "/";
  HttpClient client;
  // What the peer has sent by then: nothing, half a head, half a body.
  for (const std::string sent :
       {"", "HTTP/1.1 200 OK\r\nContent-", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf"}) {
    CAPTURE(sent);
    std::promise<std::string> kind;
    HttpClientRequest request = get(url);
    request.timeout_ms = 60'000;
    const std::uint64_t number =
        client.request(std::move(request),
                       [&](const HttpClientOutcome& outcome) { kind.set_value(kind_of(outcome)); });
    Tcp::socket peer(io);
    acceptor.accept(peer);
    std::string head;
    boost::system::error_code ec;
    asio::read_until(peer, asio::dynamic_buffer(head), "\r\n\r\n");
    asio::write(peer, asio::buffer(sent));
    const auto began = std::chrono::steady_clock::now();
    client.cancel(number);
    char byte;
    CHECK(peer.read_some(asio::buffer(&byte, 1), ec) == 0);
    CHECK((ec == asio::error::eof || ec == asio::error::connection_reset));
    CHECK(kind.get_future().get() == "cancelled");
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(10));
    client.cancel(number);      // it is over
    client.cancel(number + 9);  // never asked
  }
}

TEST_CASE("a request that is called off before it has an address is never made") {
  std::promise<void> asked, answer;
  auto may_answer = answer.get_future().share();
  Peer peer({"HTTP/1.1 204 No Content\r\n\r\n"});
  HttpClient client({[&](const std::string&) -> std::vector<std::string> {
                       asked.set_value();
                       may_answer.wait();
                       return {"127.0.0.1"};
                     },
                     nullptr});
  std::promise<std::string> kind;
  const std::uint64_t number =
      client.request(get("http://slow.example:" + std::to_string(peer.port()) + "/"),
                     [&](const HttpClientOutcome& outcome) { kind.set_value(kind_of(outcome)); });
  asked.get_future().wait();
  client.cancel(number);
  CHECK(kind.get_future().get() == "cancelled");
  answer.set_value();
  // The next one is: the one called off would have been before it.
  CHECK(kind_of(client.request_and_wait(get(peer.url("/next")))) == "answered");
  CHECK(peer.heads.size() == 1);
  CHECK(peer.heads[0].starts_with("GET /next "));
}

TEST_CASE("a client that is stopped answers what is under way") {
  asio::io_context io;
  Tcp::acceptor silent(io, {Tcp::v4(), 0});
  Tcp::socket accepted(io);
  std::promise<std::string> kind;
  {
    HttpClient client;
    client.request(get("http://127.0.0.1:" + std::to_string(silent.local_endpoint().port())),
                   [&](HttpClientOutcome outcome) { kind.set_value(kind_of(outcome)); });
    silent.accept(accepted);  // the request is on its way
  }
  CHECK(kind.get_future().get() == "connect-error");
}
