// The way back to the VM's thread for answers that come from other threads.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "server/io/persist_servicer.h"

namespace sx {

// Shut when the servicers go: the store may answer later than that.
class VmGate {
 public:
  explicit VmGate(PostToVm post) : post_(std::move(post)) {}

  void post(const std::shared_ptr<VmGate>& self, std::function<void()> fn) {
    const std::lock_guard lock(mutex_);
    if (!post_) return;
    post_([self, fn = std::move(fn)] {
      // On the VM's thread, where alone the gate is shut: no lock is needed to look.
      if (self->post_) fn();
    });
  }
  void shut() {
    const std::lock_guard lock(mutex_);
    post_ = nullptr;
  }

 private:
  std::mutex mutex_;
  PostToVm post_;
};

}  // namespace sx
