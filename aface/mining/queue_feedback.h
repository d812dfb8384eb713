#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "aface/mining/candidate_queues.h"
#include "aface/mining/class_selector.h"

namespace aface {

// What one step's scores make of an owner's queue.
struct QueueUpdate {
  std::int64_t owner = 0;
  std::vector<CandidateQueues::Entry> queue;  // most similar first
  std::int64_t admitted = 0;                  // entries that were not there before
  std::int64_t popped = 0;                    // entries that were there before and are not any more
};

// An owner of the batch, and the active identities that outscored one of its samples (admitted) or are in its queue:
// ascending by id, with the similarity of this step's prototypes.
struct OwnerPairs {
  std::int64_t owner = 0;
  std::vector<CandidateQueues::Entry> pairs;
};

// The prototype of each owner of the batch, by ascending identity.
struct OwnerRows {
  RowMatrix rows;                     // of any length
  Span<const float> inverse_lengths;  // 1 / length of each
};

// The new queues of the batch's owners, ascending, by the feedback rule of DominantQueueSelector. `queue_of` gives the
// present ones, to several threads at a time. Work grows with the rivals and the entries of the batch's queues, not with batch times active prototypes: only
// these pairs of prototypes are compared, block of rows by block, so that a step in which thousands of prototypes
// outscore every sample (the first ones) stays within the caches. The outcome does not depend on `threads`.
using QueueOf = std::function<Span<const CandidateQueues::Entry>(std::int64_t owner)>;
std::vector<OwnerPairs> pairs_from(const ScoreFeedback& feedback, const QueueOf& queue_of, const OwnerRows& owner_rows,
                                   int threads);
QueueUpdate update_of(const OwnerPairs& owner, Span<const CandidateQueues::Entry> old, double threshold, std::int64_t longest);
// Both, when all the batch's owners are active here.
std::vector<QueueUpdate> updates_from(const ScoreFeedback& feedback, const QueueOf& queue_of, double threshold,
                                      std::int64_t longest, int threads);

}  // namespace aface
