#include "server/io/content_servicer.h"

#include <map>
#include <memory>

#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/value/collections.h"
#include "server/content/front_matter.h"
#include "server/content/markdown.h"
#include "server/content/slug.h"
#include "server/crypto/crypto.h"

namespace sx {

namespace {

struct Services {
  Runner& runner;
  ContentServices given;
};

std::string mac_of(const std::string& root_secret, const std::string& purpose,
                   const std::string& text) {
  return hmac_sha256(derive_key(root_secret, str("program:", purpose)), text);
}

// Front matter as SX data: keyword keys, dates as {:date ms :text "…"}. Depth and size were bounded
// by the parser (32 levels).
Value front_value(Context& cx, const FrontValue& v) {
  switch (v.kind) {
    case FrontValue::Kind::Null:
      return Value::nil();
    case FrontValue::Kind::Bool:
      return Value::boolean(v.boolean);
    case FrontValue::Kind::Int:
      return make_int(cx, v.integer);
    case FrontValue::Kind::Float:
      return Value::from_double(v.real);
    case FrontValue::Kind::String:
      return make_string(cx, v.text);
    case FrontValue::Kind::Date: {
      Root text(cx.heap, make_string(cx, v.text));
      Root ms(cx.heap, make_int(cx, v.integer));
      const Field fields[] = {{"date", ms}, {"text", text}};
      return make_dict(cx, fields);
    }
    case FrontValue::Kind::List: {
      Root vector(cx.heap, empty_vector(cx));
      for (const FrontValue& item : v.items) {
        const Value one = front_value(cx, item);
        vector = vector_push(cx, vector, one);
      }
      return vector;
    }
    case FrontValue::Kind::Map: {
      Root dict(cx.heap, empty_dict(cx));
      for (const FrontField& field : v.fields) {
        const Value one = front_value(cx, field.value);
        dict = dict_put(cx, dict, cx.keyword(field.name), one);
      }
      return dict;
    }
  }
  return Value::nil();
}

void add_crypto(Runner& runner, std::shared_ptr<Services> s) {
  runner.add("crypto/sign", [s](IoCall& call) {
    std::string purpose, text;
    if (!call.text(0, purpose) || !call.text(1, text)) return;
    call.reply(make_string(call.vm.cx,
                           base64url_encode(mac_of(s->given.root_secrets.front(), purpose, text))));
  });
  runner.add("crypto/verify", [s](IoCall& call) {
    std::string purpose, text, mac;
    if (!call.text(0, purpose) || !call.text(1, text) || !call.text(2, mac)) return;
    const auto given = base64url_decode(mac);
    bool valid = false;
    for (const std::string& secret : s->given.root_secrets)
      valid |= given.ok() && constant_time_equal(given.value(), mac_of(secret, purpose, text));
    call.reply(Value::boolean(valid));
  });
  runner.add("crypto/sha256", [](IoCall& call) {
    std::string text;
    if (!call.text(0, text)) return;
    call.reply(make_string(call.vm.cx, hex_encode(sha256(text))));
  });
  runner.add("crypto/password-hash", [s](IoCall& call) {
    std::string password;
    if (!call.text(0, password)) return;
    auto answer = [s, ticket = call.ticket](Result<std::string> hash) {
      if (!hash.ok()) return ticket.fail("password-error", hash.error().message);
      ticket.reply(make_string(s->runner.vm().cx, hash.value()));
    };
    if (!s->given.passwords) return answer(hash_password(password));
    s->given.passwords->hash(password, [s, answer](Result<std::string> hash) {
      auto kept = std::make_shared<Result<std::string>>(std::move(hash));
      s->given.post([answer, kept] { answer(std::move(*kept)); });
    });
  });
  runner.add("crypto/password-verify", [s](IoCall& call) {
    std::string password, hash;
    if (!call.text(0, password)) return;
    const bool unknown = call.arg(1).is_nil();
    if (!unknown && !call.text(1, hash)) return;
    if (!s->given.passwords)
      return call.reply(
          Value::boolean(unknown ? dummy_verify(password) : verify_password(hash, password)));
    auto done = [s, ticket = call.ticket](PasswordPool::Answer answer) {
      s->given.post([ticket, answer] {
        if (answer == PasswordPool::Answer::Busy)
          return ticket.fail("busy", "Too many logins at once; try again in a moment");
        ticket.reply(Value::boolean(answer == PasswordPool::Answer::Yes));
      });
    };
    if (unknown) {
      s->given.passwords->dummy(password, done);
    } else {
      s->given.passwords->verify(hash, password, done);
    }
  });
  runner.add("crypto/password-common", [](IoCall& call) {
    std::string password;
    if (call.text(0, password)) call.reply(Value::boolean(is_common_password(password)));
  });
  runner.add("crypto/password-outdated", [](IoCall& call) {
    std::string hash;
    if (call.text(0, hash)) call.reply(Value::boolean(password_needs_rehash(hash)));
  });
}

void add_content(Runner& runner) {
  runner.add("content/markdown", [](IoCall& call) {
    std::string text;
    if (!call.text(0, text)) return;
    Context& cx = call.vm.cx;
    // A page has its title as its one <h1>, so those of the text begin below it.
    MarkdownOptions options;
    options.top_heading_level = 2;
    const Value places = call.arg(1);
    if (!places.is_nil() && !is_dict(places))
      return call.fail(
          "type-error",
          str("content/markdown: Expected a dict of image addresses, got ", type_name(places)));
    options.rewrite_media = [&](std::string_view source) -> std::optional<std::string> {
      if (call.arg(1).is_nil()) return std::nullopt;
      const Value key = make_string(cx, source);
      const Value place = dict_get(cx, call.arg(1), key);
      if (place.is_unset() || !is_string(place)) return std::nullopt;
      return std::string(as_string(place)->view());
    };
    const std::string html_text = markdown_to_html(text, options);
    Root html(cx.heap, make_string(cx, html_text));
    const std::string excerpt_text = excerpt(text);
    Root short_text(cx.heap, make_string(cx, excerpt_text));
    Root by(cx.heap, make_string(cx, markdown_renderer()));
    const Field fields[] = {
        {"html", html},
        {"excerpt", short_text},
        {"by", by},
        {"words", Value::small_int(static_cast<std::int64_t>(word_count(text)))}};
    call.reply(make_dict(cx, fields));
  });
  runner.add("content/slug", [](IoCall& call) {
    std::string title;
    if (!call.text(0, title)) return;
    call.reply(make_string(call.vm.cx, slugify(title)));
  });
  runner.add("content/front-matter", [](IoCall& call) {
    std::string text;
    if (!call.text(0, text)) return;
    auto parsed = parse_front_matter(text);
    if (!parsed.ok()) return call.fail("front-matter", parsed.error().message);
    Context& cx = call.vm.cx;
    Root fields_value(cx.heap, front_value(cx, parsed->root));
    Root body(cx.heap, make_string(cx, parsed->body));
    Root warnings(cx.heap, empty_vector(cx));
    for (const std::string& warning : parsed->warnings) {
      const Value one = make_string(cx, warning);
      warnings = vector_push(cx, warnings, one);
    }
    const Field fields[] = {{"fields", fields_value}, {"body", body}, {"warnings", warnings}};
    call.reply(make_dict(cx, fields));
  });
}

}  // namespace

void add_content_servicers(Runner& runner, const ContentServices& services) {
  auto s = std::make_shared<Services>(Services{runner, services});
  add_crypto(runner, s);
  add_content(runner);
  if (services.blobs) add_blob_servicers(runner, *services.blobs);
}

}  // namespace sx
