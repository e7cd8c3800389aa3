#include "server/io/http_servicer.h"

#include <memory>

#include "engine/base/str.h"
#include "engine/value/collections.h"
#include "server/io/http_values.h"

namespace sx {
namespace {

Value response_value(Context& cx, const HttpClientResponse& response) {
  Root cookies(cx.heap, empty_vector(cx));
  Root headers(cx.heap, header_dict(cx, response.headers, &cookies));
  Root body(cx.heap, text_or_bytes(cx, response.body));
  Root url(cx.heap, make_string(cx, response.url));
  const Field fields[] = {{"status", Value::small_int(response.status)},
                          {"headers", headers},
                          {"set-cookies", cookies},
                          {"body", body},
                          {"url", url}};
  return make_dict(cx, fields);
}

// Reads the request dict; false: the call has failed with what is wrong.
class RequestReader {
 public:
  RequestReader(IoCall& call, HttpClientRequest& out)
      : call_(call), cx_(call.vm.cx), out_(out), given_(cx_.heap, call.arg(0)) {}

  bool read() {
    if (!is_dict(given_)) return wrong(str("a request {:url …}, got ", type_name(given_)));
    DictCursor cursor(cx_, given_);
    Value key, value;
    while (cursor.next(key, value)) {
      if (!key.is_keyword()) return wrong(str("keywords as the names, got ", print(cx_, key)));
      const std::string name(cx_.symbols.name(key.id()));
      if (value.is_nil()) continue;
      if (!field(name, value)) return false;
    }
    if (out_.url.empty()) return wrong("a request with a :url");
    return true;
  }

 private:
  bool wrong(std::string expected) {
    call_.fail("type-error", str("http/request: Expected ", expected));
    return false;
  }

  // Nothing here allocates on the heap: the cursor stays valid.
  bool field(const std::string& name, Value value) {
    if (name == "url") return text(name, value, out_.url);
    if (name == "method") return text(name, value, out_.method);
    if (name == "body") {
      if (is_bytes(value)) {
        out_.body.assign(reinterpret_cast<const char*>(as_bytes(value)->data()),
                         as_bytes(value)->byte_len);
        return true;
      }
      return text(name, value, out_.body);
    }
    if (name == "headers") return headers(value);
    if (name == "timeout-ms") return number(name, value, 1, 3'600'000, out_.timeout_ms);
    if (name == "connect-timeout-ms")
      return number(name, value, 1, 3'600'000, out_.connect_timeout_ms);
    if (name == "redirects") return number(name, value, 0, 20, out_.redirects_max);
    if (name == "max-bytes")
      return number(name, value, 0, std::int64_t{1} << 30, out_.response_bytes_max);
    if (name == "public-only") {
      out_.public_only = value.truthy();
      return true;
    }
    return wrong(
        str("a request with :url :method :headers :body :timeout-ms :connect-timeout-ms "
            ":redirects :max-bytes :public-only, got :",
            name));
  }

  bool text(std::string_view name, Value value, std::string& out) {
    if (!is_string(value)) return wrong(str(":", name, " as a string, got ", type_name(value)));
    out.assign(as_string(value)->view());
    return true;
  }

  template <class Number>
  bool number(std::string_view name, Value value, std::int64_t least, std::int64_t most,
              Number& out) {
    std::int64_t n = 0;
    if (!to_int64(value, n) || n < least || n > most)
      return wrong(str(":", name, " as an integer from ", least, " to ", most, ", got ",
                       print(cx_, value, {.bytes_max = 60})));
    out = static_cast<Number>(n);
    return true;
  }

  bool headers(Value value) {
    if (!is_dict(value))
      return wrong(str(":headers as a dict of names and texts, got ", type_name(value)));
    DictCursor cursor(cx_, value);
    Value key, one;
    while (cursor.next(key, one)) {
      if (one.is_nil()) continue;
      std::string name;
      if (key.is_keyword())
        name = std::string(cx_.symbols.name(key.id()));
      else if (is_string(key))
        name = std::string(as_string(key)->view());
      if (name.empty() || !is_string(one))
        return wrong(str(":headers as a dict of names and texts, got ",
                         print(cx_, key, {.bytes_max = 60}), " with ", type_name(one)));
      out_.headers.emplace_back(std::move(name), std::string(as_string(one)->view()));
    }
    return true;
  }

  IoCall& call_;
  Context& cx_;
  HttpClientRequest& out_;
  Root given_;
};

void answer(Vm& vm, const IoTicket& ticket, const HttpClientOutcome& outcome) {
  if (const auto* failure = std::get_if<HttpClientError>(&outcome))
    return ticket.fail(failure->kind, str("http/request: ", failure->message));
  ticket.reply(response_value(vm.cx, std::get<HttpClientResponse>(outcome)));
}

}  // namespace

void add_http_servicer(Runner& runner, std::function<HttpClient&()> client, PostToVm post) {
  Vm& vm = runner.vm();
  runner.add(
      "http/request", [&vm, client = std::move(client), post = std::move(post)](IoCall& call) {
        HttpClientRequest request;
        if (!RequestReader(call, request).read()) return;
        if (!post) return answer(vm, call.ticket, client().request_and_wait(std::move(request)));
        HttpClient& asked = client();
        const std::uint64_t number = asked.request(
            std::move(request), [&vm, post, ticket = call.ticket](HttpClientOutcome outcome) {
              auto kept = std::make_shared<HttpClientOutcome>(std::move(outcome));
              post([&vm, ticket, kept] { answer(vm, ticket, *kept); });
            });
        call.ticket.on_cancel([&asked, number] { asked.cancel(number); });
      });
}

}  // namespace sx
