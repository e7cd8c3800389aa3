// sx doc: the manual of a name.
#include <cstdio>

#include "engine/base/str.h"
#include "server/cli/cli.h"
#include "server/cli/names.h"

namespace sx::cli {

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", byte);
      out += escape;
    } else {
      out += c;
    }
  }
  return out + '"';
}

int cmd_doc(const std::string& name, bool json, const EngineOptions& options) {
  EngineOptions near = options;
  if (near.near.empty()) near.near.assign(1, '.');
  auto engine = make_engine(near);
  const auto manual = find_manual(*engine, name, near.near);
  if (!manual) {
    std::string similar;
    for (const std::string& candidate : similar_names(*engine, name, near.near))
      similar += str(similar.empty() ? ". Did you mean " : ", ", candidate);
    report_error(str("nothing public is called ", name, similar, similar.empty() ? "" : "?"));
    return 1;
  }
  if (!json) {
    std::fputs(manual_text(*manual).c_str(), stdout);
    return 0;
  }
  std::printf("%s\n",
              str("{\"name\":", json_text(manual->name), ",\"kind\":", json_text(manual->kind),
                  ",\"usage\":", json_text(manual->usage), ",\"text\":", json_text(manual->text),
                  ",\"module\":", json_text(manual->module), "}")
                  .c_str());
  return 0;
}

}  // namespace sx::cli
