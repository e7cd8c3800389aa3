// A counted reference to a connection, for what outlives the call that made it. Internal to the
// HTTP layer.
#pragma once

#include <utility>

#include "server/http/connection.h"

namespace sx {

class Connection::Ref {
 public:
  explicit Ref(Connection& c) : c_(&c) { c_->retain(); }
  Ref(Ref&& other) noexcept : c_(std::exchange(other.c_, nullptr)) {}
  Ref(const Ref& other) : c_(other.c_) {
    if (c_) c_->retain();
  }
  Ref& operator=(const Ref&) = delete;
  ~Ref() {
    if (c_) c_->release();
  }
  Connection* operator->() const { return c_; }
  Connection& operator*() const { return *c_; }

 private:
  Connection* c_;
};

}  // namespace sx
