#pragma once

#include <cstdint>

#include "aface/kernel/bf16.h"
#include "aface/kernel/row_slices.h"

namespace aface {

// A 3x3 convolution with one pixel of padding in which an output channel looks at one input channel (group 1:
// depthwise) or at the two of its pair (group 2). Images are [batch, height, width, channels], as many
// channels out as in; the output's height is (height - 1) / stride + 1, its width likewise.
struct DepthwiseShape {
  std::int64_t batch = 0, height = 0, width = 0;  // of the input
  std::int64_t channels = 0;                      // even for group 2
  std::int64_t stride = 1;                        // 1 or 2
  std::int64_t group = 1;                         // 1 or 2

  std::int64_t out_height() const { return (height - 1) / stride + 1; }
  std::int64_t out_width() const { return (width - 1) / stride + 1; }
};

// weight [channels, group, 3, 3], as LibTorch stores it. Storage of images is float or Bf16, weights, sums
// and their gradients are float32. The same bits on any number of threads.
template <class Value>
void depthwise_forward(const DepthwiseShape& shape, const Value* x, const float* weight, Value* y,
                       const ForEachSlice& for_each_slice);

template <class Value>
void depthwise_input_gradient(const DepthwiseShape& shape, const Value* dy, const float* weight, Value* dx,
                              const ForEachSlice& for_each_slice);

// Into dw [channels, group, 3, 3].
template <class Value>
void depthwise_weight_gradient(const DepthwiseShape& shape, const Value* x, const Value* dy, float* dw,
                               const ForEachSlice& for_each_slice);

}  // namespace aface
