// What /metrics says of the process and its store, beside the counters of the HTTP layer.
#pragma once

#include <string>

#include "server/store/store.h"

namespace sx {

// Prometheus text: process_* as its client libraries name them, sx_store_* of the store, and
// sx_build_info with the fingerprint of the tables that bundles are compared by.
std::string process_metrics(const store::Store& store);

}  // namespace sx
