#include "aface/image/taps.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace aface {

namespace {

// Of positions of the output to the input, and how far each reaches.
struct Axis {
  double start, step, reach;

  double low(int j) const { return start + (j + 0.5) * step - 0.5 * reach; }
};

// The share that [low, high) has in input position i.
double overlap(double low, double high, int i) {
  const double begin = low > i ? low : i, end = high < i + 1 ? high : i + 1;
  return end - begin;
}

// As if the input had no ends.
template <int kTaps>
void make_inner_taps(const Axis& axis, int length, int* first, float* weights) {
  const double share = 1 / axis.reach;
  for (int j = 0; j < length; ++j) {
    const double low = axis.low(j), high = low + axis.reach;
    const int begin = static_cast<int>(std::floor(low));
    first[j] = begin;
    for (int k = 0; k < kTaps; ++k) {
      const double part = overlap(low, high, begin + k);
      weights[j * kTaps + k] = static_cast<float>((part > 0 ? part : 0) * share);
    }
  }
}

// With what lies beyond an end added to that end.
void make_tap_at_an_end(const Axis& axis, int j, int size, Taps& taps) {
  const auto at = static_cast<std::size_t>(j);
  const double low = axis.low(j), high = low + axis.reach;
  const int begin = static_cast<int>(std::floor(low)), end = static_cast<int>(std::ceil(high));
  const int first = std::clamp(begin, 0, size - 1);
  float* weights = &taps.weights[at * static_cast<std::size_t>(taps.stride)];
  std::fill_n(weights, taps.stride, 0.0f);
  int last = first;
  for (int i = begin; i < end; ++i) {
    const double part = overlap(low, high, i);
    if (part <= 1e-9) continue;  // rounding dust
    const int inside = std::clamp(i, 0, size - 1);
    weights[inside - first] += static_cast<float>(part / axis.reach);
    last = inside;
  }
  taps.first[at] = first;
  taps.count[at] = last - first + 1;
}

}  // namespace

void make_taps(double start, double extent, int size, int length, Taps& taps) {
  const double step = extent / length;
  const Axis axis{start, step, std::max(step, 1.0)};
  taps.stride = static_cast<int>(std::ceil(axis.reach)) + 1;
  taps.first.resize(static_cast<std::size_t>(length));
  taps.count.assign(static_cast<std::size_t>(length), taps.stride);
  taps.weights.resize(static_cast<std::size_t>(length) * taps.stride);
  int* const first = taps.first.data();
  const auto is_inside = [&](int j) { return first[j] >= 0 && first[j] + taps.stride <= size; };
  if (taps.stride == 2) {
    make_inner_taps<2>(axis, length, first, taps.weights.data());
  } else if (taps.stride == 3) {
    make_inner_taps<3>(axis, length, first, taps.weights.data());
  } else if (taps.stride == 4) {
    make_inner_taps<4>(axis, length, first, taps.weights.data());
  } else if (taps.stride == 5) {
    make_inner_taps<5>(axis, length, first, taps.weights.data());
  } else {
    for (int j = 0; j < length; ++j) make_tap_at_an_end(axis, j, size, taps);
    return;
  }
  int begin = 0, end = length;
  for (; begin < end && !is_inside(begin); ++begin) make_tap_at_an_end(axis, begin, size, taps);
  for (; end > begin && !is_inside(end - 1); --end) make_tap_at_an_end(axis, end - 1, size, taps);
}

void make_copying_taps(int first, int length, Taps& taps) {
  taps.stride = 1;
  taps.first.resize(static_cast<std::size_t>(length));
  std::iota(taps.first.begin(), taps.first.end(), first);
  taps.count.assign(static_cast<std::size_t>(length), 1);
  taps.weights.assign(static_cast<std::size_t>(length), 1.0f);
}

}  // namespace aface
