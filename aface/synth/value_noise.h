#pragma once

#include <cmath>
#include <cstdint>

#include "aface/synth/colour.h"

namespace aface::synth {

// A value 0..1 that depends on the cell and the seed alone, so that skin and cloth look the same in every
// photo.
inline float cell_noise(int x, int y, std::uint32_t seed) {
  std::uint32_t h =
      seed ^ (static_cast<std::uint32_t>(x) * 0x85ebca6bU) ^ (static_cast<std::uint32_t>(y) * 0xc2b2ae35U);
  h = (h ^ (h >> 16)) * 0x7feb352dU;
  h = (h ^ (h >> 15)) * 0x846ca68bU;
  return static_cast<float>((h ^ (h >> 16)) >> 8) * (1.0f / 16777216.0f);
}

// Smooth noise 0..1 whose bumps are about one unit wide.
inline float value_noise(float x, float y, std::uint32_t seed) {
  const float floor_x = std::floor(x), floor_y = std::floor(y);
  const int cx = static_cast<int>(floor_x), cy = static_cast<int>(floor_y);
  const float fx = x - floor_x, fy = y - floor_y;
  const float sx = fx * fx * (3 - 2 * fx), sy = fy * fy * (3 - 2 * fy);
  return mix(mix(cell_noise(cx, cy, seed), cell_noise(cx + 1, cy, seed), sx),
             mix(cell_noise(cx, cy + 1, seed), cell_noise(cx + 1, cy + 1, seed), sx), sy);
}

}  // namespace aface::synth
