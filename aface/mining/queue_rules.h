#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "aface/core/span.h"
#include "aface/kernel/top_k.h"
#include "aface/mining/candidate_queues.h"

namespace aface {

// What the dominant queues have in common wherever they are changed.

CandidateQueues::Entry make_entry(std::int64_t id, bool admitted, float similarity);

// Equal similarities: lower id first.
bool more_similar(const CandidateQueues::Entry& a, const CandidateQueues::Entry& b);

// Written so that a similarity that is not a number counts as too low.
inline bool holds(float similarity, double threshold) { return similarity >= threshold; }

// Most similar first; above `longest` the least similar leave.
void sort_and_cut(std::vector<CandidateQueues::Entry>& queue, std::int64_t longest);

// What an index found for `owner`, without itself and without what was not found; at most `most`.
std::vector<ScoredId> neighbours_of(std::int64_t owner, Span<const std::int32_t> ids, Span<const float> similarities,
                                    std::size_t most);

// The rebuild rule: the nearest prototypes (the owner not among them, most similar first) with similarity >= threshold,
// and the admitted entries of the old queue that still reach it, by similarity(id); unsorted.
std::vector<CandidateQueues::Entry> refilled(const std::vector<ScoredId>& nearest,
                                             Span<const CandidateQueues::Entry> old,
                                             const std::function<float(std::int64_t id)>& similarity, double threshold);

// When a set that was made in the background is adopted: the fresh queue and the present one's admitted entries, which
// may have come in meanwhile.
std::vector<CandidateQueues::Entry> merged(Span<const CandidateQueues::Entry> fresh,
                                           Span<const CandidateQueues::Entry> present, double threshold,
                                           std::int64_t longest);

// Place of an identity in ascending ids, or -1.
std::int64_t place_of(Span<const std::int64_t> ascending_ids, std::int64_t identity);

}  // namespace aface
