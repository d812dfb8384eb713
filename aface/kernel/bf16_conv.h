#pragma once

#include <cstdint>

#include "aface/kernel/bf16.h"
#include "aface/kernel/row_slices.h"

namespace aface {

// A convolution of all channels with all. Images are [batch, height, width, channels], weights [out, kernel,
// kernel, in], as LibTorch's channels-last layout stores both.
struct Bf16ConvShape {
  std::int64_t batch = 0, height = 0, width = 0;  // of the input
  std::int64_t in = 0, out = 0;                   // channels
  std::int64_t kernel = 3, stride = 1, padding = 1;

  std::int64_t out_height() const { return (height + 2 * padding - kernel) / stride + 1; }
  std::int64_t out_width() const { return (width + 2 * padding - kernel) / stride + 1; }
};

// Whether the loops below exist for it: this CPU, and what was compiled for it, multiplies bfloat16, the
// channels are multiples of 32, the padding is smaller than the kernel, and no length is 0.
bool can_convolve_bf16(const Bf16ConvShape& shape);

// The passes below give the same bits on any number of threads.

// y, from float32 weights that are rounded to bfloat16; sums in float32.
void bf16_conv_forward(const Bf16ConvShape& shape, const Bf16* x, const float* weight, Bf16* y,
                       const ForEachSlice& for_each_slice);

// Into dx, from the loss's gradient to the output, with weights as above.
void bf16_conv_input_gradient(const Bf16ConvShape& shape, const Bf16* dy, const float* weight, Bf16* dx,
                              const ForEachSlice& for_each_slice);

// Into dw, from the input and the loss's gradient to the output: sums in float32. `threads` says into how
// many parts to cut the work at least.
void bf16_conv_weight_gradient(const Bf16ConvShape& shape, const Bf16* x, const Bf16* dy, float* dw,
                               int threads, const ForEachSlice& for_each_slice);

}  // namespace aface
