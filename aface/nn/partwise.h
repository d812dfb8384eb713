#pragma once

#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

namespace aface {

// Layers that are applied to a batch in the parts of its scope (batch_scope.h): each part by itself, with the same
// operations on the same shapes whatever rank it is on; the parameters' gradients are added pair by pair. Without parts, in
// evaluation and under autocast they are LibTorch's own, or, under autocast on the CPU, those of dense_conv.h.
torch::Tensor convolve(torch::nn::Conv2d& conv, const torch::Tensor& x);
torch::Tensor multiply(torch::nn::Linear& linear, const torch::Tensor& x);

// dropout(x) of x [batch, values] with draws that depend on one number of LibTorch's generator and on a photo's place in
// the batch of all ranks: every rank draws what one rank would for these photos, and all generators stay alike.
torch::Tensor drop_out(torch::nn::Dropout& dropout, const torch::Tensor& x);

}  // namespace aface
