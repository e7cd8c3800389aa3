// A store in memory: the semantics of the durable one without a disk, for tests and for `memory:`.
#pragma once

#include <memory>

#include "server/store/store.h"

namespace sx::store {

std::unique_ptr<Store> open_memory_store();

}  // namespace sx::store
