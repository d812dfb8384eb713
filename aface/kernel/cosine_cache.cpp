#include "aface/kernel/cosine_cache.h"

#include <algorithm>

namespace aface {
namespace {

constexpr float kSteps = 8388607.0F;       // 2^23 - 1 on each side of 0
constexpr std::int32_t kMiddle = 8388608;  // keeps the codes positive

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
    float c = cosines[j] < -1.0F ? -1.0F : cosines[j];
    c = c > 1.0F ? 1.0F : c;
    const float scaled = c * kSteps;
    const auto code = static_cast<std::int32_t>(scaled + (scaled < 0 ? -0.5F : 0.5F)) + kMiddle;  // nearest
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
    cosines[j] = static_cast<float>(code - kMiddle) * (1.0F / kSteps);
  }
}

}  // namespace aface
