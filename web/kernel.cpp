// The kernel: the engine as a WebAssembly module. Only integers cross the border; text travels as
// UTF-8 in the module's memory, values as JSON. The page's side is web/glue, Node's web/node.
//
// Everything runs on the caller's thread: an export returns when the tasks it started have ended,
// wait for an answer (sx_reply), or used up their slice (then sx_run goes on from a macrotask).
//
// More modules. The compiler, the reader and what else few pages need are in tools.wasm, cut off
// after linking (cmake/link-kernel.mjs); a call into it before it is there throws, naming it. So
// that no call gets that far, an export that would need a module refuses, and sx_needs() names the
// modules by their bits (KernelModule in engine/prim/modules.h): the loader instantiates them, says
// so with sx_provide() and calls again. To hook in another module:
//   1. a bit in KernelModule, and its primitives as rows in engine/prim/modules.def;
//   2. here an import such as
//        SX_IMPORT(sx_text_call) std::int32_t sx_text_call(op, in_ptr, in_len, …);
//      called by its primitives (declared in a header of engine/prim, so that natively the library
//      itself is linked in its place), which raise an SX error for a negative answer;
//   3. a row in `modules` of web/glue/kernel.js and of web/node/kernel.mjs: the file by its bit,
//   and
//      what to do with its instance. The import answers -1 while the instance is not there;
//   4. the file's name in scripts/build (stage) and in kHost of tests/tools/check-kernel.mjs.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "engine/base/str.h"
#include "engine/io/page_parts.h"
#include "engine/sx.h"
#include "engine/value/collections.h"

#define SX_EXPORT(name) extern "C" __attribute__((export_name(#name))) auto name
#define SX_IMPORT(name) extern "C" __attribute__((import_module("env"), import_name(#name)))

// Carries out an op of the page. The answer comes by sx_reply(ticket, …), now or later.
SX_IMPORT(sx_host_perform)
void sx_host_perform(std::uint32_t ticket, const char* op, std::uint32_t op_len, const char* args,
                     std::uint32_t args_len);
SX_IMPORT(sx_host_write) void sx_host_write(const char* text, std::uint32_t len);
SX_IMPORT(sx_host_log) void sx_host_log(std::uint32_t level, const char* text, std::uint32_t len);
SX_IMPORT(sx_host_now) double sx_host_now();
SX_IMPORT(sx_host_random) void sx_host_random(std::uint8_t* bytes, std::uint32_t len);

namespace {

using namespace sx;

struct Kernel {
  explicit Kernel(const VmConfig& config) : engine(config) {}
  Engine engine;
  std::unordered_map<std::string, std::string> sources;  // module → text
  std::unordered_map<std::uint32_t, IoTicket> tickets;   // requests out at the page
  std::uint32_t next_ticket = 1;
  std::deque<std::function<void()>> runnable;  // tasks whose slice is used up
};

Kernel* kernel = nullptr;
std::string result;  // what the last export left for the page to read

constexpr std::uint32_t kTablesAt =
    8;  // of the tables' fingerprint in a bundle (bytecode/bundle.h)

std::uint32_t provided = 0;  // modules that are instantiated, by their bits
std::uint32_t needed = 0;    // modules for want of which the last export refused

// Whether something is missing of these modules.
bool lacks(std::uint32_t modules) {
  needed |= modules & ~provided;
  return needed != 0;
}
bool lacks_tools() {
  needed = 0;
  return lacks(static_cast<std::uint32_t>(KernelModule::Tools));
}

std::uint32_t ok(std::string text = {}) {
  result = std::move(text);
  return 0;
}
std::uint32_t failed(std::string text) {
  result = std::move(text);
  return 1;
}

void log_text(std::uint32_t level, std::string_view text) {
  sx_host_log(level, text.data(), static_cast<std::uint32_t>(text.size()));
}

std::string lacking() {
  return str("This needs a module of the kernel that is not loaded: sx_needs() is ", needed);
}

// Arguments of a call: the elements of a JSON array, kept rooted.
Result<Value> read_arguments(Context& cx, std::string_view json) {
  SX_TRY(const Value v, from_json(cx, json));
  if (!is_vector(v)) return Error{"expected the arguments as a JSON array"};
  return v;
}

void add_servicers(Runner& runner) {
  runner.add("console/write", [](IoCall& call) {
    std::string text;
    if (!call.text(0, text)) return;
    sx_host_write(text.data(), static_cast<std::uint32_t>(text.size()));
    call.reply(Value::nil());
  });
  runner.add("log/write", [](IoCall& call) {
    std::string text;
    if (!call.text(1, text)) return;
    log_text(1, text);
    call.reply(Value::nil());
  });
  runner.add("clock/now", [](IoCall& call) {
    call.reply(make_int(call.vm.cx, static_cast<std::int64_t>(sx_host_now())));
  });
  runner.add("random/bytes", [](IoCall& call) {
    std::int64_t n = 0;
    if (!call.integer(0, n)) return;
    if (n < 0 || n > 65536) {
      call.fail("range-error", str("random/bytes: Expected 0 to 65536, got ", n));
      return;
    }
    std::string bytes(static_cast<std::size_t>(n), '\0');
    sx_host_random(reinterpret_cast<std::uint8_t*>(bytes.data()), static_cast<std::uint32_t>(n));
    call.reply(make_bytes(call.vm.cx,
                          {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}));
  });
  // The page services every other op, or refuses it by name.
  runner.set_fallback([](IoCall& call) {
    const std::string op(call.op);
    Context& cx = call.vm.cx;
    // Bytes as the only argument travel as they are: commands for the DOM adapter.
    const Value first = is_pair(call.args) ? car(call.args) : Value::nil();
    std::string json;
    if (!is_bytes(first)) {
      auto written = to_json(cx, call.args);
      if (!written.ok()) {
        call.fail("type-error", str(op, ": ", written.error().message));
        return;
      }
      json = written.take();
    }
    const std::uint32_t ticket = kernel->next_ticket++;
    kernel->tickets.emplace(ticket, call.ticket);
    const std::string_view text =
        is_bytes(first) ? std::string_view(reinterpret_cast<const char*>(as_bytes(first)->data()),
                                           as_bytes(first)->byte_len)
                        : json;
    sx_host_perform(ticket, op.data(), static_cast<std::uint32_t>(op.size()), text.data(),
                    static_cast<std::uint32_t>(text.size()));
  });
}

}  // namespace

SX_EXPORT(sx_alloc)(std::uint32_t n)->void* { return std::malloc(n ? n : 1); }
SX_EXPORT(sx_free)(void* p)->void { std::free(p); }
SX_EXPORT(sx_result_ptr)()->const char* { return result.data(); }
SX_EXPORT(sx_result_len)()->std::uint32_t { return static_cast<std::uint32_t>(result.size()); }

// Makes the engine. stress ≠ 0: collect at every allocation (tests).
SX_EXPORT(sx_start)(std::uint32_t seed_low, std::uint32_t seed_high, std::uint32_t stress)->void {
  VmConfig config;
  config.heap.nursery_bytes = std::size_t{4} << 20;
  config.heap.limit_bytes = std::size_t{1} << 30;
  config.heap.stress = stress != 0;
  config.stack_bytes_max = std::size_t{256} << 20;
  config.hash_seed = static_cast<std::uint64_t>(seed_high) << 32 | seed_low;
  delete kernel;
  kernel = new Kernel(config);
  add_servicers(kernel->engine.runner);
  kernel->engine.find_source = [](std::string_view module) -> std::optional<SourceFile> {
    const auto found = kernel->sources.find(std::string(module));
    if (found == kernel->sources.end()) return std::nullopt;
    if (lacks(static_cast<std::uint32_t>(KernelModule::Tools))) return std::nullopt;
    return SourceFile{found->second, str(module, ".sx")};
  };
  kernel->engine.admit = [](const UnitImage& unit) -> Result<void> {
    if (lacks(modules_needed(unit))) return Error{lacking()};
    return {};
  };
  kernel->engine.runner.on_yield = [](std::function<void()> go_on) {
    kernel->runnable.push_back(std::move(go_on));
  };
}

// The template at this address, which dom/encode named, as JSON.
SX_EXPORT(sx_template)(const TemplateInfo* info)->void { result = template_json(*info); }

SX_EXPORT(sx_fingerprint)()->std::uint32_t { return ok(table_fingerprint()); }

// vouched ≠ 0: the caller knows by its hash that the build which made this kernel made the bundle,
// and verified it then. A kernel of another build looks for itself.
SX_EXPORT(sx_add_bundle)
(const char* bytes, std::uint32_t len, std::uint32_t vouched)->std::uint32_t {
  const Sha256Digest& tables = engine_tables().fingerprint();
  const bool known = vouched != 0 && len >= kTablesAt + tables.size() &&
                     std::memcmp(bytes + kTablesAt, tables.data(), tables.size()) == 0;
  const auto added = kernel->engine.add_bundle({bytes, len}, "bundle", false, known);
  return added.ok() ? ok(kernel->engine.last_bundle_entry()) : failed(added.error().message);
}

// The source of a module, for when its bundle is absent or refused.
SX_EXPORT(sx_add_source)
(const char* name, std::uint32_t name_len, const char* text, std::uint32_t len)->void {
  kernel->sources[std::string(name, name_len)] = std::string(text, len);
}

// The bits of the modules for want of which an export refused, once.
SX_EXPORT(sx_needs)()->std::uint32_t { return std::exchange(needed, 0); }
SX_EXPORT(sx_provide)(std::uint32_t modules)->void { provided |= modules; }

SX_EXPORT(sx_require)(const char* module, std::uint32_t len)->std::uint32_t {
  needed = 0;
  const auto loaded = kernel->engine.require_module({module, len});
  return loaded.ok() ? ok() : failed(loaded.error().message);
}

// The printed value of the last form, or the error. `file` is what errors show.
SX_EXPORT(sx_eval)(const char* text, std::uint32_t len)->std::uint32_t {
  if (lacks_tools()) return failed(lacking());
  const auto value = kernel->engine.eval({text, len});
  return value.ok() ? ok(print(kernel->engine.cx(), value.value())) : failed(value.error().message);
}

SX_EXPORT(sx_run_source)
(const char* file, std::uint32_t file_len, const char* text, std::uint32_t len)->std::uint32_t {
  if (lacks_tools()) return failed(lacking());
  const auto value =
      kernel->engine.run_source({std::string(text, len), std::string(file, file_len)});
  return value.ok() ? ok(print(kernel->engine.cx(), value.value())) : failed(value.error().message);
}

// "true" if a global of this full name is defined, else "false".
SX_EXPORT(sx_has)(const char* name, std::uint32_t len)->std::uint32_t {
  return ok(kernel->engine.global({name, len}).is_unset() ? "false" : "true");
}

// An exported function with the elements of a JSON array as its arguments. Nothing is allocated on
// the heap after the arguments are read.
struct Call {
  Value function;
  std::vector<Value> arguments;
};
static Result<Call> read_call(std::string_view name, std::string_view json) {
  Engine& engine = kernel->engine;
  SX_TRY(const Value arguments, read_arguments(engine.cx(), json));
  Call call{engine.global(name), {}};
  if (call.function.is_unset()) return Error{str("nothing exported is called ", name)};
  for (std::uint32_t i = 0; i < vector_count(arguments); ++i)
    call.arguments.push_back(vector_get(arguments, i));
  return call;
}

// Calls an exported function to its end; the printed value. Its ops must be answered at once.
SX_EXPORT(sx_call_now)
(const char* name, std::uint32_t name_len, const char* json, std::uint32_t len)->std::uint32_t {
  const auto call = read_call({name, name_len}, {json, len});
  if (!call.ok()) return failed(call.error().message);
  const auto value = kernel->engine.runner.run_now(call->function, call->arguments.data(),
                                                   static_cast<int>(call->arguments.size()));
  return value.ok() ? ok(print(kernel->engine.cx(), value.value())) : failed(value.error().message);
}

// Starts a task that calls an exported function. Errors of the task go to the log.
SX_EXPORT(sx_call)
(const char* name, std::uint32_t name_len, const char* json, std::uint32_t len)->std::uint32_t {
  const auto call = read_call({name, name_len}, {json, len});
  if (!call.ok()) return failed(call.error().message);
  result.clear();
  kernel->engine.runner.spawn(call->function, call->arguments.data(),
                              static_cast<int>(call->arguments.size()),
                              [](Outcome outcome, Value value) {
                                if (outcome == Outcome::Raised) {
                                  log_text(3, describe_error(kernel->engine.cx(), value));
                                } else {
                                  result = print(kernel->engine.cx(), value);
                                }
                              });
  return 0;
}

// Answers a request. failed_flag ≠ 0: json is {"kind": …, "message": …}.
SX_EXPORT(sx_reply)
(std::uint32_t ticket, const char* json, std::uint32_t len, std::uint32_t failed_flag)->void {
  const auto found = kernel->tickets.find(ticket);
  if (found == kernel->tickets.end()) return;
  const IoTicket waiting = found->second;
  kernel->tickets.erase(found);
  Context& cx = kernel->engine.cx();
  auto value = from_json(cx, {json, len});
  if (!value.ok()) {
    waiting.fail("io-error", str("the page answered with broken JSON: ", value.error().message));
    return;
  }
  if (!failed_flag) {
    waiting.reply(value.value());
    return;
  }
  auto text = [&](std::string_view key, std::string_view otherwise) {
    const Value v =
        is_dict(value.value()) ? dict_get(cx, value.value(), cx.keyword(key)) : Value::unset();
    return is_string(v) ? std::string(as_string(v)->view()) : std::string(otherwise);
  };
  const std::string kind = text("kind", "io-error"),
                    message = text("message", "the page refused the request");
  waiting.fail(kind, message);
}

// How many tasks have used up their slice and wait for sx_run.
SX_EXPORT(sx_waiting)()->std::uint32_t {
  return static_cast<std::uint32_t>(kernel->runnable.size());
}

// Continues tasks that used up their slice, each once. How many are still runnable.
SX_EXPORT(sx_run)()->std::uint32_t {
  std::size_t turns = kernel->runnable.size();
  while (turns-- > 0) {
    auto go_on = std::move(kernel->runnable.front());
    kernel->runnable.pop_front();
    go_on();
  }
  return static_cast<std::uint32_t>(kernel->runnable.size());
}
