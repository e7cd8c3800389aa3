// The persist/* ops over a Store. Values travel as SX text: what is written prints, what is read
// is read back equal.
#pragma once

#include <functional>

#include "engine/io/runner.h"
#include "server/store/store.h"

namespace sx {

// Runs a function on the thread of the VM, later. Empty: the servicers block until the store
// answers (commands without an event loop).
using PostToVm = std::function<void(std::function<void()>)>;

// store outlives the runner.
void add_persist_servicers(Runner& runner, store::Store& store, PostToVm post);

}  // namespace sx
