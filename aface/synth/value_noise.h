#pragma once

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

// std::floor is slow where the processor's rounding instruction may not be used.
inline int round_down(float x) {
  const int whole = static_cast<int>(x);
  return whole - (static_cast<float>(whole) > x ? 1 : 0);
}

// Smooth noise 0..1 whose bumps are about one unit wide.
inline float value_noise(float x, float y, std::uint32_t seed) {
  const int cx = round_down(x), cy = round_down(y);
  const float fx = x - static_cast<float>(cx), fy = y - static_cast<float>(cy);
  const float sx = fx * fx * (3 - 2 * fx), sy = fy * fy * (3 - 2 * fy);
  return mix(mix(cell_noise(cx, cy, seed), cell_noise(cx + 1, cy, seed), sx),
             mix(cell_noise(cx, cy + 1, seed), cell_noise(cx + 1, cy + 1, seed), sx), sy);
}

}  // namespace aface::synth
