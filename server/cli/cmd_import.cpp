// sx blog import DIR: plans (server/content/site_import.h), stores images, commits each post.
#include <cstdio>
#include <filesystem>
#include <map>
#include <unistd.h>

#include "engine/base/str.h"
#include "engine/value/collections.h"
#include "server/cli/app_host.h"
#include "server/content/site_import.h"
#include "server/crypto/crypto.h"

namespace sx::cli {

namespace {

// Replaces each reference to an image file of the site by its address in the blob store.
std::string with_blob_addresses(std::string body, const std::map<std::string, std::string>& addresses) {
  // Longest first, so that "a.png" does not cut "images/a.png" apart.
  std::vector<std::pair<std::string, std::string>> ordered(addresses.begin(), addresses.end());
  std::sort(ordered.begin(), ordered.end(),
            [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
  std::string out;
  for (std::size_t i = 0; i < body.size();) {
    bool replaced = false;
    const char before = i == 0 ? '\n' : body[i - 1];
    const bool starts = before == '(' || before == '"' || before == '\'' || before == '<' || before == '=' || before == ' ';
    if (starts) {
      for (const auto& [from, to] : ordered) {
        if (body.compare(i, from.size(), from) != 0) continue;
        const char after = i + from.size() < body.size() ? body[i + from.size()] : '\n';
        if (after != ')' && after != '"' && after != '\'' && after != '>' && after != ' ' && after != '\n') continue;
        out += to;
        i += from.size();
        replaced = true;
        break;
      }
    }
    if (!replaced) out += body[i++];
  }
  return out;
}

Value strings(Context& cx, const std::vector<std::string>& texts) {
  Root vector(cx.heap, empty_vector(cx));
  for (const std::string& text : texts) {
    const Value one = make_string(cx, text);
    vector = vector_push(cx, vector, one);
  }
  return vector;
}

Value post_value(Context& cx, const ImportPost& post, const std::string& body, const std::string& fingerprint) {
  Root dict(cx.heap, empty_dict(cx));
  auto put = [&](std::string_view key, Value v) {
    Root value(cx.heap, v);
    dict = dict_put(cx, dict, cx.keyword(key), value);
  };
  std::vector<std::string> tags = post.tags;
  for (const std::string& category : post.categories)
    if (std::find(tags.begin(), tags.end(), category) == tags.end()) tags.push_back(category);
  put("source", make_string(cx, post.source));
  put("fingerprint", make_string(cx, fingerprint));
  put("title", make_string(cx, post.title));
  put("slug", make_string(cx, post.slug));
  put("body", make_string(cx, body));
  put("tags", strings(cx, tags));
  put("draft", Value::boolean(post.draft));
  put("summary", make_string(cx, post.summary));
  put("language", make_string(cx, post.language));
  put("aliases", strings(cx, post.aliases));
  put("date", post.date_ms ? make_int(cx, *post.date_ms) : Value::nil());
  put("updated", post.updated_ms ? make_int(cx, *post.updated_ms) : Value::nil());
  return dict;
}

}  // namespace

int cmd_blog_import(const InstallationOptions& options, const std::string& dir, bool dry_run) {
  const bool terminal = isatty(STDERR_FILENO) != 0;
  ImportOptions import_options;
  if (terminal) {
    import_options.progress = [](std::size_t done, std::size_t total) {
      std::fprintf(stderr, "\rreading %zu of %zu%s", done, total, done == total ? "\n" : "");
    };
  }
  auto plan = plan_import(dir, import_options);
  if (!plan.ok()) {
    report_error(plan.error().message);
    return 1;
  }
  for (const ImportNote& note : plan->notes) std::printf("%s\n", note.to_string().c_str());
  if (dry_run) {
    for (const ImportPost& post : plan->posts)
      std::printf("would import %s as /%s/%s\n", post.source.c_str(), post.slug.c_str(), post.draft ? " (draft)" : "");
    std::printf("%s: %zu posts in %zu files, %zu notes; nothing was written\n", site_kind_name(plan->kind),
                plan->posts.size(), plan->files_seen, plan->notes.size());
    return 0;
  }

  auto installation = open_installation(options);
  if (!installation.ok()) {
    report_error(installation.error().message);
    return 1;
  }
  Installation& it = **installation;
  auto engine = make_app_engine(it.app, nullptr);
  if (!engine.ok()) {
    report_error(engine.error().message);
    return 1;
  }
  Context& cx = (*engine)->cx();
  const Value import = (*engine)->global("blog/import-post");
  if (import.is_unset()) {
    report_error("this application has no blog/import-post; expected the blog");
    return 1;
  }
  Vm::Pin import_pin((*engine)->vm, import);
  std::size_t created = 0, updated = 0, unchanged = 0, failed = 0, done = 0, images = 0;
  for (const ImportPost& post : plan->posts) {
    std::map<std::string, std::string> addresses;
    for (const ImportImage& image : post.images) {
      const auto path = (std::filesystem::path(dir) / image.file).string();
      auto bytes = read_file(path);
      if (!bytes.ok()) {
        std::printf("warning: %s: %s\n", post.source.c_str(), bytes.error().message.c_str());
        continue;
      }
      auto ref = it.blobs->put(bytes.value());
      if (!ref.ok()) {
        report_error(ref.error().message);
        return 1;
      }
      addresses[image.reference] = str("/blob/", ref->cid);
      ++images;
    }
    const std::string body = with_blob_addresses(post.body, addresses);
    std::string identity = str(post.title, "\n", post.slug, "\n", post.draft ? "draft" : "public", "\n", body);
    for (const std::string& tag : post.tags) identity += str("\n#", tag);
    if (post.date_ms) identity += str("\n", *post.date_ms);
    Root value(cx.heap, post_value(cx, post, body, hex_encode(sha256(identity))));
    const Value args[] = {value};
    const auto result = (*engine)->runner.run_now(import_pin.get(), args, 1);
    ++done;
    if (!result.ok()) {
      std::printf("error: %s: %s\n", post.source.c_str(), result.error().message.c_str());
      ++failed;
    } else if (result.value() == cx.keyword("created")) {
      ++created;
    } else if (result.value() == cx.keyword("updated")) {
      ++updated;
    } else {
      ++unchanged;
    }
    if (terminal) std::fprintf(stderr, "\rimporting %zu of %zu%s", done, plan->posts.size(), done == plan->posts.size() ? "\n" : "");
  }
  std::printf("%s: %zu created, %zu updated, %zu unchanged, %zu failed, %zu images, %zu notes\n",
              site_kind_name(plan->kind), created, updated, unchanged, failed, images, plan->notes.size());
  it.store->close();
  return failed == 0 ? 0 : 1;
}

}  // namespace sx::cli
