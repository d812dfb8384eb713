#pragma once

#include <torch/nn/modules/conv.h>

namespace aface {

// Whether our own loops (aface/kernel/bf16_conv.h) can compute conv(x): 3x3 of all channels with all, without
// bias, which autocast rounds to bfloat16, of an x in channels-last layout on the CPU that is bfloat16
// already.
bool can_convolve_densely(const torch::nn::Conv2d& conv, const torch::Tensor& x);

// conv(x) where they can. The gradient of the weights is float32 and was never rounded; it is summed in the
// parts of the batch's scope (batch_scope.h).
torch::Tensor convolve_densely(torch::nn::Conv2d& conv, const torch::Tensor& x);

}  // namespace aface
