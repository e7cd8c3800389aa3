// sx blog import DIR: plans (server/content/site_import.h), stores images, commits each post.
#include <filesystem>
#include <map>

#include "engine/base/str.h"
#include "engine/value/collections.h"
#include "server/cli/app_host.h"
#include "server/content/site_import.h"

namespace sx::cli {

namespace {

Value strings(Context& cx, const std::vector<std::string>& texts) {
  Root vector(cx.heap, empty_vector(cx));
  for (const std::string& text : texts) {
    const Value one = make_string(cx, text);
    vector = vector_push(cx, vector, one);
  }
  return vector;
}

Value post_value(Context& cx, const ImportPost& post,
                 const std::map<std::string, std::string>& images) {
  Root dict(cx.heap, empty_dict(cx));
  auto put = [&](std::string_view key, Value v) {
    Root value(cx.heap, v);
    dict = dict_put(cx, dict, cx.keyword(key), value);
  };
  put("source", make_string(cx, post.source));
  put("categories", strings(cx, post.categories));
  put("cover", make_string(cx, post.cover));
  put("title", make_string(cx, post.title));
  put("slug", make_string(cx, post.slug));
  put("body", make_string(cx, post.body));
  // The Markdown keeps its references; rendering looks them up here.
  Root cids(cx.heap, empty_dict(cx));
  for (const auto& [reference, address] : images) {
    Root key(cx.heap, make_string(cx, reference));
    const Value to = make_string(cx, address);
    cids = dict_put(cx, cids, key, to);
  }
  put("images", cids);
  put("tags", strings(cx, post.tags));
  put("draft", Value::boolean(post.draft));
  put("summary", make_string(cx, post.summary));
  put("language", make_string(cx, post.language));
  put("aliases", strings(cx, post.aliases));
  put("date", post.date_ms ? make_int(cx, *post.date_ms) : Value::nil());
  put("updated", post.updated_ms ? make_int(cx, *post.updated_ms) : Value::nil());
  return dict;
}

}  // namespace

namespace {

Result<ImportPlan> make_plan(const std::string& dir, const CommandOutput& output) {
  ImportOptions options;
  if (output.progress) {
    options.progress = [&output](std::size_t done, std::size_t total) {
      output.err(str("\rreading ", done, " of ", total, done == total ? "\n" : ""));
    };
  }
  SX_TRY(ImportPlan plan, plan_import(dir, options));
  for (const ImportNote& note : plan.notes) output.out(str(note.to_string(), "\n"));
  return plan;
}

// Stores the post's images; their cids by reference.
Result<std::map<std::string, std::string>> store_images(Installation& it, const std::string& dir,
                                                        const ImportPost& post,
                                                        const CommandOutput& output) {
  std::map<std::string, std::string> cids;
  for (const ImportImage& image : post.images) {
    auto bytes = read_file((std::filesystem::path(dir) / image.file).string());
    if (!bytes.ok()) {
      output.out(str("warning: ", post.source, ": ", bytes.error().message, "\n"));
      continue;
    }
    SX_TRY(const auto ref, it.blobs->put(bytes.value()));
    cids[image.reference] = ref.cid;
  }
  return cids;
}

}  // namespace

int plan_site(const std::string& dir, const CommandOutput& output) {
  auto plan = make_plan(dir, output);
  if (!plan.ok()) {
    output.err(str("error: ", plan.error().message, "\n"));
    return 1;
  }
  for (const ImportPost& post : plan->posts)
    output.out(str("would import ", post.source, " as /", post.slug, "/",
                   post.draft ? " (draft)" : "", "\n"));
  output.out(str(site_kind_name(plan->kind), ": ", plan->posts.size(), " posts in ",
                 plan->files_seen, " files, ", plan->notes.size(),
                 " notes; nothing was written\n"));
  return 0;
}

int import_site(Installation& it, const std::string& dir, const CommandOutput& output) {
  auto fail = [&](std::string_view message) {
    output.err(str("error: ", message, "\n"));
    return 1;
  };
  auto plan = make_plan(dir, output);
  if (!plan.ok()) return fail(plan.error().message);
  auto engine = make_app_engine(it.app, nullptr);
  if (!engine.ok()) return fail(engine.error().message);
  Context& cx = (*engine)->cx();
  const Value import = (*engine)->global("blog/import-post");
  if (import.is_unset()) return fail("this application has no blog/import-post; expected the blog");
  Vm::Pin import_pin((*engine)->vm, import);

  std::size_t created = 0, updated = 0, unchanged = 0, failed = 0, done = 0, images = 0;
  for (const ImportPost& post : plan->posts) {
    auto cids = store_images(it, dir, post, output);
    if (!cids.ok()) return fail(cids.error().message);
    images += cids->size();
    Root value(cx.heap, post_value(cx, post, *cids));
    const Value args[] = {value};
    const auto result = (*engine)->runner.run_now(import_pin.get(), args, 1);
    ++done;
    if (!result.ok()) {
      output.out(str("error: ", post.source, ": ", result.error().message, "\n"));
      ++failed;
      continue;
    }
    const Value outcome = is_dict(result.value())
                              ? dict_get(cx, result.value(), cx.keyword("outcome"))
                              : Value::nil();
    if (outcome == cx.keyword("created"))
      ++created;
    else if (outcome == cx.keyword("updated"))
      ++updated;
    else
      ++unchanged;
    if (output.progress)
      output.err(str("\rimporting ", done, " of ", plan->posts.size(),
                     done == plan->posts.size() ? "\n" : ""));
  }
  output.out(str(site_kind_name(plan->kind), ": ", created, " created, ", updated, " updated, ",
                 unchanged, " unchanged, ", failed, " failed, ", images, " images, ",
                 plan->notes.size(), " notes\n"));
  return failed == 0 ? 0 : 1;
}

}  // namespace sx::cli
