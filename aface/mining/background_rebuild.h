#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <thread>

#include "aface/mining/candidate_queues.h"
#include "aface/mining/neighbour_join.h"
#include "aface/mining/prototype_snapshot.h"

namespace aface {

struct QueueRebuildOptions {
  JoinOptions join;                // join.neighbours: longest fresh queue
  std::int64_t longest = 100;      // with the admitted entries
  double threshold = -1;           // h
  int niceness = 0;                // 0 ... 19 above the process's own
};

// Makes a complete set of queues from a snapshot on a thread of its own, by the rebuild rule of DominantQueueSelector.
// Similarities are those of the snapshot's eight-bit codes.
class BackgroundRebuild {
 public:
  // Starts at once. `present`: where the admitted entries are taken from; not changed by anybody meanwhile.
  BackgroundRebuild(PrototypeSnapshot prototypes, std::shared_ptr<const CandidateQueues> present,
                    QueueRebuildOptions options);
  // Tells the thread to stop and waits for it, some milliseconds.
  ~BackgroundRebuild();
  BackgroundRebuild(const BackgroundRebuild&) = delete;
  BackgroundRebuild& operator=(const BackgroundRebuild&) = delete;

  bool finished() const { return finished_; }
  // Once finished; rethrows what went wrong.
  CandidateQueues take();
  double seconds() const { return seconds_; }

 private:
  void run();

  PrototypeSnapshot prototypes_;
  std::shared_ptr<const CandidateQueues> present_;
  QueueRebuildOptions options_;
  CandidateQueues fresh_;
  double seconds_ = 0;
  std::exception_ptr failure_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> finished_{false};
  std::thread thread_;
};

}  // namespace aface
