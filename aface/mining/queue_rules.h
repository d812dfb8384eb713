#pragma once

#include <cstdint>
#include <vector>

#include "aface/core/span.h"
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

// Place of an identity in ascending ids, or -1.
std::int64_t place_of(Span<const std::int64_t> ascending_ids, std::int64_t identity);

}  // namespace aface
