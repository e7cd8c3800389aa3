// What hosts hand to pages: bundles made of loaded modules, templates for the DOM adapter.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"

namespace sx {

class Tables;
struct TemplateInfo;
struct UnitImage;

struct PageBundle {
  std::string bytes;
  std::string hash;  // of the content, in hex
};

// These modules as a bundle; the last one is its entry. Fails on an empty list.
Result<PageBundle> make_page_bundle(const std::vector<const UnitImage*>& units,
                                    const Tables& tables);

// A template as the DOM adapter takes it: [op,"text" …] (engine/prim/template_json.cpp).
std::string template_json(const TemplateInfo& info);

}  // namespace sx
