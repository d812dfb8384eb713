#pragma once

#include <functional>
#include <string>
#include <vector>

namespace aface::test {

// A TCP port that nobody uses at the moment.
int free_port();

struct RankResult {
  int exit_code = -1;  // 128 + signal when a signal ended it
  std::string said;    // what `body` returned, or "error: " and its exception's message
  double seconds = 0;  // until it ended
};

struct RankOptions {
  double timeout_seconds = 60;  // then SIGKILL for those that are left
  // Called with the ids of the processes once all are started.
  std::function<void(const std::vector<int>& processes)> meanwhile;
};

// Runs `body(rank, port)` in `count` processes of their own, forked from this one, which must not have
// started threads.
std::vector<RankResult> run_ranks(int count, const std::function<std::string(int rank, int port)>& body,
                                  const RankOptions& options = {});

}  // namespace aface::test
