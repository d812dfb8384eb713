#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace aface::test {

struct RunOptions {
  double timeout_seconds = 120;                    // then SIGKILL and timed_out
  std::map<std::string, std::string> environment;  // added to, or in place of, the test's own
  std::string folder;                              // working directory; empty: the test's own
  // Sends `signal` once stderr contains `signal_after` (both must be set); for tests of a clean stop.
  int signal = 0;
  std::string signal_after;
  // Sends SIGKILL once this is true; asked every 0.05 ms or so. May be empty.
  std::function<bool()> kill_when;
};

struct RunResult {
  int exit_code = -1;  // 128 + signal when a signal ended it, as a shell would report
  bool timed_out = false;
  std::string out;
  std::string err;
};

// Runs a program without a shell and waits for it. stdin is empty. Throws std::runtime_error when it cannot
// start.
RunResult run_program(const std::string& program, const std::vector<std::string>& arguments,
                      const RunOptions& options = {});

}  // namespace aface::test
