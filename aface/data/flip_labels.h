#pragma once

#include <cstdint>
#include <vector>

#include "aface/core/span.h"

namespace aface {

// Gives `share` of the samples, rounded to the nearest number, the label of another identity, each other
// alike: noise that is planted to see whether it is found. One sample of every identity, drawn at random,
// keeps its label, so that no identity vanishes. Depends on the arguments only. `identities[i]` is 0 ..
// num_identities-1. Throws Error{kUsage} on a share outside [0, 1), fewer than two identities, or more flips
// than there are samples that may be flipped.
std::vector<std::int64_t> flip_labels(Span<const std::int64_t> identities, std::int64_t num_identities,
                                      double share, std::uint64_t seed);

}  // namespace aface
