#include "server/worker/isolate.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

#include "engine/base/scan.h"
#include "engine/base/str.h"
#include "engine/value/collections.h"
#include "server/crypto/crypto.h"
#include "server/files/compress.h"
#include "server/files/fixed_files.h"
#include "server/io/http_servicer.h"
#include "server/io/http_values.h"
#include "server/worker/blob_answer.h"
#include "server/worker/failure.h"
#include "server/worker/forms.h"
#include "server/worker/page_bundle.h"
#include "server/worker/sockets.h"
#include "server/worker/streams.h"

namespace sx {

namespace {

std::string folder_of(const std::string& module) { return module.substr(0, module.find('/')); }

// The lowest digits of n.
void append_hex(std::string& out, std::uint64_t n, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
    out += "0123456789abcdef"[n >> shift & 15];
}

// A validator, not a proof: 128 bits that differ when the bytes do. Ten times faster than SHA-256.
std::string entity_tag(std::string_view body) {
  const XXH128_hash_t hash = XXH3_128bits(body.data(), body.size());
  std::string tag = "\"";
  append_hex(tag, hash.low64, 16);
  append_hex(tag, hash.high64, 8);
  tag += '"';
  return tag;
}

std::string hex_id(std::uint64_t id) {
  std::string text;
  append_hex(text, id, 16);
  return text;
}

Value settings_value(Context& cx, const std::vector<std::pair<std::string, std::string>>& settings,
                     const std::vector<std::pair<std::string, std::string>>& extra) {
  Root dict(cx.heap, empty_dict(cx));
  for (const auto* part : {&settings, &extra}) {
    for (const auto& [key, text] : *part) {
      const Value v = make_string(cx, text);
      dict = dict_put(cx, dict, cx.keyword(key), v);
    }
  }
  return dict;
}

class Isolate {
 public:
  Isolate(Worker& worker, const AppConfig& config) : worker_(worker), config_(config) {}

  Result<void> start() {
    SX_TRY(engine_, make_app_engine(config_, [this](std::function<void()> fn) {
             worker_.post(std::move(fn));
           }));
    streams_.emplace(engine_->runner, config_.request_fuel_max, config_.log);
    forms_.emplace(engine_->runner, config_.blobs);
    sockets_.emplace(engine_->runner, config_.request_fuel_max, config_.log);
    if (config_.static_files) {
      fixed_files_.emplace(worker_, *config_.static_files);
      worker_.set_shortcut(
          [this](const HttpRequest& request) { return fixed_files_->ready(request); });
    }
    Context& cx = engine_->cx();
    for (int i = 0; i < kAllKeys; ++i) keys_[i] = cx.keyword(kKeyNames[i]);
    for (int i = 0; i < kKeys; ++i)
      request_shape_ = cx.shapes.with_key(request_shape_, keys_[i].id());
    return {};
  }

  Engine& engine() { return *engine_; }

  void set_handler(Value handler) { handler_ = std::make_unique<Vm::Pin>(engine_->vm, handler); }

  std::optional<HttpResponse> system_answer(const HttpRequest& request) const {
    const AppState state = failed_    ? AppState::Failed
                           : handler_ ? AppState::Ready
                                      : AppState::Starting;
    return answer_system_route(config_.system, worker_, state, request);
  }

  std::optional<HttpResponse> fixed_answer(const HttpRequest& request) {
    return fixed_files_ ? fixed_files_->answer(request) : std::nullopt;
  }

  void handle(HttpRequest&& request, Responder responder) {
    struct Exchange {
      HttpRequest request;
      Responder responder;
      std::uint64_t form = 0;
      bool given_up = false;
    };
    auto exchange =
        std::make_shared<Exchange>(Exchange{std::move(request), std::move(responder), 0, false});
    if (failed_) {
      exchange->responder.send(HttpResponse::text(
          503,
          "503 Service Unavailable: the application did not start; the server's log says why\n"));
      return;
    }
    if (!handler_) {
      waiting_.push_back([this, exchange] {
        handle(std::move(exchange->request), std::move(exchange->responder));
      });
      return;
    }
    Context& cx = engine_->cx();
    Root value(cx.heap, request_value(exchange->request));
    if (exchange->request.reader) {
      exchange->form = forms_->add(exchange->request);
      value = dict_put(cx, value, keys_[kForm],
                       Value::small_int(static_cast<std::int64_t>(exchange->form)));
    }
    const Value args[] = {value};
    const TaskId task = engine_->runner.spawn(
        handler_->get(), args, 1,
        [this, exchange](Outcome outcome, Value result) {
          if (exchange->form != 0) forms_->forget(exchange->form);
          if (outcome == Outcome::Raised) {
            if (exchange->given_up) return exchange->responder.send({});
            config_.log(str("request ", hex_id(exchange->request.id), " ", exchange->request.method,
                            " ", exchange->request.target, ": ",
                            failure_log(engine_->cx(), result)));
            exchange->responder.send(failure_page(engine_->cx(), exchange->request, result));
            return;
          }
          auto response = response_of(exchange->request, result);
          if (!response.ok()) {
            config_.log(
                str("request ", hex_id(exchange->request.id), ": ", response.error().message));
            exchange->responder.send(failure_page(engine_->cx(), exchange->request, Value::nil()));
            return;
          }
          finish(exchange->request, response.value());
          exchange->responder.send(response.take());
        },
        {config_.request_fuel_max});
    if (!exchange->responder) return;
    // It waits for something. Who only reads is given up when nobody waits for it; who may be
    // between two writes goes on, up to the deadline.
    const std::string& method = exchange->request.method;
    exchange->responder.on_given_up(
        method == "GET" || method == "HEAD" || method == "OPTIONS",
        [this, exchange, task, serial = engine_->runner.serial(task)](GivenUp why) {
          exchange->given_up = why == GivenUp::ClientGone;
          if (why == GivenUp::ClientGone)
            engine_->runner.cancel(task, serial, "client-gone", "The client went away");
          else
            engine_->runner.cancel(task, serial, "timeout",
                                   "The handler took longer than --handler-timeout-ms");
        });
  }

  void make_app() {
    Context& cx = engine_->cx();
    const std::string name = str(folder_of(config_.app_module), "/make-app");
    Root settings(cx.heap, settings_value(cx, config_.settings, {}));
    const Value args[] = {settings};
    engine_->runner.spawn(
        engine_->global(name), args, 1, [this, name](Outcome outcome, Value value) {
          if (outcome == Outcome::Raised) {
            failed_ = true;
          } else {
            set_handler(value);
          }
          auto waiting = std::move(waiting_);
          for (auto& one : waiting) one();
          if (!config_.on_ready) return;
          if (failed_) {
            config_.on_ready(Error{str(name, ": ", describe_error(engine_->cx(), value))});
          } else {
            config_.on_ready({});
          }
        });
  }

 private:
  // Interned once: requests come in thousands a second.
  enum Key {
    kMethod,
    kTarget,
    kPath,
    kQuery,
    kHeaders,
    kBody,
    kRemote,
    kScheme,
    kHost,
    kId,
    kKeys,
    // of responses
    kFile = kKeys,
    kStatus,
    kSetCookies,
    kStream,
    kLive,
    kWebsocket,
    kBlob,
    kSameForAll,
    // of requests that have one
    kForm,
    kAllKeys
  };
  static constexpr std::string_view kKeyNames[kAllKeys] = {
      "method", "target",    "path", "query",        "headers", "body",        "remote",
      "scheme", "host",      "id",   "file",         "status",  "set-cookies", "stream",
      "live",   "websocket", "blob", "same-for-all", "form"};

  Value request_value(const HttpRequest& request) {
    Context& cx = engine_->cx();
    Root headers(cx.heap, header_dict(cx, request.headers));
    const std::string id = hex_id(request.id);
    const std::string* const texts[kKeys] = {
        &request.method, &request.target,    &request.path,   &request.query, nullptr,
        &request.body,   &request.remote_ip, &request.scheme, &request.host,  &id};
    Root made(cx.heap, Value::object(cx.heap.alloc_slots(Kind::ShapeDict, 2 + kKeys)));
    static_cast<ShapeDict*>(made.get().as_object())->shape = request_shape_;
    for (int i = 0; i < kKeys; ++i) {
      const Value v = texts[i] ? text_or_bytes(cx, *texts[i]) : headers.get();
      auto* dict = static_cast<ShapeDict*>(made.get().as_object());
      dict->values()[i] = v;
      cx.heap.write_barrier(dict, v);
    }
    return made;
  }

  Value field(Value dict, Key key) {
    const Value v = dict_get(engine_->cx(), dict, keys_[key]);
    return v.is_unset() ? Value::nil() : v;
  }

  static bool header_safe(std::string_view text) {
    return scan(text, 0, [](std::uint64_t w) {
             return bytes_equal(w, '\r') | bytes_equal(w, '\n') | bytes_equal(w, '\0');
           }) == text.size();
  }

  Result<HttpResponse> response_of(const HttpRequest& request, Value value) {
    Context& cx = engine_->cx();
    if (!is_dict(value))
      return Error{str("the handler answered ", type_name(value),
                       "; expected a response dict {:status :headers :body}")};
    HttpResponse response;
    if (const Value program = field(value, kWebsocket); !program.is_nil())
      return sockets_->answer(request, program, value,
                              str("request ", hex_id(request.id), " ", request.target));
    if (const Value file = field(value, kFile); is_string(file)) {
      if (config_.static_files) {
        auto served = config_.static_files->serve(request, as_string(file)->view());
        if (served)
          response = std::move(*served);
        else
          response = HttpResponse::text(404, "404 Not Found: no such file\n");
      } else {
        response = HttpResponse::text(404, "404 Not Found: no static files here\n");
      }
    } else {
      std::int64_t status = 200;
      if (const Value v = field(value, kStatus);
          !v.is_nil() && (!to_int64(v, status) || status < 100 || status > 599))
        return Error{"the handler answered a :status that is not an integer from 100 to 599"};
      response.status = static_cast<int>(status);
      const Value body = field(value, kBody);
      if (const Value producer = field(value, kStream); !producer.is_nil()) {
        response.body = streams_->open(producer, field(value, kLive).truthy(),
                                       str("request ", hex_id(request.id), " ", request.target));
      } else if (is_string(body)) {
        response.body = std::string(as_string(body)->view());
      } else if (is_bytes(body)) {
        response.body = std::string(reinterpret_cast<const char*>(as_bytes(body)->data()),
                                    as_bytes(body)->byte_len);
      } else if (!body.is_nil()) {
        std::string html;
        SX_CHECK(render_html(cx, body, html));
        response.body = std::move(html);
      }
    }
    const Value file = field(value, kFile);
    const bool same_for_all = is_string(file) && fixed_files_ && field(value, kSameForAll).truthy();
    HttpHeaders given;
    const Value headers = field(value, kHeaders);
    if (is_dict(headers)) {
      DictCursor cursor(cx, headers);
      Value key, v;
      while (cursor.next(key, v)) {
        const std::string name = is_string(key)     ? std::string(as_string(key)->view())
                                 : key.is_keyword() ? std::string(cx.symbols.name(key.id()))
                                                    : "";
        if (v.is_nil()) continue;
        if (name.empty() || !is_string(v) || !header_safe(name) ||
            !header_safe(as_string(v)->view()))
          return Error{str("the handler answered the header ", name, " with ", type_name(v),
                           "; expected a string without line ends")};
        if (same_for_all) given.emplace_back(name, std::string(as_string(v)->view()));
        response.set_header(name, std::string(as_string(v)->view()));
      }
    }
    auto cookie = [&](Value v) -> Result<void> {
      if (!is_string(v) || !header_safe(as_string(v)->view()))
        return Error{"the handler answered a cookie that is not a string without line ends"};
      response.headers.emplace_back("Set-Cookie", std::string(as_string(v)->view()));
      return {};
    };
    const Value cookies = field(value, kSetCookies);
    for (Value at = cookies; is_pair(at); at = cdr(at)) SX_CHECK(cookie(car(at)));
    if (is_vector(cookies))
      for (std::uint32_t i = 0; i < vector_count(cookies); ++i)
        SX_CHECK(cookie(vector_get(cookies, i)));
    if (const Value cid = field(value, kBlob); is_string(cid)) {
      if (!config_.blobs)
        return Error{"the handler answered with a :blob, but there is no blob store"};
      answer_blob(*config_.blobs, as_string(cid)->view(), request, response);
    }
    if (same_for_all && response.status < 400 && !response.header("Set-Cookie"))
      fixed_files_->learn(request, std::string(as_string(file)->view()), std::move(given));
    return response;
  }

  // What every answer gets: a validator for whole 200s, 304, compression.
  void finish(const HttpRequest& request, HttpResponse& response) {
    const auto* body = std::get_if<std::string>(&response.body);
    if (response.status == 200 && body && !body->empty() &&
        (request.method == "GET" || request.method == "HEAD") && !response.header("ETag")) {
      const std::string* cache = response.header("Cache-Control");
      if (!cache || cache->find("no-store") == std::string::npos)
        response.set_header("ETag", entity_tag(*body));
    }
    answer_conditional(request, response);
    compress_response(request, response);
  }

  Worker& worker_;
  const AppConfig& config_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Vm::Pin> handler_;
  std::optional<Forms> forms_;
  std::optional<Sockets> sockets_;
  std::optional<FixedFiles> fixed_files_;
  std::optional<Streams> streams_;  // before the engine goes, whose values it pins
  std::vector<std::function<void()>> waiting_;
  std::uint32_t request_shape_ = 0;
  Value keys_[kAllKeys];
  bool failed_ = false;
};

}  // namespace

Result<std::unique_ptr<Engine>> make_app_engine(const AppConfig& config, PostToVm post) {
  std::unique_ptr<Engine> engine = config.make_engine();
  add_persist_servicers(engine->runner, *config.store, post);
  add_content_servicers(
      engine->runner, {config.root_secrets, post ? config.passwords : nullptr, config.blobs, post});
  if (config.http_client)
    add_http_servicer(
        engine->runner, [client = config.http_client]() -> HttpClient& { return *client; }, post);
  // An isolate puts its own in their places; a command has no client.
  for (const std::string_view op :
       {"stream/write", "form/read", "ws/receive", "ws/send", "ws/close"})
    engine->runner.add(op, [](IoCall& call) {
      call.fail("no-servicer", str(call.op, ": there is no client here"));
    });
  if (config.log) {
    engine->runner.add("log/write", [log = config.log](IoCall& call) {
      std::string text;
      if (!call.text(1, text)) return;
      log(text);
      call.reply(Value::nil());
    });
  }
  add_bundle_servicer(*engine);
  SX_CHECK(engine->require_module(config.app_module));
  std::vector<std::string> missing = engine->missing_ops();
  // Islands are rendered here and perform in the page.
  std::erase_if(missing, [](const std::string& text) {
    std::size_t count = 0;
    const IoOpInfo* ops = io_ops(count);
    const std::string_view op = std::string_view(text).substr(0, text.find(' '));
    return std::any_of(ops, ops + count, [&](const IoOpInfo& each) {
      return op == each.name && std::string_view(each.side) == "Browser";
    });
  });
  if (!missing.empty()) {
    std::string all;
    for (const std::string& one : missing) all += str("\n  ", one);
    return Error{str("The server services no such IO ops:", all)};
  }
  return engine;
}

Result<Value> call_app(Engine& engine, const AppConfig& config, std::string_view name,
                       const std::vector<std::pair<std::string, std::string>>& extra) {
  const Value fn = engine.global(str(folder_of(config.app_module), "/", name));
  if (fn.is_unset()) return Value::nil();
  Root fn_root(engine.cx().heap, fn);
  Root settings(engine.cx().heap, settings_value(engine.cx(), config.settings, extra));
  const Value args[] = {settings};
  return engine.runner.run_now(fn_root, args, 1);
}

Result<Handler> make_isolate(Worker& worker, const AppConfig& config) {
  auto isolate = std::make_shared<Isolate>(worker, config);
  SX_CHECK(isolate->start());
  const std::string name = str(folder_of(config.app_module), "/make-app");
  if (isolate->engine().global(name).is_unset())
    return Error{str("The application ", config.app_module, " does not export ", name)};
  isolate->engine().runner.on_yield = [&worker](std::function<void()> go_on) {
    worker.post(std::move(go_on));
  };
  isolate->make_app();
  return Handler([isolate](HttpRequest&& request, Responder responder) {
    if (auto answer = isolate->system_answer(request)) {
      responder.send(*std::move(answer));
      return;
    }
    if (auto answer = isolate->fixed_answer(request)) {
      responder.send(*std::move(answer));
      return;
    }
    isolate->handle(std::move(request), std::move(responder));
  });
}

}  // namespace sx
