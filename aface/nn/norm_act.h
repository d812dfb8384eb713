#pragma once

#include <torch/nn/modules/batchnorm.h>

#include "aface/nn/layers.h"

namespace aface {

// Batch normalisation with what comes after it. On the CPU, for float32 or bfloat16 in channels-last layout,
// each is one step with one gradient of its own (aface/kernel/norm_act.h): less memory is read and nothing
// but the input is kept for the backward pass. Everywhere else they are LibTorch's operations one after the
// other. The parameters, buffers and their names are those of `norm` and `prelu`; running statistics follow
// as LibTorch's do. Not twice differentiable.
torch::Tensor batch_norm(torch::nn::BatchNorm2d& norm, const torch::Tensor& x);
torch::Tensor batch_norm_prelu(torch::nn::BatchNorm2d& norm, PRelu& prelu, const torch::Tensor& x);
torch::Tensor batch_norm_relu(torch::nn::BatchNorm2d& norm, const torch::Tensor& x);
torch::Tensor batch_norm_add(torch::nn::BatchNorm2d& norm, const torch::Tensor& x,
                             const torch::Tensor& added);
torch::Tensor batch_norm_add_relu(torch::nn::BatchNorm2d& norm, const torch::Tensor& x,
                                  const torch::Tensor& added);

}  // namespace aface
