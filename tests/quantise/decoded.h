#pragma once

#include <algorithm>
#include <cmath>

#include "aface/quantise/eight_bits.h"

namespace aface::test {

// What is left of a value that is coded, as ONNX's QuantizeLinear does it, and decoded again.
inline double decoded(const ValueCode& code, double value) {
  const double level = std::clamp(std::nearbyint(value / code.scale) + code.zero_point, 0.0, 255.0);
  return (level - code.zero_point) * code.scale;
}

}  // namespace aface::test
