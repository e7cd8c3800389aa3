// Small sites as Jekyll, Hugo and Zola keep them, and folders that are broken on purpose.
#include "server/content/site_import.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

using namespace sx;
namespace fs = std::filesystem;

namespace {

struct Site {
  fs::path path;
  Site() {
    char name[] = "/tmp/sx-site-XXXXXX";
    path = mkdtemp(name);
  }
  ~Site() { fs::remove_all(path); }
  void file(const std::string& name, std::string_view text) const {
    fs::create_directories((path / name).parent_path());
    std::ofstream(path / name, std::ios::binary) << text;
  }
  ImportPlan plan(const ImportOptions& options = {}) const {
    return plan_import(path.native(), options).take();
  }
};

const ImportPost* post(const ImportPlan& plan, std::string_view slug) {
  for (const ImportPost& one : plan.posts)
    if (one.slug == slug) return &one;
  return nullptr;
}

std::string report(const ImportPlan& plan) {
  std::string out;
  for (const ImportNote& note : plan.notes) out += note.to_string() + "\n";
  return out;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::int64_t day(std::string_view text) { return parse_date(text)->epoch_ms; }

}  // namespace

TEST_CASE("a Jekyll site: posts, drafts, categories by folder, liquid, assets") {
  const Site site;
  site.file("_config.yml",
            "title: X\nbaseurl: /blog\ncollections:\n  recipes:\n    output: true\n");
  site.file("_posts/2024-01-02-hello-world.md",
            "---\nlayout: post\ntitle: \"Hello\"\ntags: one two\ncategories: [news]\n---\n"
            "Hi ![cat]({{ site.baseurl }}/assets/cat.png) ![r](https://e.org/r.png)\n\n"
            "{% highlight ruby %}\nputs '{{ not.liquid }}'\n{% endhighlight %}\n\n{% include "
            "video.html %}\n");
  site.file("music/_posts/2023-05-06-song.markdown",
            "---\ntitle: Song\npublished: false\n---\nLa\n");
  site.file("_drafts/idea.md", "---\ntitle: Idea\n---\n![a](/blog/assets/cat.png)\n");
  site.file("_recipes/soup.md", "---\ntitle: Soup\ndate: 2022-02-03 10:00:00 +0200\n---\nBoil.\n");
  site.file("about.md", "---\ntitle: About\npermalink: /about-us/\n---\nMe.\n");
  site.file("_layouts/post.html", "<html>{{ content }}</html>");
  site.file("_site/2024/01/02/hello.html", "<p>built</p>");
  site.file("assets/cat.png", "png");
  const ImportPlan plan = site.plan();
  CHECK(plan.kind == SiteKind::Jekyll);
  REQUIRE(plan.posts.size() == 5);
  const ImportPost* hello = post(plan, "hello-world");
  REQUIRE(hello);
  CHECK(hello->title == "Hello");
  CHECK(hello->date_ms == day("2024-01-02"));
  CHECK(hello->tags == std::vector<std::string>{"one", "two"});
  CHECK(hello->categories == std::vector<std::string>{"news"});
  REQUIRE(hello->images.size() == 1);
  CHECK(hello->images[0].reference == "/assets/cat.png");
  CHECK(hello->images[0].file == "assets/cat.png");
  CHECK(has(hello->body, "```ruby\nputs '{{ not.liquid }}'\n```"));
  CHECK(has(report(plan),
            "_posts/2024-01-02-hello-world.md:13: a template tag is left as text: {% include "
            "video.html %}"));
  CHECK(has(report(plan), "remote image is not fetched: https://e.org/r.png"));
  CHECK_FALSE(has(report(plan), "not.liquid"));
  CHECK(has(report(plan), "'layout' (1 post)"));
  REQUIRE(post(plan, "song"));
  CHECK(post(plan, "song")->draft);
  CHECK(post(plan, "song")->categories == std::vector<std::string>{"music"});
  REQUIRE(post(plan, "idea"));
  CHECK(post(plan, "idea")->draft);
  CHECK_FALSE(post(plan, "idea")->date_ms);
  CHECK(post(plan, "idea")->images.size() == 1);
  REQUIRE(post(plan, "soup"));
  CHECK(post(plan, "soup")->date_ms == day("2022-02-03T08:00:00Z"));
  REQUIRE(post(plan, "about-us"));
  CHECK_FALSE(plan.has_errors());
}

TEST_CASE("a Hugo site: bundles, sections, three notations, languages, shortcodes") {
  const Site site;
  site.file("hugo.toml", "baseURL = 'https://e.org/'\n");
  site.file("content/_index.md", "---\ntitle: Home\n---\n");
  site.file(
      "content/posts/first.md",
      "+++\ntitle = 'First'\ndate = 2024-03-04T05:06:07Z\ntags = ['A', 'B']\ndraft = true\nweight "
      "= 3\n+++\n"
      "{{< youtube abc >}} and `{{< code >}}`\n{{< figure src=\"/img/x.png\" alt=\"X\" >}}\n");
  site.file("content/posts/trip/index.md",
            "---\ntitle: Trip\ndate: 2024-05-06\nlastmod: 2024-05-07\nslug: The Trip\nimage: "
            "cover.jpg\n---\n"
            "![](photo%20one.jpg) <img src=\"photo two.jpg\" alt=\"\"> ![gone](missing.png)\n");
  site.file("content/posts/trip/photo one.jpg", "x");
  site.file("content/posts/trip/photo two.jpg", "x");
  site.file("content/posts/trip/cover.jpg", "x");
  site.file("content/posts/first.de.md", "---\ntitle: Erster\n---\nHallo\n");
  site.file("content/json.md", "{\n\"title\": \"Json\",\n\"aliases\": [\"/old/\"]\n}\nText\n");
  site.file("content/doc.adoc", "= Asciidoc");
  site.file("static/img/x.png", "x");
  site.file("themes/t/content/no.md", "no");
  const ImportPlan plan = site.plan();
  CHECK(plan.kind == SiteKind::Hugo);
  REQUIRE(plan.posts.size() == 4);
  const ImportPost* first = post(plan, "first");
  REQUIRE(first);
  CHECK(first->draft);
  CHECK(first->tags == std::vector<std::string>{"A", "B"});
  CHECK(first->extra.size() == 1);
  CHECK(first->images.size() == 1);
  CHECK(has(first->body, "![X](</img/x.png>)"));
  CHECK(has(report(plan),
            "content/posts/first.md:8: a template tag is left as text: {{< youtube abc >}}"));
  CHECK_FALSE(has(report(plan), "{{< code"));
  const ImportPost* trip = post(plan, "the-trip");
  REQUIRE(trip);
  CHECK(trip->updated_ms == day("2024-05-07"));
  REQUIRE(trip->images.size() == 3);
  CHECK(trip->images[0].file == "content/posts/trip/cover.jpg");
  CHECK(trip->images[1].file == "content/posts/trip/photo one.jpg");
  CHECK(trip->images[2].reference == "photo two.jpg");
  CHECK(has(report(plan), "missing.png is not in the folder"));
  REQUIRE(post(plan, "first-de") != nullptr);
  CHECK(post(plan, "first-de")->language == "de");
  CHECK(post(plan, "json")->aliases == std::vector<std::string>{"/old/"});
  CHECK(has(report(plan), "content/_index.md: a section page"));
  CHECK(has(report(plan), ".adoc is not Markdown"));
}

TEST_CASE("a Zola site: taxonomies, dates in names, colocated pictures") {
  const Site site;
  site.file("config.toml", "base_url = \"https://e.org\"\n");
  site.file("content/blog/_index.md", "+++\nsort_by = \"date\"\n+++\n");
  site.file("content/blog/2024-06-07-notes.md",
            "+++\ntitle = \"Notes\"\n[taxonomies]\ntags = [\"x\"]\nauthors = "
            "[\"Ann\"]\n[extra]\ntoc = true\n+++\nN\n");
  site.file("content/blog/2024-08-09_walk/index.md",
            "+++\ntitle = \"Walk\"\nupdated = 2024-08-10\n+++\n![](map.png)\n");
  site.file("content/blog/2024-08-09_walk/map.png", "x");
  const ImportPlan plan = site.plan();
  CHECK(plan.kind == SiteKind::Zola);
  REQUIRE(plan.posts.size() == 2);
  REQUIRE(post(plan, "notes"));
  CHECK(post(plan, "notes")->date_ms == day("2024-06-07"));
  CHECK(post(plan, "notes")->tags == std::vector<std::string>{"x"});
  CHECK(post(plan, "notes")->extra.size() == 2);
  REQUIRE(post(plan, "walk"));
  CHECK(post(plan, "walk")->date_ms == day("2024-08-09"));
  CHECK(post(plan, "walk")->images.size() == 1);
}

TEST_CASE("a plain folder: titles from headings or names, equal names made unique") {
  const Site site;
  site.file("a/note.md", "# The *first* note\n\nText\n");
  site.file("b/note.md", "No heading.\n");
  site.file("c/\u65e5\u672c.md", "Title\n=====\n\nText");
  site.file("d/empty.md", "");
  const ImportPlan plan = site.plan();
  CHECK(plan.kind == SiteKind::Plain);
  REQUIRE(plan.posts.size() == 4);
  CHECK(plan.posts[0].title == "The first note");
  CHECK(plan.posts[0].body == "Text\n");
  CHECK(plan.posts[0].slug == "note");
  CHECK(plan.posts[1].title == "Note");
  CHECK(plan.posts[1].slug == "note-2");
  CHECK(plan.posts[2].slug == "\u65e5\u672c");
  CHECK(plan.posts[2].title == "Title");
}

TEST_CASE("broken files are reported with their place and the rest goes on") {
  const Site site, outside;
  outside.file("secret.md", "# Secret");
  outside.file("dir/x.md", "# X");
  site.file("_posts/2024-01-01-good.md", "---\ntitle: Good\n---\nx\r\ny\r\n");
  site.file("_posts/2024-01-02-bad.md", "---\ntitle: A: B\n---\nx\n");
  site.file("_posts/2024-01-03-latin1.md", "---\ntitle: X\n---\nline\ncaf\xe9\n");
  site.file("_posts/2024-01-04-date.md", "---\ntitle: D\ndate: soon\ntitle: E\n---\nx\n");
  site.file("_posts/2024-01-05-big.md", "---\ntitle: Big\n---\n" + std::string(5000, 'x'));
  site.file("_posts/2024-01-06-climb.md",
            "---\ntitle: C\n---\n![x](../../../etc/passwd) ![y](/../secret.png)\n");
  fs::create_symlink(outside.path / "secret.md", site.path / "_posts/2024-01-07-link.md");
  fs::create_symlink(outside.path / "dir", site.path / "_posts/dir");
  fs::create_symlink(site.path / "nowhere", site.path / "_posts/2024-01-08-dangling.md");
  fs::create_symlink(site.path / "_posts", site.path / "loop");
  ImportOptions options;
  options.limits.document_bytes_max = 2000;
  std::size_t last = 0, total = 0;
  options.progress = [&](std::size_t done, std::size_t all) {
    last = done;
    total = all;
  };
  const ImportPlan plan = site.plan(options);
  const std::string text = report(plan);
  REQUIRE(plan.posts.size() == 4);
  CHECK(post(plan, "good")->body == "x\ny\n");
  CHECK(has(text, "error: _posts/2024-01-02-bad.md:2:9: "));
  CHECK(post(plan, "latin1")->body == "line\ncaf\xc3\xa9\n");
  CHECK(has(text,
            "warning: _posts/2024-01-03-latin1.md:5: the file is not UTF-8; read as Windows-1252"));
  CHECK(has(text, "'date' is not a date: found \"soon\""));
  CHECK(has(text, "warning: _posts/2024-01-04-date.md:4:1: 'title' is given twice"));
  CHECK(post(plan, "date")->title == "E");
  CHECK(post(plan, "date")->date_ms == day("2024-01-04"));
  CHECK(has(text, "2024-01-05-big.md: the file has"));
  CHECK(has(text, "../../../etc/passwd is not in the folder"));
  CHECK(post(plan, "climb")->images.empty());
  CHECK(has(text, "2024-01-07-link.md: a link out of the folder"));
  CHECK(has(text, "_posts/dir: a link out of the folder"));
  CHECK(has(text, "2024-01-08-dangling.md: a link to nothing"));
  CHECK(has(text, "loop: a link to another folder"));
  CHECK(plan.has_errors());
  CHECK(last == total);
  CHECK(total == 6);
}

TEST_CASE("the same folder gives the same plan") {
  const Site site;
  for (int i = 0; i < 30; ++i)
    site.file("d" + std::to_string(i * 7 % 10) + "/n" + std::to_string(i) + ".md", "# T\n");
  const ImportPlan a = site.plan(), b = site.plan();
  REQUIRE(a.posts.size() == 30);
  CHECK(report(a) == report(b));
  for (std::size_t i = 0; i < a.posts.size(); ++i) {
    CHECK(a.posts[i].source == b.posts[i].source);
    CHECK(a.posts[i].slug == b.posts[i].slug);
    if (i > 0) CHECK(a.posts[i - 1].source < a.posts[i].source);
  }
}

TEST_CASE("a folder that is not there, a file, and an empty folder say so") {
  const auto missing = plan_import("/nonexistent/x");
  REQUIRE_FALSE(missing.ok());
  CHECK(has(missing.error().message, "/nonexistent/x cannot be read"));
  const Site site;
  site.file("x.txt", "x");
  const auto file = plan_import((site.path / "x.txt").native());
  REQUIRE_FALSE(file.ok());
  CHECK(has(file.error().message, "not a folder"));
  CHECK(has(report(site.plan()), "no posts found in 1 files"));
}

TEST_CASE("too many files stop the walk with a note") {
  const Site site;
  for (int i = 0; i < 10; ++i) site.file(std::to_string(i) + ".md", "x");
  ImportOptions options;
  options.limits.files_max = 4;
  const ImportPlan plan = site.plan(options);
  CHECK(plan.posts.size() == 4);
  CHECK(has(report(plan), "more than 4 files"));
}
