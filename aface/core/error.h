#pragma once

#include <stdexcept>
#include <string>

namespace aface {

// What went wrong, from the user's point of view; decides the exit code of the program.
enum class ErrorKind {
  kUsage,     // wrong flag, unknown option, value out of range            -> exit 2
  kIo,        // file missing, unreadable, not writable, disk full         -> exit 3
  kFormat,    // file readable but not what it claims to be                -> exit 3
  kData,      // well-formed data that do not fit together                 -> exit 3
  kNumeric,   // loss or gradient not finite, divergence                   -> exit 4
  kInternal,  // our own bug                                               -> exit 70
};

int exit_code(ErrorKind kind);

// The one exception type that our libraries throw. The message is one line:
// "place: what happened (expected ..., got ...); what to do".
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace aface
