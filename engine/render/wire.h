// The wire form of markup, text/sx: templates by their hash, and the values that fill them, already
// computed. It is data, and nothing in it is ever evaluated.
//
//   document   := (sx 1 [template*] value) | (sx 2 [template*] ["HASH"*] value): the components
//   called
//   template   := "HASH" | definition           32 hexadecimal digits: known to both sides
//   definition := (template "HASH" HOLES part*)
//   part       := "static HTML" | (text H) | (attribute H "name") | (url H "name") | (style H
//   "name")
//               | (spread H "names") | (raw-text H) | (url-list H "name") | (forbidden H "name")
//   value      := "text" | number | nil | true | false
//               | [value*]                      children, or the words of an attribute
//               | {"name" value …}              attributes to spread, or a style
//               | (T value*)                    template number T of the document, one value a hole
//               | (el "tag" children "name" value …)
//               | (raw "trusted HTML")
//               | (call K "name" data … / data*)  component number K, its arguments and children
//   data       := value | :keyword | (list data*) | (set data*) | (frag value) | [data*]
//               | {"name" or :keyword data …}
//
// Calls are written only for receivers that said they have the component (WireWriteOptions), and
// read by lib/core/wire.sx, which computes them.
//
// It is also SX text: the reader of the language reads it. Keywords, symbols and characters go over
// the wire as the text they show as, sets and fragments as vectors.
//
// Trust. Known templates and plain values can show wrong things, but run nothing: holes are escaped
// and checked by the reading side's own adapter. Raw markup, definitions (their static parts are
// HTML) and computed elements are as powerful as an HTML page, so they are accepted only from a
// peer whose HTML would be accepted too: {:trusted true}, the page's own server.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/bytecode/unit.h"
#include "engine/gc/context.h"

namespace sx {

inline constexpr std::string_view kTemplateOpNames[] = {
    "static", "text", "attribute", "url", "style", "spread", "raw-text", "url-list", "forbidden"};

struct WireWriteOptions {
  bool define_all = false;
  std::vector<std::string> define;      // hashes of templates to be written out
  std::vector<std::string> components;  // hashes of portable components that the receiver has
  std::size_t bytes_max = std::size_t{256} << 20;
};
// wire_write.cpp. Refuses what has no HTML, as the HTML adapter does.
Result<std::string> wire_write(Context& cx, Value markup, const WireWriteOptions& options = {});
// The definition of a template as wire text.
std::string wire_definition(const TemplateInfo& info);

struct WireLimits {
  std::size_t bytes_max = std::size_t{256} << 20;
  std::uint32_t depth_max = 2'000'000;
  std::uint32_t values_max = 1u << 25;
  std::uint32_t templates_max = 1u << 14;
};
// wire_read.cpp. Errors: "wire text, line:column: what was found, what was expected". The hashes of
// templates that are not known here are left in `unknown`; there is no value then.
struct WireReading {
  bool trusted = false;
  WireLimits limits;
  std::vector<std::string> unknown;
};
Result<Value> wire_read(Context& cx, std::string_view text, WireReading& reading);
// Makes the one template defined by `text` known; its hash is computed here and compared.
Result<const TemplateInfo*> wire_define(Context& cx, std::string_view text);

}  // namespace sx
