// std::function for the kernel; see vector beside this folder. One pointer to the function object,
// one to what calls it and one to what copies or deletes it.
#pragma once

#include <__functional/binary_function.h>
#include <__functional/invoke.h>
#include <__functional/unary_function.h>
#include <__iterator/iterator_traits.h>
#include <__memory/allocator_traits.h>
#include <__memory/compressed_pair.h>
#include <__memory/shared_ptr.h>

#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

_LIBCPP_BEGIN_NAMESPACE_STD

template <class F>
class function;

template <class R, class... Args>
class _LIBCPP_TEMPLATE_VIS function<R(Args...)> {
 public:
  using result_type = R;

  function() noexcept {}
  function(nullptr_t) noexcept {}
  function(const function& o) : call_(o.call_), keep_(o.keep_) {
    if (keep_ != nullptr) object_ = keep_(o.object_, true);
  }
  function(function&& o) noexcept : object_(o.object_), call_(o.call_), keep_(o.keep_) {
    o.forget();
  }
  template <class F, class D = decay_t<F>,
            class = enable_if_t<!is_same_v<D, function> && is_invocable_r_v<R, D&, Args...>>>
  function(F&& f) : object_(new D(std::forward<F>(f))) {
    call_ = [](void* object, Args... args) -> R {
      return static_cast<R>((*static_cast<D*>(object))(std::forward<Args>(args)...));
    };
    keep_ = [](void* object, bool copy) -> void* {
      if (copy) return new D(*static_cast<const D*>(object));
      delete static_cast<D*>(object);
      return nullptr;
    };
  }
  ~function() {
    if (keep_ != nullptr) keep_(object_, false);
  }
  function& operator=(const function& o) {
    function(o).swap(*this);
    return *this;
  }
  function& operator=(function&& o) noexcept {
    function(std::move(o)).swap(*this);
    return *this;
  }
  function& operator=(nullptr_t) noexcept {
    function().swap(*this);
    return *this;
  }
  template <class F, class = enable_if_t<!is_same_v<decay_t<F>, function>>>
  function& operator=(F&& f) {
    function(std::forward<F>(f)).swap(*this);
    return *this;
  }
  void swap(function& o) noexcept {
    std::swap(object_, o.object_);
    std::swap(call_, o.call_);
    std::swap(keep_, o.keep_);
  }
  explicit operator bool() const noexcept { return keep_ != nullptr; }
  R operator()(Args... args) const {
    if (keep_ == nullptr) __builtin_trap();
    return call_(object_, std::forward<Args>(args)...);
  }

 private:
  void forget() {
    object_ = nullptr;
    call_ = nullptr;
    keep_ = nullptr;
  }
  void* object_ = nullptr;
  R (*call_)(void*, Args...) = nullptr;
  void* (*keep_)(void* object,
                 bool copy) = nullptr;  // a copy, or nothing and the object is deleted
};

template <class R, class... Args>
bool operator==(const function<R(Args...)>& f, nullptr_t) noexcept {
  return !f;
}
template <class R, class... Args>
bool operator!=(const function<R(Args...)>& f, nullptr_t) noexcept {
  return static_cast<bool>(f);
}

_LIBCPP_END_NAMESPACE_STD
