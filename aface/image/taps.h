#pragma once

#include <vector>

namespace aface {

// One axis of a resampling: out[j] = sum_k weights[j * stride + k] * in[first[j] + k], k < count[j]. Weights
// from count[j] on are 0.
struct Taps {
  int stride = 0;
  std::vector<int> first;
  std::vector<int> count;
  std::vector<float> weights;
};

// `length` output positions over [start, start + extent) of an input of `size` positions: the mean over an
// output position's area or, when growing, over one input position around its centre, which is linear
// interpolation. Beyond the input its edge goes on. The storage of `taps` is used again.
void make_taps(double start, double extent, int size, int length, Taps& taps);

// out[j] = in[first + j].
void make_copying_taps(int first, int length, Taps& taps);

}  // namespace aface
