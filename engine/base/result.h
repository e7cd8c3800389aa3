// Failure as a value: Result<T> and SX_TRY. The engine is built without C++ exceptions on both
// sides.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace sx {

// What went wrong, in words for the person who has to act on it: found, expected, remedy.
struct Error {
  std::string message;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() { return *std::get_if<0>(&state_); }
  const T& value() const { return *std::get_if<0>(&state_); }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const { return *std::get_if<1>(&state_); }
  T take() { return std::move(value()); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}
  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

}  // namespace sx

#define SX_CONCAT_INNER(a, b) a##b
#define SX_CONCAT(a, b) SX_CONCAT_INNER(a, b)
// SX_TRY(const auto x, expr): x := the value of expr, or return its error to the caller.
#define SX_TRY(declaration, expr) SX_TRY_INNER(SX_CONCAT(sx_try_, __LINE__), declaration, expr)
#define SX_TRY_INNER(tmp, declaration, expr) \
  auto tmp = (expr);                         \
  if (!tmp.ok()) return tmp.error();         \
  declaration = tmp.take()
// SX_CHECK(expr): return the error of a Result<void>, if it has one.
#define SX_CHECK(expr)                                                   \
  do {                                                                   \
    if (auto sx_check = (expr); !sx_check.ok()) return sx_check.error(); \
  } while (false)
