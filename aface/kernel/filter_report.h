#pragma once

#include <cstdint>

namespace aface {

// What the gradient filter of a classification left out (fused_softmax.h).
struct FilterReport {
  double skipped = 0;           // mean over the samples of the wrong classes' probability that got no gradient
  double skipped_largest = 0;   // of the worst sample
  double wrong = 0;             // mean over the samples of the wrong classes' probability: what `skipped` is a part of
  std::int64_t computed_in_full = 0;  // samples
};

}  // namespace aface
