#include "aface/kernel/score_threshold.h"

#include <cstdint>

#include "aface/core/check.h"

namespace aface {
namespace {

std::size_t reaching(const float* scores, std::size_t count, float bar) {
  std::int32_t found = 0;
#pragma omp simd reduction(+ : found)
  for (std::size_t i = 0; i < count; ++i) found += static_cast<std::int32_t>(scores[i] >= bar);
  return static_cast<std::size_t>(found);
}

}  // namespace

float score_threshold(const float* scores, std::size_t count, std::size_t wanted) {
  AFACE_CHECK(wanted > 0 && wanted <= count, "the best {} of {}", wanted, count);
  float low = scores[0], high = scores[0];
#pragma omp simd reduction(min : low) reduction(max : high)
  for (std::size_t i = 0; i < count; ++i) {
    low = scores[i] < low ? scores[i] : low;
    high = scores[i] > high ? scores[i] : high;
  }
  // `low` is reached by at least `wanted`, `high` (but for the first one) by fewer.
  std::size_t reach_low = count;
  while (reach_low > wanted + wanted / 2) {
    const float middle = low + (high - low) / 2;
    if (!(middle > low && middle < high)) break;
    const std::size_t reach = reaching(scores, count, middle);
    if (reach < wanted) {
      high = middle;
    } else {
      low = middle;
      reach_low = reach;
    }
  }
  // All that is left may be equal to the highest.
  return reaching(scores, count, high) >= wanted ? high : low;
}

}  // namespace aface
