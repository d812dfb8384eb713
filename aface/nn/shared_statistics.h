#pragma once

#include <torch/nn/modules/batchnorm.h>

namespace aface {

// Batch normalisation by LibTorch's operations, x [batch, channels, ...] in any layout and on any device;
// in the scope of the batch (batch_scope.h) where the layer trains. As LibTorch's own it moves the running statistics.
torch::Tensor plain_norm(torch::nn::BatchNorm1d& norm, const torch::Tensor& x);
torch::Tensor plain_norm(torch::nn::BatchNorm2d& norm, const torch::Tensor& x);

}  // namespace aface
