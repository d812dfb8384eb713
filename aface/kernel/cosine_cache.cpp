#include "aface/kernel/cosine_cache.h"

#include <algorithm>

namespace aface {
namespace {

constexpr float kSteps = 8388607.0F;       // 2^23 - 1 on each side of 0
constexpr std::int32_t kMiddle = 8388608;  // keeps the codes positive

// 0 ... 2^24 - 2
inline std::int32_t code_of(float cosine) {
  float c = cosine < -1.0F ? -1.0F : cosine;
  c = c > 1.0F ? 1.0F : c;
  const float scaled = c * kSteps;
  return static_cast<std::int32_t>(scaled + (scaled < 0 ? -0.5F : 0.5F)) + kMiddle;  // nearest
}

inline float cosine_of(std::int32_t code) { return static_cast<float>(code - kMiddle) * (1.0F / kSteps); }

}  // namespace

CosineCache::CosineCache(std::size_t rows, std::size_t columns, std::size_t block)
    : rows_(rows), columns_(columns), block_(block), high_(rows * columns), low_(rows * columns) {}

std::size_t CosineCache::place(std::size_t row, std::size_t column) const {
  const std::size_t first = column / block_ * block_;
  const std::size_t width = std::min(block_, columns_ - first);
  return first * rows_ + row * width + (column - first);
}

void CosineCache::put(std::size_t row, std::size_t first, std::size_t count, const float* cosines) {
  const std::size_t at = place(row, first);
  std::uint16_t* high = high_.data() + at;
  std::uint8_t* low = low_.data() + at;
#pragma omp simd
  for (std::size_t j = 0; j < count; ++j) {
    const std::int32_t code = code_of(cosines[j]);
    high[j] = static_cast<std::uint16_t>(code >> 8);
    low[j] = static_cast<std::uint8_t>(code);
  }
}

void CosineCache::get(std::size_t row, std::size_t first, std::size_t count, float* cosines) const {
  const std::size_t at = place(row, first);
  const std::uint16_t* high = high_.data() + at;
  const std::uint8_t* low = low_.data() + at;
  for (std::size_t j = 0; j < count; ++j) {
    const std::int32_t code = (static_cast<std::int32_t>(high[j]) << 8) | static_cast<std::int32_t>(low[j]);
    cosines[j] = cosine_of(code);
  }
}

void CosineCache::round(std::size_t count, float* cosines) {
#pragma omp simd
  for (std::size_t j = 0; j < count; ++j) cosines[j] = cosine_of(code_of(cosines[j]));
}

}  // namespace aface
