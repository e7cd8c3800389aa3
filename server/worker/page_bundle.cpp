// bundle/make (page_bundle.h).
#include "server/worker/page_bundle.h"

#include <algorithm>
#include <set>

#include "engine/base/str.h"
#include "engine/io/page_parts.h"
#include "engine/value/collections.h"

namespace sx {
namespace {

// Every page has the core and the engine's modules; web/signal and web/island come with
// web-islands.
bool in_every_page(std::string_view module) {
  return module == "core" || module.starts_with("web/") || module == "test";
}

}  // namespace

void add_bundle_servicer(Engine& engine) {
  engine.runner.add("bundle/make", [&engine](IoCall& call) {
    std::set<std::string, std::less<>> wanted;
    Context& cx = call.vm.cx;
    const Value list = is_pair(call.args) ? car(call.args) : Value::nil();
    for (Value rest = list; is_pair(rest); rest = cdr(rest))
      if (is_string(car(rest))) wanted.insert(std::string(as_string(car(rest))->view()));
    if (wanted.empty()) {
      call.fail("type-error", "bundle/make: Expected a list of names of modules");
      return;
    }
    for (const std::string& module : wanted)
      if (const auto loaded = engine.require_module(module); !loaded.ok()) {
        call.fail("no-module", str("bundle/make: ", loaded.error().message));
        return;
      }
    // Dependencies come before those who use them: once from the end finds them all.
    std::vector<const UnitImage*> units;
    const auto modules = engine.modules();
    for (auto at = modules.rbegin(); at != modules.rend(); ++at) {
      if (!wanted.count(at->module) || in_every_page(at->module)) continue;
      units.push_back(at->image);
      for (const std::string& used : at->image->uses) wanted.insert(used);
    }
    std::reverse(units.begin(), units.end());
    const auto bundle = make_page_bundle(units, engine_tables());
    if (!bundle.ok()) {
      call.fail("value-error", str("bundle/make: ", bundle.error().message));
      return;
    }
    Root content(cx.heap,
                 make_bytes(cx, {reinterpret_cast<const std::uint8_t*>(bundle->bytes.data()),
                                 bundle->bytes.size()}));
    Root hash(cx.heap, make_string(cx, bundle->hash));
    const Field fields[] = {{"bytes", content}, {"hash", hash}};
    call.reply(make_dict(cx, fields));
  });
}

}  // namespace sx
