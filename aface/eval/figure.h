#pragma once

#include <string>
#include <vector>

namespace aface {

// A 95 % interval.
struct Interval {
  double low = 0;
  double high = 0;
};

// One number of an evaluation with what is known of its uncertainty.
struct Figure {
  std::string name;          // "accuracy", "tar_at_far/0.001", "threshold_at_far/0.001", "rank1", ...
  double value = 0;          // shares in [0, 1], thresholds as cosine; NaN when it cannot be measured
  std::string unmeasurable;  // why there is no value ("needs 1,000,000 impostor pairs, has 3,000"); else empty
  // The figure under each draw of identities (identity_bootstrap.h), NaN where a draw has none; empty: not resampled.
  std::vector<float> replicates;
};

}  // namespace aface
