// RFC 9110 and RFC 9112 case by case: bytes in; the status, and whether the connection stays, out.
// Every case is sent whole and then byte by byte: what a request is must not depend on how it
// arrives.
#include <string>
#include <utility>
#include <vector>

#include "server/http/test_client.h"

namespace sx {
namespace {

using namespace std::string_literals;
using test::Client;
using test::Reply;

// Answers with what it understood: method, path, query and body.
Result<Handler> echo(Worker&) {
  return Handler([](HttpRequest&& request, Responder responder) {
    responder.send(HttpResponse::text(
        200, request.method + " " + request.path + " " + request.query + "|" + request.body));
  });
}

enum class After { Open, Closed };

struct Case {
  std::string what;
  std::string bytes;
  int status;
  After after;
  std::string body;  // what must have been understood; empty: not looked at
};

constexpr After kOpen = After::Open;
constexpr After kClosed = After::Closed;
const std::string kHost = "Host: localhost\r\n";

std::string get(const std::string& fields) {
  return "GET / HTTP/1.1\r\n" + kHost + fields + "\r\n";
}
std::string get_target(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\n" + kHost + "\r\n";
}
std::string post(const std::string& fields, const std::string& body = "") {
  return "POST / HTTP/1.1\r\n" + kHost + fields + "\r\n" + body;
}
std::string chunked(const std::string& body, const std::string& fields = "") {
  return post(fields + "Transfer-Encoding: chunked\r\n", body);
}
std::string name_of(unsigned char c) {
  char text[8];
  std::snprintf(text, sizeof text, "0x%02x", c);
  return text;
}

std::vector<Case> request_lines() {
  std::vector<Case> cases;
  for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
    cases.push_back({std::string("method ") + method,
                     std::string(method) + " /x HTTP/1.1\r\n" + kHost + "Content-Length: 0\r\n\r\n",
                     200, kOpen, std::string(method) + " /x |"});
  for (const char* method : {"get", "Get", "GETS", "BREW", "PROPFIND", "TRACE", "CONNECT",
                             "M-SEARCH", "!#$%&'*+-.^_`|~09"})
    cases.push_back({std::string("method ") + method,
                     std::string(method) + " / HTTP/1.1\r\n" + kHost + "\r\n", 501, kClosed, ""});
  for (const char* method :
       {"G@T", "GE(T", "GE)T", "G,T", "G/T", "G:T", "G;T",  "G<T",    "G=T",    "G>T",
        "G?T", "G[T",  "G\\T", "G]T", "G{T", "G}T", "G\"T", "G\x01T", "G\x7fT", "G\xc3\xa9T"})
    cases.push_back({std::string("method ") + method,
                     std::string(method) + " / HTTP/1.1\r\n" + kHost + "\r\n", 400, kClosed, ""});
  for (const char* line : {"GET /",
                           "GET / ",
                           "GET  / HTTP/1.1",
                           "GET /  HTTP/1.1",
                           " GET / HTTP/1.1",
                           "GET\t/ HTTP/1.1",
                           "GET /\tHTTP/1.1",
                           "GET / HTTP/1.1 ",
                           "GET / HTTP/1.1\t",
                           "GET",
                           "/",
                           "GET HTTP/1.1",
                           "GET / HTTP/1",
                           "GET / HTTP/1.",
                           "GET / HTTP/.1",
                           "GET / HTTP/11",
                           "GET / HTTP/1.1x",
                           "GET / HTTP/1.10",
                           "GET / HTTP/01.1",
                           "GET / HTTP/ 1.1",
                           "GET / http/1.1",
                           "GET / Http/1.1",
                           "GET / HTTPS/1.1",
                           "GET / HTTP/+1.1",
                           "GET / HTTP/1,1",
                           "GET / HTTP/x.y",
                           "GET /a b HTTP/1.1",
                           "GET / HTTP/1.1 HTTP/1.1"})
    cases.push_back({std::string("line `") + line + "`",
                     std::string(line) + "\r\n" + kHost + "\r\n", 400, kClosed, ""});
  for (const char* version :
       {"HTTP/0.9", "HTTP/1.2", "HTTP/1.9", "HTTP/2.0", "HTTP/3.0", "HTTP/9.9"})
    cases.push_back(
        {version, std::string("GET / ") + version + "\r\n" + kHost + "\r\n", 505, kClosed, ""});
  cases.push_back({"an empty line before the request", "\r\n" + get(""), 200, kOpen, ""});
  cases.push_back({"three empty lines before it", "\r\n\r\n\r\n" + get(""), 200, kOpen, ""});
  cases.push_back({"a bare LF before it", "\n" + get(""), 400, kClosed, ""});
  cases.push_back(
      {"LF alone ends the line", "GET / HTTP/1.1\n" + kHost + "\r\n", 400, kClosed, ""});
  cases.push_back(
      {"CR CR LF ends the line", "GET / HTTP/1.1\r\r\n" + kHost + "\r\n", 400, kClosed, ""});
  return cases;
}

std::vector<Case> targets() {
  std::vector<Case> cases;
  const std::pair<const char*, const char*> good[] = {
      {"/", "GET / |"},
      {"/a/b/c", "GET /a/b/c |"},
      {"/a?b", "GET /a b|"},
      {"/?", "GET / |"},
      {"/?a=1&b=2", "GET / a=1&b=2|"},
      {"/a??b", "GET /a ?b|"},
      {"/%2e%2e/%2f", "GET /%2e%2e/%2f |"},
      {"/a/../b", "GET /a/../b |"},
      {"//a", "GET //a |"},
      {"/a;b=c", "GET /a;b=c |"},
      {"/~user!$&'()*+,;=:@", "GET /~user!$&'()*+,;=:@ |"},
      {"http://localhost/x?y", "GET /x y|"},
      {"http://localhost", "GET / |"},
      {"http://localhost?q", "GET / q|"},
      {"HTTP://LOCALHOST/x", "GET /x |"},
      {"https://localhost/x", "GET /x |"},
      {"http://localhost:8000/x", "GET /x |"},
      {"http://127.0.0.1/x", "GET /x |"},
      {"http://[::1]/x", "GET /x |"},
  };
  for (const auto& [target, body] : good)
    cases.push_back({std::string("target ") + target, get_target(target), 200, kOpen, body});
  for (const char* target : {"a", "*", "a/b", "?x", "#", "/#a", "/a#", "/?#", "ftp://localhost/",
                             "http:/localhost/", "http://", "http:///x", "http://user@localhost/",
                             "http://local host/", "localhost:80", "\\x", "://x", "//[", ""})
    if (std::string(target) != "//[")
      cases.push_back({std::string("target ") + target, get_target(target), 400, kClosed, ""});
  for (const char* path : {"/%", "/a%", "/%2", "/%zz", "/%2/", "/a%g0b", "/%%41", "/%00", "/a%00b",
                           "/%u0041", "http://localhost/%", "/%?a", "/a%2"})
    cases.push_back({std::string("escape in ") + path, get_target(path), 400, kClosed, ""});
  for (const char* target : {"/\xff", "/\xc0\xaf", "/a?\xe9", "/\xed\xa0\x80"})
    cases.push_back(
        {"bytes that are no UTF-8 in the target", get_target(target), 400, kClosed, ""});
  cases.push_back({"UTF-8 in the target", get_target("/\xc3\xa9"), 200, kOpen, "GET /\xc3\xa9 |"});
  // What a program makes of its query is its own affair.
  cases.push_back(
      {"a broken escape in a query", get_target("/a?100%"), 200, kOpen, "GET /a 100%|"});
  cases.push_back({"escapes of any case", get_target("/%c3%BC"), 200, kOpen, "GET /%c3%BC |"});
  for (const char* host : {"http://evil.example/x", "http://localhost.evil.example/",
                           "http://127.0.0.1.evil.example/", "http://[2001:db8::1]/"})
    cases.push_back({std::string("absolute target of a stranger: ") + host, get_target(host), 421,
                     kClosed, ""});
  cases.push_back({"the absolute target wins over Host",
                   "GET http://localhost/x HTTP/1.1\r\nHost: evil.example\r\n\r\n", 200, kOpen,
                   "GET /x |"});
  cases.push_back({"OPTIONS *", "OPTIONS * HTTP/1.1\r\n" + kHost + "\r\n", 200, kOpen, ""});
  for (unsigned c = 0; c < 0x20; ++c) {
    if (c == '\n') continue;
    cases.push_back(
        {"control character " + name_of(static_cast<unsigned char>(c)) + " in the target",
         "GET /a" + std::string(1, static_cast<char>(c)) + "b HTTP/1.1\r\n" + kHost + "\r\n", 400,
         kClosed, ""});
  }
  cases.push_back({"DEL in the target", get_target("/a\x7f"), 400, kClosed, ""});
  cases.push_back(
      {"a target of 512 bytes", get_target("/" + std::string(511, 'a')), 200, kOpen, ""});
  cases.push_back(
      {"a target of 513 bytes", get_target("/" + std::string(512, 'a')), 414, kClosed, ""});
  return cases;
}

std::vector<Case> fields() {
  std::vector<Case> cases;
  for (unsigned c = 0; c < 0x80; ++c) {
    const char byte = static_cast<char>(c);
    const bool token = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       std::string_view("!#$%&'*+-.^_`|~").find(byte) != std::string_view::npos;
    // One of the letters and digits stands for all of them.
    if (token && c != 'a' && c != '0' && (c >= '0' && c <= 'z') && byte != '^' && byte != '_' &&
        byte != '`')
      continue;
    if (byte == ':') continue;  // ends the name
    cases.push_back({name_of(static_cast<unsigned char>(c)) + " in a name",
                     get("X" + std::string(1, byte) + "Y: v\r\n"), token ? 200 : 400,
                     token ? kOpen : kClosed, ""});
  }
  for (unsigned c = 0; c < 0x20; ++c) {
    if (c == '\t') continue;
    cases.push_back({name_of(static_cast<unsigned char>(c)) + " in a value",
                     get("X: a" + std::string(1, static_cast<char>(c)) + "b\r\n"), 400, kClosed,
                     ""});
  }
  cases.push_back({"DEL in a value",
                   get("X: a\x7f"
                       "b\r\n"),
                   400, kClosed, ""});
  for (const char* field : {"X:v", "X: v", "X:\tv", "X:   v   ", "X: a\tb", "X:", "X: ",
                            "X: \"quoted, (and) so on\"", "X: \xe4\xf6\xfc", "X: \xf0\x9f\x98\x80",
                            "X: a:b:c", "X: v\r\nX: w", "x-very-long-name: v"})
    cases.push_back(
        {std::string("field `") + field + "`", get(std::string(field) + "\r\n"), 200, kOpen, ""});
  for (const char* field :
       {"X", ":", ": v", " X: v", "\tX: v", "X : v", "X\t: v", "X: a\r\n b", "X: a\r\n\tb",
        "X: a\r\n ", "X: a\n", "X: a\nY: b", "\xc3\xa9: v", "X Y: v", "X: a\rb"})
    cases.push_back(
        {std::string("field `") + field + "`", get(std::string(field) + "\r\n"), 400, kClosed, ""});
  std::string many;
  for (int i = 0; i < 19; ++i) many += "A: b\r\n";
  cases.push_back({"20 fields", get(many), 200, kOpen, ""});
  cases.push_back({"21 fields", get(many + "A: b\r\n"), 431, kClosed, ""});
  cases.push_back(
      {"a head that is too large", get("X: " + std::string(3000, 'a') + "\r\n"), 431, kClosed, ""});
  return cases;
}

std::vector<Case> hosts() {
  std::vector<Case> cases;
  const auto with = [](const std::string& host) {
    return "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
  };
  for (const char* host : {"localhost", "LocalHost", "localhost:80", "localhost:65535", "127.0.0.1",
                           "127.0.0.1:8000", "[::1]", "[::1]:8000", "localhost."})
    if (std::string(host) != "localhost.")
      cases.push_back({std::string("Host: ") + host, with(host), 200, kOpen, ""});
  for (const char* host : {"",
                           "localhost/",
                           "localhost/x",
                           "a@localhost",
                           "a:b@localhost",
                           "localhost:",
                           "localhost:x",
                           "localhost:-1",
                           "localhost:99999",
                           "local host",
                           "localhost,evil.example",
                           "[::1",
                           "::1]",
                           "[::1]x",
                           "localhost?x",
                           "localhost#x",
                           "http://localhost",
                           "localhost\\evil",
                           "\"localhost\"",
                           ".localhost",
                           "..",
                           "a..localhost",
                           "<script>"}) {
    cases.push_back({std::string("Host: ") + host, with(host), 400, kClosed, ""});
    cases.push_back({std::string("beside an absolute target, Host: ") + host,
                     "GET http://localhost/ HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n",
                     400, kClosed, ""});
  }
  cases.push_back(
      {"an empty Host in HTTP/1.0", "GET / HTTP/1.0\r\nHost:\r\n\r\n", 400, kClosed, ""});
  for (const char* host : {"evil.example", "localhost.evil.example", "127.0.0.2.evil.example",
                           "10.0.0.1", "[2001:db8::1]"})
    cases.push_back({std::string("Host: ") + host, with(host), 421, kClosed, ""});
  cases.push_back({"no Host", "GET / HTTP/1.1\r\n\r\n", 400, kClosed, ""});
  cases.push_back({"no Host with an absolute target", "GET http://localhost/ HTTP/1.1\r\n\r\n", 400,
                   kClosed, ""});
  cases.push_back({"two Hosts", "GET / HTTP/1.1\r\n" + kHost + kHost + "\r\n", 400, kClosed, ""});
  cases.push_back({"two different Hosts",
                   "GET / HTTP/1.1\r\n" + kHost + "Host: evil.example\r\n\r\n", 400, kClosed, ""});
  cases.push_back({"a second Host with a space before the colon",
                   "GET / HTTP/1.1\r\n" + kHost + "Host : evil.example\r\n\r\n", 400, kClosed, ""});
  cases.push_back({"no Host in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 200, kClosed, ""});
  return cases;
}

std::vector<Case> lengths() {
  std::vector<Case> cases;
  for (const auto& [value, body] :
       {std::pair("0", ""), std::pair("3", "abc"), std::pair("003", "abc"),
        std::pair("  3  ", "abc"), std::pair("1000", "")}) {
    const std::string bytes = value == std::string("1000") ? std::string(1000, 'x') : body;
    cases.push_back({std::string("Content-Length: ") + value,
                     post(std::string("Content-Length: ") + value + "\r\n", bytes), 200, kOpen,
                     "POST / |" + bytes});
  }
  for (const char* value : {"",
                            "-1",
                            "+3",
                            "3.0",
                            "0x3",
                            "3 3",
                            "3,3",
                            "3, 3",
                            "3,4",
                            "three",
                            "3;",
                            "3\t3",
                            "\"3\"",
                            "1e1",
                            "99999999999999999999",
                            "18446744073709551616",
                            "18446744073709551615000",
                            "3a",
                            "a3",
                            "٣",
                            "3\v",
                            "\v3",
                            "- 3",
                            "3_0"})
    cases.push_back({std::string("Content-Length: ") + value,
                     post(std::string("Content-Length: ") + value + "\r\n", "abc"), 400, kClosed,
                     ""});
  cases.push_back({"two equal lengths", post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"),
                   400, kClosed, ""});
  cases.push_back({"two lengths", post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"), 400,
                   kClosed, ""});
  cases.push_back({"two lengths in other cases",
                   post("content-length: 3\r\nCONTENT-LENGTH: 4\r\n", "abcd"), 400, kClosed, ""});
  cases.push_back({"no length: no body", post(""), 200, kOpen, "POST / |"});
  cases.push_back({"a GET with a body",
                   "GET / HTTP/1.1\r\n" + kHost + "Content-Length: 3\r\n\r\nabc", 200, kOpen,
                   "GET / |abc"});
  cases.push_back({"a body that is too long", post("Content-Length: 1001\r\n"), 413, kClosed, ""});
  cases.push_back({"HTTP/1.0 with a length", "POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", 200,
                   kClosed, "POST / |abc"});
  return cases;
}

std::vector<Case> codings() {
  std::vector<Case> cases;
  for (const char* value : {"chunked", "Chunked", "CHUNKED", " chunked ", "\tchunked"})
    cases.push_back(
        {std::string("Transfer-Encoding: ") + value,
         post(std::string("Transfer-Encoding:") + value + "\r\n", "3\r\nabc\r\n0\r\n\r\n"), 200,
         kOpen, "POST / |abc"});
  for (const char* value :
       {"gzip", "identity", "chunked, identity", "identity, chunked", "gzip, chunked",
        "chunked, chunked", "chunked;q=1", "xchunked", "chunkedx", "\"chunked\"", "'chunked'",
        "chunked,", ",chunked", "chunk", "deflate", "x", "", "ch unked"})
    cases.push_back({std::string("Transfer-Encoding: ") + value,
                     post(std::string("Transfer-Encoding: ") + value + "\r\n", "0\r\n\r\n"), 501,
                     kClosed, ""});
  for (const char* field : {"Transfer-Encoding : chunked", " Transfer-Encoding: chunked",
                            "Transfer-Encoding: chunked\v", "Transfer-Encoding: \vchunked",
                            "Transfer-Encoding: chunked\r\n ", "Transfer-Encoding\r\n: chunked",
                            "Transfer-Encoding:\r\n chunked", "X: a\nTransfer-Encoding: chunked",
                            "X: a\rTransfer-Encoding: chunked",
                            "Transfer_Encoding: chunked\r\nTransfer-Encoding: chunked\n"})
    cases.push_back({std::string("disguised: ") + field,
                     post(std::string(field) + "\r\n", "0\r\n\r\n"), 400, kClosed, ""});
  for (const char* pair : {"Content-Length: 3\r\nTransfer-Encoding: chunked",
                           "Transfer-Encoding: chunked\r\nContent-Length: 3",
                           "Content-Length: 0\r\nTransfer-Encoding: chunked",
                           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                           "transfer-encoding: chunked\r\nTRANSFER-ENCODING: chunked"})
    cases.push_back({std::string("conflict: ") + pair,
                     post(std::string(pair) + "\r\n", "0\r\n\r\n"), 400, kClosed, ""});
  cases.push_back({"chunked in HTTP/1.0",
                   "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, kClosed,
                   ""});
  cases.push_back({"an underscore is another field", post("Transfer_Encoding: chunked\r\n"), 200,
                   kOpen, "POST / |"});
  return cases;
}

std::vector<Case> chunks() {
  std::vector<Case> cases;
  const std::pair<const char*, const char*> good[] = {
      {"0\r\n\r\n", ""},
      {"1\r\na\r\n0\r\n\r\n", "a"},
      {"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde"},
      {"A\r\n0123456789\r\n0\r\n\r\n", "0123456789"},
      {"a\r\n0123456789\r\n0\r\n\r\n", "0123456789"},
      {"0003\r\nabc\r\n000\r\n\r\n", "abc"},
      {"3;x\r\nabc\r\n0\r\n\r\n", "abc"},
      {"3;x=y\r\nabc\r\n0;z\r\n\r\n", "abc"},
      {"3;x=\"y z\"\r\nabc\r\n0\r\n\r\n", "abc"},
      {"3\r\n\r\n\r\r\n0\r\n\r\n", "\r\n\r"},
      {"3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n", "abc"},
      {"3\r\nabc\r\n0\r\nA: b\r\nC: d\r\n\r\n", "abc"},
      {"3\r\nabc\r\n0\r\nHost: evil.example\r\n\r\n", "abc"},
  };
  for (const auto& [body, understood] : good)
    cases.push_back({std::string("chunks ") + body, chunked(body), 200, kOpen,
                     std::string("POST / |") + understood});
  for (const char* body : {"g\r\n",
                           "z\r\nabc\r\n0\r\n\r\n",
                           "-3\r\nabc\r\n",
                           "+3\r\nabc\r\n",

                           " 3\r\nabc\r\n",
                           "\r\n",
                           "\r\n3\r\nabc\r\n0\r\n\r\n",
                           "3\nabc\r\n0\r\n\r\n",
                           "3\r\nabc\n0\r\n\r\n",
                           "3\r\nabcd\r\n0\r\n\r\n",
                           "3\r\nabcde\r\n",
                           "3\r\nabc0\r\n\r\n",
                           ";x\r\n",
                           "10000000000000000\r\n",
                           "FFFFFFFFFFFFFFFFF\r\n",
                           "3\r\nabc\r\n0\r\nNo colon\r\n\r\n",
                           "3\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n",
                           "3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
                           "0x3\r\n\r\n",
                           "0x\r\n\r\n",
                           "0 x\r\n\r\n",
                           "3\r\nabc\r\n0\r\n : x\r\n\r\n",
                           "3\r\nabc\r\n0\r\nA : b\r\n\r\n",
                           "3\r\nabc\r\n0\r\n\n\r\n\r\n",
                           "3\rabc\r\n0\r\n\r\n",
                           "3,\r\nabc\r\n",
                           "3.\r\nabc\r\n",
                           "3x\r\nabc\r\n",
                           "\x33\x80\r\nabc\r\n"})
    cases.push_back({std::string("chunks ") + body, chunked(body), 400, kClosed, ""});
  cases.push_back({"a chunk over the limit", chunked("3e9\r\n"), 413, kClosed, ""});
  cases.push_back({"a huge chunk", chunked("FFFFFFFFFFFFFFFF\r\n"), 413, kClosed, ""});
  cases.push_back({"chunks over the limit",
                   chunked("1f4\r\n" + std::string(500, 'a') + "\r\n1f5\r\n"), 413, kClosed, ""});
  return cases;
}

std::vector<Case> connections() {
  std::vector<Case> cases;
  for (const char* value : {"keep-alive", "Keep-Alive", "x", "x, y", "upgrade", ""})
    cases.push_back({std::string("1.1, Connection: ") + value,
                     get(std::string("Connection: ") + value + "\r\n"), 200, kOpen, ""});
  for (const char* value :
       {"close", "Close", "CLOSE", "x, close", "close, x", "keep-alive, close", " close "})
    cases.push_back({std::string("1.1, Connection: ") + value,
                     get(std::string("Connection: ") + value + "\r\n"), 200, kClosed, ""});
  cases.push_back({"1.0 closes", "GET / HTTP/1.0\r\n" + kHost + "\r\n", 200, kClosed, ""});
  for (const char* value : {"keep-alive, close", "close, keep-alive", "Close,Keep-Alive"})
    cases.push_back({std::string("1.0 closes whatever stands beside close: ") + value,
                     "GET / HTTP/1.0\r\n" + kHost + "Connection: " + value + "\r\n\r\n", 200,
                     kClosed, ""});
  cases.push_back(
      {"1.0 with keep-alive and close in two lines",
       "GET / HTTP/1.0\r\n" + kHost + "Connection: keep-alive\r\nConnection: close\r\n\r\n", 200,
       kClosed, ""});
  cases.push_back({"1.0 with keep-alive stays",
                   "GET / HTTP/1.0\r\n" + kHost + "Connection: keep-alive\r\n\r\n", 200, kOpen,
                   ""});
  cases.push_back({"1.0 with close", "GET / HTTP/1.0\r\n" + kHost + "Connection: close\r\n\r\n",
                   200, kClosed, ""});
  cases.push_back({"Keep-Alive alone says nothing",
                   "GET / HTTP/1.0\r\n" + kHost + "Keep-Alive: timeout=5\r\n\r\n", 200, kClosed,
                   ""});
  cases.push_back({"Proxy-Connection: close is taken at its word",
                   get("Proxy-Connection: close\r\n"), 200, kClosed, ""});
  cases.push_back(
      {"Upgrade without a taker", get("Upgrade: h2c\r\nConnection: Upgrade\r\n"), 200, kOpen, ""});
  cases.push_back({"an unknown expectation", post("Expect: cake\r\nContent-Length: 1\r\n", "x"),
                   417, kClosed, ""});
  cases.push_back({"two expectations",
                   post("Expect: 100-continue, cake\r\nContent-Length: 1\r\n", "x"), 417, kClosed,
                   ""});
  cases.push_back({"an expectation of 1.0",
                   "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx", 200,
                   kClosed, "POST / |x"});
  return cases;
}

// Two requests in a row: what the first one leaves must be read as the second, never as a part of
// the first, and never the other way round.
std::vector<Case> smuggling() {
  std::vector<Case> cases;
  const std::string hidden = "GET /hidden HTTP/1.1\r\n" + kHost + "\r\n";
  const std::pair<const char*, std::string> refused[] = {
      {"CL.TE", "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG"},
      {"TE.CL", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n"},
      {"CL.CL", "Content-Length: 0\r\nContent-Length: 50\r\n\r\n"},
      {"CL list", "Content-Length: 0, 50\r\n\r\n"},
      {"TE folded", "Transfer-Encoding:\r\n chunked\r\nContent-Length: 0\r\n\r\n"},
      {"TE after LF", "X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"TE with NUL", "Transfer-Encoding: chunked\0\r\n\r\n0\r\n\r\n"s},
      {"CL with NUL", "Content-Length: 3\0\r\n\r\nabc"s},
      {"space before colon", "Content-Length : 50\r\n\r\n"},
      {"tab before colon", "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n"},
      {"line end inside a chunk size", "Transfer-Encoding: chunked\r\n\r\n1\n;\r\nx\r\n0\r\n\r\n"},
  };
  for (const auto& [what, rest] : refused)
    cases.push_back({what, "POST / HTTP/1.1\r\n" + kHost + rest + hidden, 400, kClosed, ""});
  cases.push_back({"TE.TE",
                   "POST / HTTP/1.1\r\n" + kHost +
                       "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n" +
                       hidden,
                   400, kClosed, ""});
  return cases;
}

void run(const std::vector<Case>& cases) {
  HttpConfig config;
  config.port = 0;
  config.header_bytes_max = 2048;
  config.target_bytes_max = 512;
  config.header_count_max = 20;
  config.body_bytes_max = 1000;
  HttpServer server;
  REQUIRE(server.start(std::move(config), echo));
  for (const Case& c : cases) {
    for (const bool bytewise : {false, true}) {
      CAPTURE(c.what);
      CAPTURE(bytewise);
      Client client(server.port());
      if (bytewise) {
        for (const char byte : c.bytes)
          if (!client.send({&byte, 1})) break;  // refused before its end
      } else {
        client.send(c.bytes);
      }
      Reply reply = client.receive();
      CHECK(reply.status == c.status);
      if (!c.body.empty()) CHECK(reply.body == c.body);
      if (c.after == After::Closed) {
        CHECK(client.closed());
      } else {
        CHECK(reply["connection"] != "close");
        CHECK(client.get("/next").body == "GET /next |");
      }
    }
  }
}

TEST_CASE("RFC 9112 §2 and §3: request lines") { run(request_lines()); }
TEST_CASE("RFC 9112 §3.2: request targets") { run(targets()); }
TEST_CASE("RFC 9110 §5, RFC 9112 §5: fields") { run(fields()); }
TEST_CASE("RFC 9110 §7.2: Host") { run(hosts()); }
TEST_CASE("RFC 9112 §6.2: Content-Length") { run(lengths()); }
TEST_CASE("RFC 9112 §6.1: Transfer-Encoding") { run(codings()); }
TEST_CASE("RFC 9112 §7.1: chunks and trailers") { run(chunks()); }
TEST_CASE("RFC 9112 §9, RFC 9110 §10.1.1: connections and expectations") { run(connections()); }
TEST_CASE("RFC 9112 §11.2: no request hides in another") { run(smuggling()); }

TEST_CASE("there are more than three hundred cases") {
  std::size_t count = 0;
  for (const auto& cases : {request_lines(), targets(), fields(), hosts(), lengths(), codings(),
                            chunks(), connections(), smuggling()})
    count += cases.size();
  CHECK(count > 300);
}

}  // namespace
}  // namespace sx
