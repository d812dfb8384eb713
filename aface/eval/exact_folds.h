#pragma once

#include <vector>

#include "aface/eval/pair_convention.h"

namespace aface {

// The convention "exact": the rule of verification.h. Pairs that count several times stand that often in the
// ranking; pairs of weight 0 are no candidates. O(n log n + folds * n).
std::vector<FoldResult> exact_folds(const FoldedPairs& pairs);

}  // namespace aface
