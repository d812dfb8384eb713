#pragma once

#include <cstdint>

#include "aface/train/train_options.h"

namespace aface {

// The schedule's share of the highest rate at `step` (0 .. total_steps-1), in [0, 1]: linear warm-up, then the
// chosen shape over what is left. A pure function, so that a resumed run needs no schedule state.
double learning_rate_share(const OptimizerOptions& options, std::int64_t step, std::int64_t total_steps);

}  // namespace aface
