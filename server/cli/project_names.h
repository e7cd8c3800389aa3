// The modules of a project that are not loaded, by their first forms: nothing of them runs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/sx.h"

namespace sx::cli {

struct ProjectModule {
  std::string path;
  std::vector<std::string> exports;
};

// Those whose names begin with the folder of `name` ("shop" of "shop/total" and "~shop/card"; of a
// name without a folder: all below lib/). near: a file or folder of the project.
std::vector<ProjectModule> modules_near(Engine& engine, std::string_view name,
                                        const std::string& near);
// What begins with `word`: exports of the modules of its folder, or folders as "shop/".
std::vector<std::string> project_names(Engine& engine, std::string_view word,
                                       const std::string& near);

}  // namespace sx::cli
