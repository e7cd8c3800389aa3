// Planning an import: reads a folder of Markdown as Jekyll, Hugo and Zola keep it and says which
// posts it holds and what was not understood. Nothing is fetched, nothing is written: the caller
// turns the plan into commits.
//
// Jekyll  _posts/**, _drafts/**, _config.yml (collections), YYYY-MM-DD-title.md, assets by site
// path Hugo    content/**, bundles (index.md with its images beside it), static/** by site path
// Zola    content/**, +++ TOML with [taxonomies], YYYY-MM-DD-title, colocated assets, static/**
// plain   any other folder: every .md and .markdown below it
//
// The order is that of the paths, byte by byte, so that the same folder gives the same plan.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "server/content/front_matter.h"

namespace sx {

enum class SiteKind { Plain, Jekyll, Hugo, Zola };
const char* site_kind_name(SiteKind kind);

struct ImportImage {
  std::string reference;  // as MarkdownOptions::rewrite_media gets it when the body is rendered
  std::string file;       // the file it means, relative to the folder imported
};

struct ImportPost {
  std::string source;  // path relative to the folder imported
  std::string title;
  std::string slug;                        // unique in the plan
  std::optional<std::int64_t> date_ms;     // front matter, else the file name
  std::optional<std::int64_t> updated_ms;  // lastmod, updated, last_modified_at
  std::vector<std::string> tags;
  std::vector<std::string> categories;
  bool draft = false;
  std::string summary;   // description, summary, excerpt
  std::string language;  // lang, language, or Hugo's "post.de.md"
  std::string cover;     // image, cover, … : a reference, resolved in images when it is a file
  std::vector<std::string> aliases;  // former addresses
  std::string body;                  // Markdown, valid UTF-8, LF line ends
  std::vector<ImportImage> images;   // each reference once, in order of appearance
  std::vector<FrontField> extra;     // front matter fields that mean nothing here
};

struct ImportNote {
  enum class Severity { Info, Warning, Error };
  Severity severity = Severity::Info;
  std::string path;  // relative; empty for the folder itself
  int line = 0;      // 0: the whole file
  std::string text;

  std::string to_string() const;  // "warning: _posts/a.md:3: …"
};

struct ImportPlan {
  SiteKind kind = SiteKind::Plain;
  std::vector<ImportPost> posts;
  std::vector<ImportNote> notes;
  std::size_t files_seen = 0;

  bool has_errors() const;
};

struct ImportLimits {
  std::size_t files_max = 100'000;
  std::size_t document_bytes_max = 4u << 20;
  std::size_t image_bytes_max = 32u << 20;
  std::size_t depth_max = 64;
};

struct ImportOptions {
  ImportLimits limits;
  // Called after each document: how many are done, how many there are.
  std::function<void(std::size_t done, std::size_t total)> progress;
};

// An error only if the folder itself cannot be read; everything smaller is a note and the rest
// goes on.
Result<ImportPlan> plan_import(const std::string& dir, const ImportOptions& options = {});

}  // namespace sx
