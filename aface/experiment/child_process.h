#pragma once

#include <string>
#include <vector>

namespace aface {

// Runs a program to its end without a shell; stdin is empty, stdout and stderr are appended to `log`. When
// this process is told to stop (stop_request.h), the child gets the same signal and is waited for. Returns
// its exit code, 128 + signal when one ended it. Throws Error{kIo} when it cannot be started or the log
// cannot be opened. May be called from several threads.
int run_child(const std::vector<std::string>& words, const std::string& log);

}  // namespace aface
