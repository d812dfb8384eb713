#pragma once

#include <string>
#include <utility>
#include <variant>

#include "aface/core/error.h"

namespace aface {

// A value, or the reason why this one item failed: for expected failures among many (one bad image in a
// million), where an exception per item would hide the count.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}
  Result(Error error) : state_(std::move(error)) {}

  bool ok() const { return std::holds_alternative<T>(state_); }
  const Error& error() const { return std::get<Error>(state_); }

  // Returns the value, or throws the error.
  const T& value() const& {
    if (!ok()) throw error();
    return std::get<T>(state_);
  }
  T&& value() && {
    if (!ok()) throw error();
    return std::get<T>(std::move(state_));
  }

 private:
  std::variant<T, Error> state_;
};

}  // namespace aface
