#pragma once

#include <memory>
#include <vector>

#include "aface/core/random.h"
#include "aface/mining/active_set.h"
#include "aface/mining/background_rebuild.h"
#include "aface/mining/class_selector.h"
#include "aface/mining/queue_exchange.h"
#include "aface/mining/queue_layers.h"
#include "aface/mining/rebuild_rhythm.h"
#include "aface/nearest/index_options.h"

namespace aface {

// Hard prototype mining (AdaptiveFace, CVPR 2019, HPM): every identity owns a queue of the prototypes most easily
// confused with it, and a step works on the batch's own prototypes and their queues. What the paper leaves open is
// settled so (s = cosine of two prototypes, h = similarity_threshold(step)):
//
// rebuild   A queue becomes the queue_length nearest prototypes with s >= h, and the entries that were admitted by
//           scores and still have s >= h. Neighbours of an earlier rebuild that are not nearest any more leave.
// select    Own prototypes and their queues. With a budget: the most similar entries if there are too many (own ones
//           always stay), identities drawn evenly if there are too few. Budget 0: neither.
// feedback  For every owner in the batch, in this order: (1) entries that were active get their similarity anew;
//           (2) every active identity whose cosine beat the own cosine of one of the owner's samples is admitted;
//           (3) entries with s < h are popped; (4) above max_queue_length the least similar leave. Equal
//           similarities: lower id first. A sample that was classified right admits nothing.
//
// Plain cosines decide, without margin and scale. Memory: see CandidateQueues, plus the index during rebuild().
//
// options.rebuild says whether training waits for a rebuild. "wait": rebuild() searches with an index; the run is
// repeatable and resumes bit for bit. "background": rebuild() takes a PrototypeSnapshot, which is all that training
// waits for, a thread makes the complete set of queues (BackgroundRebuild), and the first select() after that adopts
// it: an owner whose queue was changed meanwhile keeps the entries admitted by scores beside the fresh ones, as long as
// s >= h. Which step that is depends on timing, and so do selections from there on. Until the first set is there
// prototypes are drawn at random: up to the budget, or without one as many as the queues will hold. What goes wrong in
// the thread is thrown by the next select(). A state saved during a rebuild holds the present queues, and the run that
// is resumed from it starts the rebuild anew. "auto": wait as long as the search compares every pair (exact_below),
// background above. On several ranks each has the queues of its own identities, rebuild() takes the prototypes of these
// and is called by all ranks at once, the feedback is about this rank's active identities, and a rebuild always waits;
// selections are the same on all ranks, and those of one.
class DominantQueueSelector : public ClassSelector {
 public:
  // `num_identities` of all ranks. Throws Error{kUsage} for rebuilds in the background on several ranks.
  DominantQueueSelector(const MinerOptions& options, std::int64_t num_identities, std::uint64_t seed, int threads,
                        AcrossRanks* ranks = nullptr);

  bool wants_rebuild(std::int64_t step) const override { return !running_ && rhythm_.is_due(step); }
  void rebuild(std::int64_t step, const UnitRows& prototypes) override;
  bool is_rebuilding() const { return running_ != nullptr; }
  bool needs_feedback() const override { return true; }
  std::vector<std::int64_t> select(const SelectionRequest& request) override;
  void take_feedback(const ScoreFeedback& feedback) override;
  void save(NamedArrays& state) const override;
  void restore(const NamedArrays& state) override;
  std::map<std::string, double> report() const override;

  // h: linear from similarity_start at step 0 to similarity_end at similarity_steps, constant after.
  double similarity_threshold(std::int64_t step) const;
  // Most similar first.
  Span<const CandidateQueues::Entry> queue(std::int64_t identity) const {  // one of this rank's
    return queues_.of(identity - shard_.first);
  }

 private:
  void rebuild_now(std::int64_t step, const UnitRows& prototypes);
  void start_rebuild(std::int64_t step, const UnitRows& prototypes);
  void adopt_finished(std::int64_t step);
  std::vector<OwnedQueue> queues_of_batch(const std::vector<std::int64_t>& owners);
  void insert_most_similar(const std::vector<OwnedQueue>& queues);

  MinerOptions options_;
  AcrossRanks* ranks_;  // null: alone
  Shard shard_;         // identities whose queues are here
  std::uint64_t seed_;
  int threads_;
  bool in_background_;
  QueueLayers queues_;                    // of the shard, which they number from 0
  std::vector<OwnedQueue> batch_queues_;  // on several ranks, from select() to take_feedback(): of the whole batch
  ActiveSet active_;
  Random random_;
  RebuildRhythm rhythm_;
  std::int64_t last_step_ = 0;
  std::int64_t admitted_last_step_ = 0;
  std::int64_t popped_last_step_ = 0;
  std::int64_t set_of_step_ = -1;    // step whose prototypes the present set of queues was made from; -1: none yet
  std::int64_t running_since_ = -1;  // the same of the set in the making
  double rebuild_seconds_ = 0;       // of the latest set, in the background
  double pause_seconds_ = 0;         // that training waited for it: the longest of snapshot and adoption
  std::unique_ptr<BackgroundRebuild> running_;
};

}  // namespace aface
