#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "aface/core/across_ranks.h"
#include "aface/core/shard.h"
#include "aface/mining/queue_feedback.h"

namespace aface {

// What the dominant queues of a run on several ranks need of each other. Each rank has the queues of its own
// identities; a queue may hold anybody.

struct OwnedQueue {
  std::int64_t owner = 0;
  std::vector<CandidateQueues::Entry> entries;
};

// The queues of all of `owners` (ascending, the same on every rank), in that order; `queue_of` knows this
// rank's.
std::vector<OwnedQueue> gather_queues(const std::vector<std::int64_t>& owners, const QueueOf& queue_of,
                                      const Shard& shard, AcrossRanks& ranks);

// updates_from() for the owners of this rank. On every rank the feedback is about the whole batch, but about
// the active identities of that rank; `queues` are those of all owners of the batch, ascending. Costs (dim +
// 1) 4 bytes for each owner, which all ranks learn the prototype of, and 8 bytes for each pair, of which an
// owner has at most its queue's and `longest` on each rank.
std::vector<QueueUpdate> updates_across_ranks(const ScoreFeedback& feedback,
                                              const std::vector<OwnedQueue>& queues, const Shard& shard,
                                              double threshold, std::int64_t longest, int threads,
                                              AcrossRanks& ranks);

// All rows of a table of which this rank has `own` [count, dim], in order of rank.
std::vector<float> gather_rows(const std::vector<float>& own, std::size_t dim, AcrossRanks& ranks);

}  // namespace aface
