#pragma once

#include <gmock/gmock.h>

#include <string>

#include "aface/core/error.h"

namespace aface::test {

// Runs `action`, which must throw aface::Error of this kind, and returns its message ("" after a failed
// expectation).
template <class Action>
std::string error_of(ErrorKind kind, const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(static_cast<int>(error.kind()), static_cast<int>(kind)) << error.what();
    const std::string message = error.what();
    EXPECT_EQ(message.find('\n'), std::string::npos) << "one line: " << message;
    return message;
  }
  ADD_FAILURE() << "no error was thrown";
  return "";
}

}  // namespace aface::test
