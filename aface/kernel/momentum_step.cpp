#include "aface/kernel/momentum_step.h"

#include <algorithm>

namespace aface {

void momentum_step(const MomentumStep& step, const float* gradient, std::int64_t count, float* velocity,
                   float* weight) {
  const float rate = step.rate, momentum = step.momentum, decay = step.weight_decay,
              scale = step.gradient_scale;
  float* __restrict const v = velocity;
  float* __restrict const w = weight;
  if (v == nullptr) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) w[i] -= rate * (scale * gradient[i] + decay * w[i]);
    return;
  }
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    const float now = momentum * v[i] + (scale * gradient[i] + decay * w[i]);
    v[i] = now;
    w[i] -= rate * now;
  }
}

double sum_of_squares(const float* values, std::int64_t count) {
  constexpr std::int64_t kLanes = 64, kBlock = 64 * kLanes;  // so many are summed in float32, each lane 64
  double sum = 0;
  for (std::int64_t begin = 0; begin < count; begin += kBlock) {
    const std::int64_t end = std::min(count, begin + kBlock);
    float lanes[kLanes] = {};
    std::int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) {
#pragma omp simd
      for (std::int64_t k = 0; k < kLanes; ++k) lanes[k] += values[i + k] * values[i + k];
    }
    for (const float lane : lanes) sum += static_cast<double>(lane);
    for (; i < end; ++i) sum += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  }
  return sum;
}

}  // namespace aface
