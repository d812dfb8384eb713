#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <thread>

#include "aface/mining/candidate_queues.h"
#include "aface/mining/prototype_snapshot.h"

namespace aface {

struct QueueRebuildOptions {
  std::int64_t neighbours = 30;      // of a fresh queue
  std::int64_t longest = 100;        // with the admitted entries
  double threshold = -1;             // h
  std::int64_t exact_below = 50000;  // up to so many prototypes every pair is compared
  std::int64_t candidates = 32768;   // above: prototypes that each one is compared with before the descent, about
  std::uint64_t seed = 1;
  int threads = 1;   // 0: all cores
  int niceness = 0;  // 0 ... 19 above the process's own
};

// Makes a complete set of queues from a snapshot on a thread of its own, by the rebuild rule of DominantQueueSelector:
// an inverted file of the snapshot (inverted_file.h), asked for the neighbours of all prototypes, whose lists are then made
// better by neighbour descent (neighbour_descent.h). Similarities are those of eight-bit rows. What comes out does not depend on the number of threads.
class BackgroundRebuild {
 public:
  // Starts at once. `present`: where the admitted entries are taken from; not changed by anybody meanwhile.
  BackgroundRebuild(PrototypeSnapshot prototypes, std::shared_ptr<const CandidateQueues> present,
                    QueueRebuildOptions options);
  // Tells the thread to stop and waits for it, tenths of a second.
  ~BackgroundRebuild();
  BackgroundRebuild(const BackgroundRebuild&) = delete;
  BackgroundRebuild& operator=(const BackgroundRebuild&) = delete;

  bool finished() const { return finished_; }
  // Once finished; rethrows what went wrong.
  CandidateQueues take();
  double seconds() const { return seconds_; }

 private:
  void run();
  NeighbourLists found_by_lists() const;
  void fill_queues(const NeighbourLists& lists);
  void give_up_if_told() const;

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
