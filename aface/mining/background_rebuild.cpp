#include "aface/mining/background_rebuild.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <mutex>
#include <utility>
#include <vector>

#include "aface/core/check.h"
#include "aface/mining/queue_rules.h"

namespace aface {
namespace {

// Of the calling thread, and of the threads that it starts (Linux). Being refused is no reason to fail.
void be_nicer(int by) {
  const auto self = static_cast<id_t>(syscall(SYS_gettid));
  setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + by);
}

}  // namespace

BackgroundRebuild::BackgroundRebuild(PrototypeSnapshot prototypes, std::shared_ptr<const CandidateQueues> present,
                                     QueueRebuildOptions options)
    : prototypes_(std::move(prototypes)),
      present_(std::move(present)),
      options_(std::move(options)),
      fresh_(present_->num_identities()),
      thread_([this] {
        try {
          run();
        } catch (...) {
          failure_ = std::current_exception();
        }
        prototypes_ = {};
        finished_ = true;
      }) {}

BackgroundRebuild::~BackgroundRebuild() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

void BackgroundRebuild::run() {
  const auto start = std::chrono::steady_clock::now();
  if (options_.niceness > 0) be_nicer(options_.niceness);
  std::mutex of_fresh;
  join_neighbours(prototypes_, options_.join, [this] { return stop_.load(); },
                  [&](std::int64_t owner, const std::vector<ScoredId>& nearest) {
                    const auto similarity = [&](std::int64_t id) { return prototypes_.similarity(owner, id); };
                    std::vector<CandidateQueues::Entry> queue =
                        refilled(nearest, present_->of(owner), similarity, options_.threshold);
                    sort_and_cut(queue, options_.longest);
                    const std::lock_guard<std::mutex> lock(of_fresh);
                    fresh_.assign(owner, queue);
                  });
  seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

CandidateQueues BackgroundRebuild::take() {
  AFACE_CHECK(finished_, "the rebuild is still at work");
  if (failure_) std::rethrow_exception(failure_);
  return std::move(fresh_);
}

}  // namespace aface
