#include "aface/image/taps.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace aface {

namespace {

// The share that [low, high) has in input position i.
double overlap(double low, double high, int i) { return std::min<double>(high, i + 1) - std::max<double>(low, i); }

}  // namespace

void make_taps(double start, double extent, int size, int length, Taps& taps) {
  const double step = extent / length;
  const double reach = std::max(step, 1.0);
  const double share = 1 / reach;
  taps.stride = static_cast<int>(std::ceil(reach)) + 1;
  taps.first.resize(static_cast<std::size_t>(length));
  taps.count.resize(static_cast<std::size_t>(length));
  taps.weights.resize(static_cast<std::size_t>(length) * taps.stride);
  float* weights = taps.weights.data();
  for (int j = 0; j < length; ++j, weights += taps.stride) {
    const double low = start + (j + 0.5) * step - 0.5 * reach;
    const double high = low + reach;
    const int begin = static_cast<int>(std::floor(low));
    const auto at = static_cast<std::size_t>(j);
    if (begin >= 0 && begin + taps.stride <= size) {
      for (int k = 0; k < taps.stride; ++k) {
        weights[k] = static_cast<float>(std::max(0.0, overlap(low, high, begin + k)) * share);
      }
      taps.first[at] = begin;
      taps.count[at] = taps.stride;
      while (weights[taps.count[at] - 1] == 0) --taps.count[at];
      continue;
    }
    std::fill_n(weights, taps.stride, 0.0f);
    const int first = std::clamp(begin, 0, size - 1);
    const int end = static_cast<int>(std::ceil(high));
    int last = first;
    for (int i = begin; i < end; ++i) {
      const double part = overlap(low, high, i);
      if (part <= 1e-9) continue;  // rounding dust
      const int inside = std::clamp(i, 0, size - 1);
      weights[inside - first] += static_cast<float>(part * share);
      last = inside;
    }
    taps.first[at] = first;
    taps.count[at] = last - first + 1;
  }
}

}  // namespace aface
