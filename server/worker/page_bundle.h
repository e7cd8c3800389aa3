// bundle/make: modules of the application as a bundle for pages, where its islands live on.
#pragma once

#include "engine/sx.h"

namespace sx {

void add_bundle_servicer(Engine& engine);

}  // namespace sx
