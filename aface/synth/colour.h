#pragma once

#include <algorithm>
#include <cmath>

namespace aface::synth {

// Linear light, 0..1 per channel (more in highlights). The picture is stored as its square root, a gamma
// of 2.
struct Rgb {
  float r = 0;
  float g = 0;
  float b = 0;
};

inline Rgb operator+(Rgb x, Rgb y) { return {x.r + y.r, x.g + y.g, x.b + y.b}; }
inline Rgb operator*(Rgb x, Rgb y) { return {x.r * y.r, x.g * y.g, x.b * y.b}; }
inline Rgb operator*(Rgb x, float s) { return {x.r * s, x.g * s, x.b * s}; }
inline float mix(float x, float y, float share) { return x + (y - x) * share; }
inline Rgb mix(Rgb x, Rgb y, float share) {
  return {mix(x.r, y.r, share), mix(x.g, y.g, share), mix(x.b, y.b, share)};
}
inline float clamp01(float x) { return std::min(1.0f, std::max(0.0f, x)); }

// From the 0..1 values a painter would pick (gamma 2) to linear light.
inline Rgb painted(float r, float g, float b) { return {r * r, g * g, b * b}; }

// 0 below `low`, 1 above `high`, smooth between (low > high turns it round).
inline float smooth_step(float low, float high, float x) {
  const float t = clamp01((x - low) / (high - low));
  return t * t * (3 - 2 * t);
}

// Share of a pixel inside a shape, from the signed distance to its edge (negative inside) and half the edge's
// width.
inline float coverage(float distance, float half_edge) {
  return smooth_step(half_edge, -half_edge, distance);
}

// A bell of height 1 that is 0 from r = 1 on: (1 - r^2)^2, with r^2 given.
inline float bell(float r2) {
  const float t = 1 - r2;
  return t > 0 ? t * t : 0.0f;
}
inline float square(float x) { return x * x; }

}  // namespace aface::synth
