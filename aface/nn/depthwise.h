#pragma once

#include <torch/nn/modules/conv.h>

namespace aface {

// conv(x), by our own loops (aface/kernel/depthwise_conv.h) where the convolution is 3x3 with as many groups
// as channels or half as many, and x lies on the CPU in channels-last layout, float32 or bfloat16; by
// LibTorch elsewhere.
torch::Tensor convolve_by_channel(torch::nn::Conv2d& conv, const torch::Tensor& x);

}  // namespace aface
