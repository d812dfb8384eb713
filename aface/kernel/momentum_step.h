#pragma once

#include <cstdint>

namespace aface {

// v <- momentum v + (gradient_scale g + weight_decay w),   w <- w - rate v   (torch.optim.SGD, dampening 0,
// after a gradient clip), in one pass over memory.
struct MomentumStep {
  float rate = 0;
  float momentum = 0;
  float weight_decay = 0;
  float gradient_scale = 1;
};

// Arrays of `count` values. Without momentum `velocity` may be null.
void momentum_step(const MomentumStep& step, const float* gradient, std::int64_t count, float* velocity,
                   float* weight);

// Summed in float64.
double sum_of_squares(const float* values, std::int64_t count);

}  // namespace aface
