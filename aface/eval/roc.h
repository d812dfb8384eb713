#pragma once

#include <cstdint>
#include <vector>

namespace aface {

struct TarAtFar {
  double far = 0;  // the target
  double tar = 0;
  double threshold = 0;
};

// TAR = mated scores >= threshold / all mated, at the smallest score among all given ones for which
// FAR = non-mated scores >= threshold / all non-mated does not pass the target. A tie is thus never split:
// when many non-mated scores share the value at which the target is reached, all of them stay below the
// threshold. If even the highest score passes the target, the threshold is the next float above it and TAR is
// 0. O(n) for each target; the scores are taken by value because they are reordered. Throws Error{kData} when
// one side is empty, a score is not finite, or a target is not in [0, 1].
std::vector<TarAtFar> tar_at_far(std::vector<float> mated, std::vector<float> non_mated,
                                 const std::vector<double>& targets);

// How many of `non_mated` scores may be accepted at a target: the most that keep FAR at or below it.
std::uint64_t allowed_accepts(double target, std::uint64_t non_mated);

}  // namespace aface
