// The commands of `sx` and what they share. Each command is one function that returns the exit
// status: 0 done, 1 the program failed, 2 wrong usage.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/sx.h"

namespace sx::cli {

// What is built into this binary (bundles, kernel, static files), by name; empty in the stage-0
// binary that the build uses to make them.
struct EmbeddedFile {
  std::string_view name;  // "bundles/core.sxbc", "static/site.css"
  std::span<const std::uint8_t> bytes;
};
std::span<const EmbeddedFile> embedded_files();
std::optional<std::span<const std::uint8_t>> embedded_file(std::string_view name);

// Where modules are looked for: the project that `file` belongs to (the nearest folder above it
// with a lib/ in it), SX_PROJECT_DIR, then what is embedded.
class ModuleRoots {
 public:
  explicit ModuleRoots(const std::string& file_or_dir);
  std::optional<SourceFile> find(std::string_view module) const;
  const std::vector<std::string>& roots() const { return roots_; }

 private:
  std::vector<std::string> roots_;
};

struct EngineOptions {
  std::string near;  // file or folder whose project is searched first
  bool gc_stress = false;
  bool source_only = false;  // ignore the embedded bundles
  std::size_t heap_limit = std::size_t{2} << 30;
};
// An engine with the servicers of the command line (console, clock, random, environment) and the
// embedded bundles or the sources of the project.
std::unique_ptr<Engine> make_engine(const EngineOptions& options);

// console/write, log/write, clock/now, random/bytes, env/get.
void add_basic_servicers(Runner& runner);
// What the whole binary services beside them on the command line: http/request.
void add_host_servicers(Runner& runner);
// Files and standard input, for programs that a person runs: fs/…, console/read-….
void add_script_servicers(Runner& runner);

Result<std::string> read_file(const std::string& path);
// The whole file or none of it: bytes that do not get there leave what was there before.
Result<void> write_file(const std::string& path, std::string_view bytes);
// The files among paths, and those in the folders among them whose path is wanted, sorted by
// folder.
Result<std::vector<std::string>> source_files(
    const std::vector<std::string>& paths, const std::function<bool(const std::string&)>& wanted);
// A JSON string literal.
std::string json_text(std::string_view text);

// The text of a source that errors name but no file holds: "<eval>".
using SourceOf = std::function<std::optional<std::string>(const std::string& file)>;
// The error, its backtrace, the source line it points at: on stderr.
void report_error(std::string_view text, const SourceOf& source_of = {});

// What `--store URL` gives to programs: the persist/* and blob/* ops. Outlives the engines.
class ScriptStore {
 public:
  virtual ~ScriptStore() = default;
  virtual Result<void> serve(Runner& runner) = 0;
};
enum class StoreUse { Run, Test };  // Test: a fresh store for each engine, and the op test/store
Result<std::unique_ptr<ScriptStore>> open_script_store(const std::string& url, StoreUse use);

int cmd_run(const std::string& file, const std::vector<std::string>& args, const std::string& store,
            const EngineOptions& options);
int cmd_eval(const std::string& text, const EngineOptions& options);
struct TestOptions {
  std::string filter;  // only cases with this text in their names
  std::string engine = "vm";
  bool json = false;
  bool names = false;  // print the name of every case
  std::string store;   // URL of the kind of store that tests get; "": none
};
int cmd_test(const std::vector<std::string>& paths, const TestOptions& options,
             const EngineOptions& engine_options);
int cmd_repl(const EngineOptions& options);
struct BuildOptions {
  bool with_core = false;           // the standard library too
  bool no_names = false;            // without the names of local variables
  bool json = false;                // what was written, for machines
  std::vector<std::string> beside;  // bundles that are loaded first: their modules are left out
};
int cmd_build(const std::vector<std::string>& files, const std::string& out,
              const BuildOptions& build, const EngineOptions& options);
int cmd_disasm(const std::string& file, const EngineOptions& options);
int cmd_doc(const std::string& name, bool json, const EngineOptions& options);
struct FmtOptions {
  bool check = false;  // only say which files would change; status 1 if any
  bool diff = false;   // only show what would change
  std::uint32_t width = 100;
};
int cmd_fmt(const std::vector<std::string>& paths, const FmtOptions& options);

int main(int argc, char** argv);

}  // namespace sx::cli
