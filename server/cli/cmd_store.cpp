// sx store verify, stats, export, import, compact: run inside the process that owns the store,
// which may be a server that was asked over its control socket.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include "engine/base/str.h"
#include "server/cli/app_host.h"
#include "server/store/dump.h"
#include "server/store/mend.h"
#include "server/store/sqlite_store.h"

namespace sx::cli {

namespace {

constexpr std::uint64_t kBlobPiece = 256 << 10;

int fail(const CommandOutput& output, std::string_view message) {
  output.err(str("error: ", message, "\n"));
  return 1;
}

// {"name":1,…} or "name 1, …"
std::string counts(std::initializer_list<std::pair<const char*, std::uint64_t>> numbers,
                   bool json) {
  std::string text = json ? "{" : "";
  bool first = true;
  for (const auto& [name, n] : numbers) {
    if (!first) text += json ? "," : ", ";
    text += json ? str("\"", name, "\":", n) : str(name, " ", n);
    first = false;
  }
  return str(text, json ? "}\n" : "\n");
}

int verify(Installation& it, bool json, const CommandOutput& output) {
  auto report = it.store->verify();
  if (!report.ok()) return fail(output, report.error().message);
  const auto& bad = report->bad;
  if (json) {
    std::string text = str("{\"ok\":", bad ? "false" : "true", ",\"events\":", report->events,
                           ",\"compacted\":", report->compacted, ",\"keys\":", report->kv_keys,
                           ",\"head\":\"", report->head, "\"");
    if (bad)
      text += str(",\"bad\":{\"pos\":", bad->pos, ",\"stream\":", json_text(bad->stream),
                  ",\"seq\":", bad->seq, ",\"what\":", json_text(bad->what), "}");
    output.out(text + "}\n");
    return bad ? 1 : 0;
  }
  if (bad) {
    const std::string place =
        bad->pos == 0
            ? "outside of the log"
            : str("at position ", bad->pos,
                  bad->stream.empty() ? std::string()
                                      : str(" (stream ", bad->stream, ", seq ", bad->seq, ")"));
    return fail(output, str("the store is damaged ", place, ": ", bad->what,
                            ". Nothing was changed. Restore a backup; `sx store export --rescue` "
                            "reads what is left"));
  }
  output.out(str("verified ", report->events, " events (", report->compacted, " compacted) and ",
                 report->kv_keys, " keys, head ", report->head, "\n"));
  return 0;
}

int stats(Installation& it, bool json, const CommandOutput& output) {
  auto stats = it.store->stats();
  if (!stats.ok()) return fail(output, stats.error().message);
  output.out(counts({{"events", stats->committed},
                     {"streams", stats->streams},
                     {"keys", stats->kv_keys},
                     {"outbox", stats->outbox},
                     {"bytes", stats->bytes}},
                    json));
  return 0;
}

Result<void> write_blob(const store::BlobStore& blobs, const std::string& cid,
                        store::DumpWriter& writer) {
  SX_TRY(const store::BlobRef ref, blobs.stat(cid));
  std::uint64_t at = 0;
  do {
    SX_TRY(const std::string piece, blobs.read(cid, at, kBlobPiece));
    SX_CHECK(writer.blob(ref, at, piece));
    at += piece.size();
    if (piece.empty()) break;
  } while (at < ref.size);
  return {};
}

Result<void> write_blobs(const store::BlobStore& blobs, store::DumpWriter& writer) {
  SX_TRY(const auto cids, blobs.list());
  for (const std::string& cid : cids) SX_CHECK(write_blob(blobs, cid, writer));
  return {};
}

int report_export(const store::DumpWriter& writer, bool json, const CommandOutput& output) {
  if (json) {
    output.err(counts({{"lines", writer.lines()}, {"damaged", writer.damaged()}}, true));
  } else if (writer.damaged() > 0) {
    output.err(str("warning: ", writer.damaged(),
                   " records were damaged or gone; their places are in the export\n"));
  }
  return writer.damaged() > 0 ? 1 : 0;
}

// The lines go to standard output, what is said about them to standard error.
int export_store(Installation& it, bool blobs, bool json, const CommandOutput& output) {
  store::DumpWriter writer([&](std::string_view piece) -> Result<void> {
    output.out(piece);
    if (output.lost()) return Error{"nobody reads the export any more"};
    return {};
  });
  auto done = it.store->dump([&](const store::Row& row) { return writer.row(row); });
  if (done.ok() && blobs) done = write_blobs(*it.blobs, writer);
  if (done.ok()) done = writer.finish();
  if (!done.ok()) return fail(output, done.error().message);
  return report_export(writer, json, output);
}

// The lines of a file, from its beginning.
store::NextLine lines_of(const std::string& file) {
  auto in = std::make_shared<std::ifstream>(file, std::ios::binary);
  return [in]() -> Result<std::optional<std::string>> {
    std::string line;
    if (std::getline(*in, line)) return std::optional<std::string>(std::move(line));
    if (in->bad()) return Error{"reading failed"};
    return std::optional<std::string>();
  };
}

void report_mending(const store::Mending& mending, const CommandOutput& output) {
  const auto say = [&](std::uint64_t n, std::string_view what) {
    if (n > 0) output.err(str("warning: ", n, " ", what, "\n"));
  };
  say(mending.lost, "events are lost; in their places stand events of type :lost");
  say(mending.changed,
      "events are not what was written; in their places stand events of type :lost, which hold "
      "what "
      "was found");
  say(mending.unproven,
      "events stand right behind a lost one and cannot be proved; they were taken as they are");
  say(mending.marks, "idempotency marks name events that are not there and were left out");
  for (const std::string& key : mending.keys)
    output.err(str("warning: the value of the key ", key, " was damaged: it was left out\n"));
  for (const std::string& note : mending.notes)
    output.err(str("warning: some rows could not be read: ", note, "\n"));
}

int import_store(Installation& it, const std::string& file, bool rescued, bool json,
                 const CommandOutput& output) {
  const auto wrong = [&](std::string_view why) {
    return fail(output, str(file, ": ", why, ". Nothing was imported"));
  };
  std::error_code ec;
  if (std::filesystem::is_directory(file, ec))
    return wrong("this is a folder, expected a file that `sx store export` wrote");
  if (!std::ifstream(file)) return wrong("the export cannot be read: no such file, or no right");
  store::Mender mender;
  store::NextLine lines = lines_of(file);
  if (rescued) {
    if (const auto seen = mender.survey(lines); !seen.ok()) return wrong(seen.error().message);
    lines = mender.mended(lines_of(file));
  }
  const auto loaded = store::load_dump(*it.store, it.blobs.get(), lines, !rescued);
  if (!loaded.ok()) return wrong(loaded.error().message);
  report_mending(mender.report(), output);
  output.out(counts(
      {{"events", loaded->events}, {"keys", loaded->kv_keys}, {"blobs", loaded->blobs}}, json));
  return 0;
}

int compact(Installation& it, std::int64_t grace_hours, bool json, const CommandOutput& output) {
  const auto report = it.store->compact();
  if (!report.ok()) return fail(output, report.error().message);
  const auto sweep = store::sweep_blobs(*it.store, *it.blobs, grace_hours * 3600);
  if (!sweep.ok()) return fail(output, sweep.error().message);
  output.out(counts({{"bytes-before", report->bytes_before},
                     {"bytes-after", report->bytes_after},
                     {"blobs-kept", sweep->kept},
                     {"blobs-removed", sweep->removed},
                     {"blob-bytes-removed", sweep->bytes}},
                    json));
  return 0;
}

// The blobs of a data folder as far as they are whole.
Result<void> rescue_blobs(const std::string& data, store::DumpWriter& writer) {
  const std::string folder = (std::filesystem::path(data) / "blobs").string();
  std::error_code ec;
  if (!std::filesystem::is_directory(folder, ec)) return {};
  SX_TRY(const auto blobs, store::BlobStore::open(folder));
  SX_TRY(const auto cids, blobs.list());
  for (const std::string& cid : cids) {
    // Whole first: a line says so before any of its content does.
    if (const auto whole = blobs.get(cid); !whole.ok()) {
      SX_CHECK(writer.damage({0, "", 0, whole.error().message}));
      continue;
    }
    SX_CHECK(write_blob(blobs, cid, writer));
  }
  return {};
}

// A damaged store, read without opening it for writing.
int rescue(Settings& settings, bool blobs, bool json) {
  CommandOutput output = terminal_output();
  constexpr SettingScope kScopes[] = {SettingScope::Installation, SettingScope::Command};
  if (const auto resolved = settings.resolve(process_environment(), kScopes); !resolved.ok())
    return fail(output, resolved.error().message);
  std::string path = (std::filesystem::path(settings.text(Setting::Data)) / "store.db").string();
  if (settings.given(Setting::Store)) {
    const std::string& url = settings.text(Setting::Store);
    if (!url.starts_with("sqlite:"))
      return fail(output, str("--rescue reads damaged SQLite files (sqlite:PATH); for another "
                              "store use its own means of repair"));
    path = url.substr(7);
  }
  store::DumpWriter writer([&](std::string_view piece) -> Result<void> {
    output.out(piece);
    return {};
  });
  auto done = store::rescue_sqlite_store(
      path, [&](const store::Row& row) { return writer.row(row); },
      [&](const store::BadRecord& bad) { return writer.damage(bad); });
  if (done.ok() && blobs) done = rescue_blobs(settings.text(Setting::Data), writer);
  if (done.ok()) done = writer.finish();
  if (!done.ok()) return fail(output, done.error().message);
  return report_export(writer, json, output);
}

}  // namespace

int run_store_command(Installation& it, const std::vector<std::string>& words,
                      const CommandOutput& output) {
  const auto has = [&](std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  const bool json = has("--json");
  const std::string what = words.size() > 1 ? words[1] : "";
  if (what == "verify") return verify(it, json, output);
  if (what == "stats") return stats(it, json, output);
  if (what == "export") return export_store(it, !has("--no-blobs"), json, output);
  if (what == "import" && words.size() > 2)
    return import_store(it, words[2], has("--rescued"), json, output);
  if (what == "compact" && words.size() > 2)
    return compact(it, std::strtoll(words[2].c_str(), nullptr, 10), json, output);
  return fail(output, "this server does not know that command; it is of another version");
}

void add_store_commands(CLI::App& app, Settings& settings, int& status) {
  static bool json = false, rescue_it = false, rescued = false, no_blobs = false;
  static std::string file;
  static std::int64_t grace_hours = 24;
  auto* store = app.add_subcommand("store", "the event store");
  store->require_subcommand(1);
  const auto command = [&](const char* name, const char* what) {
    auto* made = store->add_subcommand(name, what);
    add_setting_options(made, settings);
    made->add_flag("--json", json, "for machines");
    return made;
  };
  const auto run = [&](std::vector<std::string> words, bool makes_store = false) {
    if (json) words.emplace_back("--json");
    status = cmd_installation(settings, words, makes_store);
  };
  command("verify", "recompute every hash and checksum")->callback([run] {
    run({"store", "verify"});
  });
  command("stats", "what is in it")->callback([run] { run({"store", "stats"}); });
  auto* export_command =
      command("export", "all of it as lines of JSON on standard output, from one moment");
  export_command->add_flag("--no-blobs", no_blobs, "without the content of blobs");
  export_command->add_flag("--rescue", rescue_it,
                           "what is readable of a damaged SQLite store; it is not changed");
  export_command->callback([&, run] {
    if (rescue_it) {
      status = rescue(settings, !no_blobs, json);
    } else {
      run({"store", "export", no_blobs ? "--no-blobs" : ""});
    }
  });
  auto* import_command = command("import", "an export into an empty store");
  import_command->add_option("FILE", file, "what `sx store export` wrote")->required();
  import_command->add_flag(
      "--rescued", rescued,
      "take what is sound of an export that --rescue made, and say what is not");
  import_command->callback([run] {
    std::error_code ec;
    run({"store", "import", std::filesystem::absolute(file, ec).lexically_normal().string(),
         rescued ? "--rescued" : ""},
        true);
  });
  auto* compact = command("compact",
                          "give back the space of what was truncated, and remove blobs "
                          "that nothing names");
  compact->add_option("--grace-hours", grace_hours, "blobs younger than this stay")
      ->check(CLI::Range(0, 87600));
  compact->callback([run] { run({"store", "compact", std::to_string(grace_hours)}); });
}  // namespace sx::cli

}  // namespace sx::cli
