// sx routes: what an application answers to.
#include <cstdio>

#include "engine/base/str.h"
#include "engine/value/collections.h"
#include "server/cli/app_host.h"

namespace sx::cli {

// Asks FOLDER/route-table for rows [method pattern …]. Nothing is opened: no data folder, no store.
int cmd_routes(const std::string& app, bool json) {
  auto fail = [](std::string_view message) {
    report_error(message);
    return 1;
  };
  auto source = find_app(app);
  if (!source.ok()) return fail(source.error().message);
  auto engine = source->make_engine();
  const auto loaded = engine->require_module(source->module);
  if (!loaded.ok()) return fail(loaded.error().message);
  const std::string name = str(source->module.substr(0, source->module.find('/')), "/route-table");
  Context& cx = engine->cx();
  const Value table = engine->global(name);
  if (table.is_unset())
    return fail(str("The application ", source->module, " does not export ", name,
                    ": a function of the settings that returns (dream/route-table routes)"));
  Root function(cx.heap, table);
  Root settings(cx.heap, empty_dict(cx));
  const Value args[] = {settings};
  auto rows = engine->runner.run_now(function, args, 1);
  if (!rows.ok()) return fail(rows.error().message);
  if (json) {
    const auto text = to_json(cx, rows.value());
    if (!text.ok()) return fail(text.error().message);
    std::printf("%s\n", text->c_str());
    return 0;
  }
  for (Value at = rows.value(); is_pair(at); at = cdr(at)) {
    const Value row = car(at);
    if (!is_vector(row) || vector_count(row) < 2 || !is_string(vector_get(row, 0)) ||
        !is_string(vector_get(row, 1)))
      return fail(
          str(name, ": Expected rows [method pattern], got ", print(cx, row, {.bytes_max = 80})));
    const std::string_view method = as_string(vector_get(row, 0))->view();
    const std::string_view pattern = as_string(vector_get(row, 1))->view();
    std::printf("%-7.*s %.*s\n", static_cast<int>(method.size()), method.data(),
                static_cast<int>(pattern.size()), pattern.data());
  }
  return 0;
}

}  // namespace sx::cli
