// Walk, recognise, read each document, find its pictures. All decisions are here; nothing is
// written.
#include "server/content/site_import.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <map>
#include <set>

#include "engine/base/str.h"
#include "server/content/markdown.h"
#include "server/content/site_text.h"
#include "server/content/slug.h"
#include "server/content/utf8.h"

namespace sx {
namespace {

namespace fs = std::filesystem;
using Severity = ImportNote::Severity;

bool one_of(std::string_view text, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (end > at) parts.emplace_back(path.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

std::string join(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + "/" + name;
}

// "a/./b/../c" → "a/c"; nullopt if it climbs out.
std::optional<std::string> normal_path(std::string_view path) {
  std::vector<std::string> kept;
  for (std::string& part : split_path(path)) {
    if (part == ".") continue;
    if (part != "..") {
      kept.push_back(std::move(part));
    } else if (kept.empty()) {
      return std::nullopt;
    } else {
      kept.pop_back();
    }
  }
  std::string out;
  for (const std::string& part : kept) out = join(out, part);
  return out;
}

std::string percent_decoded(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char l = static_cast<char>(c | 0x20);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 &&
        digit(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

struct FileName {
  std::string stem;       // without date, language and extension
  std::string extension;  // lower case, without the dot
  std::string language;
  std::optional<std::int64_t> date_ms;
};

FileName read_name(const std::string& path, SiteKind kind) {
  FileName out;
  std::string name = path.substr(path.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  if (dot != std::string::npos && dot != 0) {
    out.extension = lower(name.substr(dot + 1));
    name.resize(dot);
  }
  if (kind == SiteKind::Hugo || kind == SiteKind::Zola) {
    const std::size_t second = name.rfind('.');
    const std::string tail = second == std::string::npos ? "" : name.substr(second + 1);
    const bool letters =
        tail.size() >= 2 && tail.size() <= 7 && std::all_of(tail.begin(), tail.end(), [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
        });
    if (letters && (tail.size() == 2 || tail[2] == '-' || tail[2] == '_')) {
      out.language = tail;
      std::replace(out.language.begin(), out.language.end(), '_', '-');
      name.resize(second);
    }
  }
  if (name.size() >= 10 && name[4] == '-' && name[7] == '-') {
    const auto date = parse_date(std::string_view(name).substr(0, 10));
    if (date && (name.size() == 10 || name[10] == '-' || name[10] == '_')) {
      out.date_ms = date->epoch_ms;
      name.erase(0, std::min<std::size_t>(11, name.size()));
    }
  }
  out.stem = name;
  return out;
}

bool is_markdown(std::string_view extension) {
  return one_of(extension, {"md", "markdown", "mdown", "mkd", "mkdn"});
}

bool is_other_markup(std::string_view extension) {
  return one_of(extension, {"adoc", "asciidoc", "rst", "org", "textile", "pandoc", "mdx"});
}

class Planner {
 public:
  Planner(fs::path root, const ImportOptions& options)
      : root_(std::move(root)), options_(options) {}

  ImportPlan plan() {
    walk(root_, "", 0);
    std::sort(files_.begin(), files_.end());
    plan_.files_seen = files_.size();
    recognise();
    std::vector<std::string> documents;
    for (const std::string& file : files_)
      if (is_document(file)) documents.push_back(file);
    std::size_t done = 0;
    for (const std::string& file : documents) {
      document(file);
      if (options_.progress) options_.progress(++done, documents.size());
    }
    make_slugs_unique();
    for (const auto& [name, count] : unknown_fields_)
      note(Severity::Info, "", 0,
           str("field '", name, "' (", count, count == 1 ? " post" : " posts",
               ") has no meaning here; it is kept with the post but not shown"));
    if (documents.empty())
      note(Severity::Warning, "", 0,
           str("no posts found in ", plan_.files_seen,
               " files: expected Markdown in _posts "
               "(Jekyll), in content (Hugo, Zola) or anywhere else (*.md)"));
    return std::move(plan_);
  }

 private:
  void note(Severity severity, std::string path, int line, std::string text) {
    plan_.notes.push_back({severity, std::move(path), line, std::move(text)});
  }

  // ---- the folder ----

  void walk(const fs::path& folder, const std::string& relative, std::size_t depth) {
    if (depth > options_.limits.depth_max) {
      note(Severity::Warning, relative, 0, "nested too deeply; left out");
      return;
    }
    std::error_code error;
    std::vector<fs::directory_entry> entries;
    fs::directory_iterator it(folder, error);
    for (; !error && it != fs::directory_iterator(); it.increment(error)) entries.push_back(*it);
    if (error) {
      note(Severity::Error, relative, 0, str("the folder cannot be read: ", error.message()));
      return;
    }
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
      return a.path().filename().native() < b.path().filename().native();
    });
    for (const fs::directory_entry& entry : entries) {
      const std::string name = entry.path().filename().native();
      const std::string path = join(relative, name);
      if (!is_valid_utf8(name)) {
        note(Severity::Warning, repair_utf8(path), 0, "the file name is not UTF-8; left out");
        continue;
      }
      const fs::file_status own = entry.symlink_status(error);
      if (fs::is_symlink(own)) {
        link(entry.path(), path);
      } else if (fs::is_directory(own)) {
        // Hidden folders, built output and other people's themes hold no posts.
        const bool skipped = name[0] == '.' || one_of(name, {"node_modules", "_site", "vendor"}) ||
                             (depth == 0 && one_of(name, {"public", "resources", "themes"}));
        if (!skipped) walk(entry.path(), path, depth + 1);
      } else if (fs::is_regular_file(own)) {
        add_file(path);
      }
    }
  }

  void link(const fs::path& path, const std::string& relative) {
    std::error_code error;
    const fs::path target = fs::canonical(path, error);
    if (error) {
      note(Severity::Warning, relative, 0, "a link to nothing; left out");
      return;
    }
    const fs::path inside = target.lexically_relative(root_);
    if (inside.empty() || *inside.begin() == "..") {
      note(Severity::Warning, relative, 0, "a link out of the folder; left out");
    } else if (fs::is_directory(target, error)) {
      note(Severity::Info, relative, 0, "a link to another folder of the site; read there only");
    } else if (fs::is_regular_file(target, error)) {
      add_file(relative);
    }
  }

  void add_file(const std::string& path) {
    if (files_.size() < options_.limits.files_max) {
      files_.push_back(path);
    } else if (!too_many_) {
      too_many_ = true;
      note(Severity::Error, "", 0,
           str("more than ", options_.limits.files_max, " files; the rest is left out"));
    }
  }

  bool has(const std::string& file) const {
    return std::binary_search(files_.begin(), files_.end(), file);
  }

  bool has_folder(const std::string& folder) const {
    const std::string prefix = folder + "/";
    const auto at = std::lower_bound(files_.begin(), files_.end(), prefix);
    return at != files_.end() && at->compare(0, prefix.size(), prefix) == 0;
  }

  // The whole file, or nullopt with a note.
  std::optional<std::string> read(const std::string& file, std::size_t bytes_max) {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(root_ / file, error);
    if (!error && size > bytes_max) {
      note(Severity::Error, file, 0,
           str("the file has ", size, " bytes; at most ", bytes_max, " are read"));
      return std::nullopt;
    }
    errno = 0;
    std::ifstream in(root_ / file, std::ios::binary);
    std::string text;
    if (in) text.assign(std::istreambuf_iterator<char>(in), {});
    if (!in || error) {
      note(Severity::Error, file, 0,
           str("the file cannot be read: ", error ? error.message() : std::strerror(errno)));
      return std::nullopt;
    }
    return text;
  }

  // ---- which generator ----

  void recognise() {
    const auto config = [&](std::initializer_list<std::string_view> names) {
      return std::any_of(names.begin(), names.end(),
                         [&](std::string_view name) { return has(std::string(name)); });
    };
    bool posts = false;
    for (const std::string& file : files_)
      for (const std::string& part : split_path(folder_of(file)))
        posts = posts || part == "_posts" || part == "_drafts";
    if (config({"_config.yml", "_config.yaml", "_config.toml"}) || posts) {
      plan_.kind = SiteKind::Jekyll;
      jekyll_configuration();
      return;
    }
    if (!has_folder("content")) return;
    plan_.kind = SiteKind::Hugo;
    if (config({"hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json"})) return;
    for (const char* name : {"zola.toml", "config.toml"}) {
      if (!has(name)) continue;
      const auto text = read(name, options_.limits.document_bytes_max);
      if (text && text->find("base_url") != std::string::npos) plan_.kind = SiteKind::Zola;
      return;
    }
    if (config({"config.yaml", "config.yml", "config.json"}) || has_folder("config")) return;
    for (const std::string& file : files_) {
      if (file.compare(0, 8, "content/") != 0 ||
          !is_markdown(read_name(file, plan_.kind).extension))
        continue;
      const auto text = read(file, options_.limits.document_bytes_max);
      if (text && text->find("\n[taxonomies]") != std::string::npos) plan_.kind = SiteKind::Zola;
    }
  }

  void jekyll_configuration() {
    for (const char* name : {"_config.yml", "_config.yaml"}) {
      if (!has(name)) continue;
      const auto text = read(name, options_.limits.document_bytes_max);
      if (!text) continue;
      const std::string block = "---\n" + *text + "\n---\n";
      const auto parsed = parse_front_matter(block);
      if (!parsed) {
        note(Severity::Warning, name, 0,
             str("the configuration is not understood: ", parsed.error().message));
        continue;
      }
      if (const FrontValue* base = parsed->root.find("baseurl"))
        if (const auto value = base->as_text()) base_url_ = *value;
      while (!base_url_.empty() && base_url_.back() == '/') base_url_.pop_back();
      const FrontValue* collections = parsed->root.find("collections");
      if (collections == nullptr) continue;
      for (const std::string& one : collections->as_texts()) collections_.insert("_" + one);
      for (const FrontField& field : collections->fields) collections_.insert("_" + field.name);
    }
  }

  bool is_document(const std::string& file) {
    const FileName name = read_name(file, plan_.kind);
    const std::vector<std::string> folders = split_path(folder_of(file));
    const bool html = name.extension == "html" || name.extension == "htm";
    bool place = false, post_place = false;
    switch (plan_.kind) {
      case SiteKind::Jekyll: {
        bool internal = false;
        for (const std::string& folder : folders) {
          post_place = post_place || folder == "_posts" || folder == "_drafts";
          internal = internal || folder[0] == '_';
        }
        post_place = post_place || (!folders.empty() && collections_.count(folders[0]) != 0);
        place = post_place || !internal;
        break;
      }
      case SiteKind::Hugo:
      case SiteKind::Zola:
        place = post_place = !folders.empty() && folders[0] == "content";
        break;
      case SiteKind::Plain:
        place = true;
        break;
    }
    if (!place) return false;
    if (is_other_markup(name.extension)) {
      note(Severity::Warning, file, 0,
           str(".", name.extension, " is not Markdown; left out: convert it first"));
      return false;
    }
    return is_markdown(name.extension) || (html && post_place);
  }

  // ---- one document ----

  void document(const std::string& file) {
    FileName name = read_name(file, plan_.kind);
    if (name.stem == "_index") {
      note(Severity::Info, file, 0, "a section page, not a post; left out");
      return;
    }
    std::optional<std::string> text = read(file, options_.limits.document_bytes_max);
    if (!text) return;
    if (!is_valid_utf8(*text)) {
      std::size_t at = 0, line = 1;
      for (std::size_t start = 0; start < text->size(); start = at) {
        if ((*text)[start] == '\n') ++line;
        if (next_code_point(*text, at) == kInvalidCodePoint) break;
      }
      // What is not UTF-8 was almost always written on a Windows machine of its time.
      std::optional<std::string> decoded = windows_1252_to_utf8(*text);
      if (!decoded) {
        note(Severity::Error, file, static_cast<int>(line),
             "the file is neither UTF-8 nor Windows-1252 text; left out: save it as UTF-8");
        return;
      }
      note(Severity::Warning, file, static_cast<int>(line),
           "the file is not UTF-8; read as Windows-1252: check its accents");
      text = std::move(decoded);
    }
    const Result<FrontMatter> front = parse_front_matter(*text);
    if (!front) {
      placed(Severity::Error, file, front.error().message);
      return;
    }
    for (const std::string& warning : front->warnings) placed(Severity::Warning, file, warning);

    const std::vector<std::string> folders = split_path(folder_of(file));
    const bool in_posts = std::find(folders.begin(), folders.end(), "_posts") != folders.end();
    const bool in_drafts = std::find(folders.begin(), folders.end(), "_drafts") != folders.end();
    if (plan_.kind == SiteKind::Jekyll && !in_posts && !in_drafts && !page(file, folders, *front))
      return;

    ImportPost post;
    post.source = file;
    post.language = name.language;
    post.draft = in_drafts;
    fields(post, *front);
    if (!post.date_ms) post.date_ms = name.date_ms;
    if (in_posts && folders.front() != "_posts")
      for (const std::string& folder : folders) {
        if (folder == "_posts") break;
        if (std::find(post.categories.begin(), post.categories.end(), folder) ==
            post.categories.end())
          post.categories.push_back(folder);
      }
    std::string stem = name.stem;
    const bool bundle = stem == "index" && !folders.empty();
    if (bundle && plan_.kind != SiteKind::Jekyll) {
      const FileName folder_name = read_name(folders.back() + ".md", SiteKind::Plain);
      stem = folder_name.stem;
      if (!post.date_ms) post.date_ms = folder_name.date_ms;
    }
    body(post, *front, stem);
    post.slug = wanted_slug(post, stem);
    images(post);
    plan_.posts.push_back(std::move(post));
  }

  // A Jekyll file outside _posts: taken if it is a page with something to say.
  bool page(const std::string& file, const std::vector<std::string>& folders,
            const FrontMatter& front) {
    if (!folders.empty() && collections_.count(folders[0]) != 0) return true;
    if (front.format == FrontFormat::None) {
      note(Severity::Info, file, 0, "no front matter, so not a page of the site; left out");
      return false;
    }
    const FrontValue* title = front.root.find("title");
    const bool empty = front.body.find_first_not_of(" \t\r\n") == std::string_view::npos;
    if (empty || title == nullptr || read_name(file, plan_.kind).stem == "404") {
      note(Severity::Info, file, 0, "a page without a title or text; left out");
      return false;
    }
    note(Severity::Info, file, 0, "a page, not a post; taken as a post without a date");
    return true;
  }

  // "3:1: text" with the place of front matter.
  void placed(Severity severity, const std::string& file, const std::string& message) {
    int line = 0;
    std::size_t at = 0;
    while (at < message.size() && message[at] >= '0' && message[at] <= '9' && at < 9)
      line = line * 10 + (message[at++] - '0');
    if (at == 0 || at >= message.size() || message[at] != ':') {
      note(severity, file, 0, message);
    } else {
      note(severity, file, line, message.substr(at + 1));
    }
  }

  void fields(ImportPost& post, const FrontMatter& front) {
    const bool words = plan_.kind == SiteKind::Jekyll;
    const auto lists = [&](const FrontValue& value) {
      if (value.is(FrontValue::Kind::List)) return value.as_texts();
      const auto text = value.as_text();
      return value.as_texts(words || (text && text->find(',') != std::string::npos));
    };
    const auto add = [](std::vector<std::string>& to, std::vector<std::string> more) {
      for (std::string& one : more)
        if (std::find(to.begin(), to.end(), one) == to.end()) to.push_back(std::move(one));
    };
    const auto text_into = [](std::string& to, const FrontValue& value) {
      if (const auto text = value.as_text(); text && to.empty()) to = *text;
    };
    std::optional<std::int64_t> published;
    for (const FrontField& field : front.root.fields) {
      const std::string name = lower(field.name);
      const FrontValue& value = field.value;
      if (value.is(FrontValue::Kind::Null)) continue;
      if (name == "title") {
        text_into(post.title, value);
      } else if (name == "slug") {
        text_into(slug_, value);
      } else if (one_of(name, {"permalink", "url", "path"})) {
        if (const auto text = value.as_text(); text && text->find(':') == std::string::npos) {
          permalink_ = *text;
          post.aliases.push_back(*text);
        }
      } else if (name == "date") {
        date(post, field, post.date_ms);
      } else if (one_of(name, {"publishdate", "pubdate", "published_at"})) {
        date(post, field, published);
      } else if (one_of(name,
                        {"updated", "lastmod", "last_modified_at", "modified", "last_updated"})) {
        date(post, field, post.updated_ms);
      } else if (one_of(name, {"tags", "tag"})) {
        add(post.tags, lists(value));
      } else if (one_of(name, {"categories", "category"})) {
        add(post.categories, lists(value));
      } else if (name == "taxonomies" && value.is(FrontValue::Kind::Map)) {
        for (const FrontField& taxonomy : value.fields) {
          if (one_of(taxonomy.name, {"tags", "tag"})) {
            add(post.tags, lists(taxonomy.value));
          } else if (one_of(taxonomy.name, {"categories", "category"})) {
            add(post.categories, lists(taxonomy.value));
          } else {
            unknown(post, {"taxonomies." + taxonomy.name, taxonomy.value});
          }
        }
      } else if (name == "draft" || name == "published") {
        const auto yes = value.as_bool();
        if (!yes) {
          note(Severity::Warning, post.source, value.line,
               str("'", field.name, "' should be true or false; taken as a draft"));
        }
        if (!yes || *yes == (name == "draft")) post.draft = true;
      } else if (one_of(name, {"description", "summary", "excerpt"})) {
        text_into(post.summary, value);
      } else if (one_of(name, {"lang", "language", "locale"})) {
        text_into(post.language, value);
      } else if (one_of(name, {"image", "cover", "cover_image", "featured_image", "thumbnail"})) {
        if (value.is(FrontValue::Kind::Map)) {
          for (const char* key : {"path", "image", "src", "url"})
            if (const FrontValue* inner = value.find(key)) text_into(post.cover, *inner);
        } else {
          text_into(post.cover, value);
        }
      } else if (one_of(name, {"aliases", "redirect_from"})) {
        add(post.aliases, value.as_texts());
      } else {
        unknown(post, field);
      }
    }
    if (!post.date_ms) post.date_ms = published;
  }

  void unknown(ImportPost& post, FrontField field) {
    ++unknown_fields_[field.name];
    post.extra.push_back(std::move(field));
  }

  void date(const ImportPost& post, const FrontField& field, std::optional<std::int64_t>& to) {
    const auto ms = field.value.as_date_ms();
    if (!ms) {
      note(Severity::Warning, post.source, field.value.line,
           str("'", field.name, "' is not a date: found \"",
               field.value.as_text().value_or("a list"),
               "\", expected 2024-01-31 or "
               "2024-01-31T10:00:00Z"));
    } else if (!to) {
      to = *ms;
    }
  }

  void body(ImportPost& post, const FrontMatter& front, const std::string& stem) {
    std::string text;
    text.reserve(front.body.size());
    for (std::size_t i = 0; i < front.body.size(); ++i) {
      if (front.body[i] != '\r') {
        text.push_back(front.body[i]);
      } else if (i + 1 >= front.body.size() || front.body[i + 1] != '\n') {
        text.push_back('\n');
      }
    }
    text.erase(std::remove(text.begin(), text.end(), '\0'), text.end());
    for (const TemplateTag& tag : find_template_tags(replace_plain_tags(text, plan_.kind)))
      note(Severity::Warning, post.source, front.body_line + tag.line - 1,
           str("a template tag is left as text: ", tag.text));
    post.body = replace_plain_tags(text, plan_.kind);
    if (post.title.empty()) {
      std::string_view rest;
      post.title = leading_heading(post.body, rest);
      if (!post.title.empty()) {
        post.body = std::string(rest);
        post.title = plain_text(markdown_to_html(post.title));
      }
    }
    if (post.title.empty()) {
      post.title = stem;
      std::replace_if(
          post.title.begin(), post.title.end(), [](char c) { return c == '-' || c == '_'; }, ' ');
      if (!post.title.empty() && post.title[0] >= 'a' && post.title[0] <= 'z')
        post.title[0] = static_cast<char>(post.title[0] - 'a' + 'A');
      if (post.title.empty()) post.title = "Untitled";
      note(Severity::Info, post.source, 0, str("no title; taken from the file name: ", post.title));
    }
    const std::size_t start = post.body.find_first_not_of('\n');
    post.body.erase(0, start == std::string::npos ? post.body.size() : start);
  }

  // The address the site had, as far as it had one: slug, permalink, file name.
  std::string wanted_slug(const ImportPost& post, const std::string& stem) {
    std::string base = std::move(slug_);
    const std::vector<std::string> permalink = split_path(permalink_);
    slug_.clear();
    permalink_.clear();
    if (base.empty() && !permalink.empty()) {
      base = permalink.back();
      if (const std::size_t dot = base.rfind(".htm"); dot != std::string::npos) base.resize(dot);
      if (base == "index" && permalink.size() > 1) base = permalink[permalink.size() - 2];
    }
    if (base.empty()) base = stem.empty() || stem == "index" ? post.title : stem;
    return slugify(base);
  }

  // Translations yield to the text they stand beside: note.de.md becomes note-de.
  void make_slugs_unique() {
    std::set<std::string> taken;
    for (const bool translated : {false, true}) {
      for (ImportPost& post : plan_.posts) {
        if (post.language.empty() == translated) continue;
        std::string base = post.slug;
        if (translated && taken.count(base) != 0) base = slugify(base + "-" + post.language);
        post.slug = base;
        for (int n = 2; !taken.insert(post.slug).second; ++n) post.slug = str(base, "-", n);
      }
    }
  }

  // ---- pictures ----

  void images(ImportPost& post) {
    std::vector<std::string> references;
    if (!post.cover.empty()) references.push_back(post.cover);
    MarkdownOptions options;
    options.rewrite_media = [&](std::string_view source) {
      references.emplace_back(source);
      return std::optional<std::string>();
    };
    markdown_to_html(post.body, options);
    std::set<std::string> seen;
    for (const std::string& reference : references)
      if (seen.insert(reference).second) image(post, reference);
  }

  void image(ImportPost& post, const std::string& reference) {
    const std::size_t scheme = reference.find_first_of(":/?#");
    const bool has_scheme = scheme != std::string::npos && reference[scheme] == ':' && scheme > 1;
    if (has_scheme || reference.substr(0, 2) == "//") {
      if (lower(reference.substr(0, 5)) != "data:")
        note(Severity::Warning, post.source, 0,
             str("a remote image is not fetched: ", shortened(reference)));
      return;
    }
    std::string path = percent_decoded(reference.substr(0, reference.find_first_of("?#")));
    if (path.empty()) return;
    if (path.substr(0, 2) == "@/") path = "/content/" + path.substr(2);
    const bool absolute = path[0] == '/';
    if (absolute && !base_url_.empty() &&
        path.compare(0, base_url_.size() + 1, base_url_ + "/") == 0)
      path.erase(0, base_url_.size());
    std::vector<std::string> places;
    if (!absolute) places.push_back(folder_of(post.source));
    for (const char* place : {"", "static", "assets", "content"}) places.push_back(place);
    for (const std::string& place : places) {
      const auto file = normal_path(place + "/" + path);
      if (!file || !has(*file)) continue;
      std::error_code error;
      const std::uintmax_t size = fs::file_size(root_ / *file, error);
      if (error || size > options_.limits.image_bytes_max) {
        note(Severity::Warning, post.source, 0,
             str("the image ", *file, " is too large or cannot be read; left out"));
      } else {
        post.images.push_back({reference, *file});
      }
      return;
    }
    note(Severity::Warning, post.source, 0,
         str("the image ", shortened(reference), " is not in the folder"));
  }

  static std::string shortened(const std::string& text) {
    return text.size() <= 200 ? text : repair_utf8(text.substr(0, 200)) + "\u2026";
  }

  const fs::path root_;
  const ImportOptions& options_;
  ImportPlan plan_;
  std::vector<std::string> files_;
  bool too_many_ = false;
  std::string base_url_;
  std::set<std::string> collections_;
  std::string slug_, permalink_;  // of the document being read
  std::map<std::string, int> unknown_fields_;
};

}  // namespace

const char* site_kind_name(SiteKind kind) {
  switch (kind) {
    case SiteKind::Jekyll:
      return "Jekyll";
    case SiteKind::Hugo:
      return "Hugo";
    case SiteKind::Zola:
      return "Zola";
    case SiteKind::Plain:
      break;
  }
  return "Markdown";
}

std::string ImportNote::to_string() const {
  const char* word = severity == Severity::Error     ? "error: "
                     : severity == Severity::Warning ? "warning: "
                                                     : "note: ";
  std::string out = word;
  if (!path.empty()) out += path + ":";
  if (!path.empty() && line > 0) out += str(line, ":");
  if (!path.empty() && !text.empty() && text[0] != ' ' && !(text[0] >= '0' && text[0] <= '9'))
    out += " ";
  return out + text;
}

bool ImportPlan::has_errors() const {
  return std::any_of(notes.begin(), notes.end(),
                     [](const ImportNote& note) { return note.severity == Severity::Error; });
}

Result<ImportPlan> plan_import(const std::string& dir, const ImportOptions& options) {
  std::error_code error;
  const fs::path root = fs::canonical(dir, error);
  if (error) return Error{str("the folder ", dir, " cannot be read: ", error.message())};
  if (!fs::is_directory(root, error))
    return Error{str(dir, " is not a folder; give the folder of the site")};
  fs::directory_iterator probe(root, error);
  if (error) return Error{str("the folder ", dir, " cannot be read: ", error.message())};
  return Planner(root, options).plan();
}

}  // namespace sx
