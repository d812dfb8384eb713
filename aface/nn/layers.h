#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

namespace aface {

struct ConvShape {
  std::int64_t kernel = 3;
  std::int64_t stride = 1;
  std::int64_t padding = 1;
  std::int64_t groups = 1;
  bool bias = false;
};

torch::nn::Conv2d make_conv(std::int64_t in, std::int64_t out, const ConvShape& shape = {});
torch::nn::BatchNorm2d make_batch_norm(std::int64_t channels);   // eps 1e-5, momentum 0.1
torch::nn::BatchNorm1d make_feature_norm(std::int64_t channels);  // the same over [batch, channels]

// y = max(x, 0) + weight[channel] min(x, 0), weights start at 0.25. Unlike torch's own it takes input of another type
// than its weight, as autocast makes it.
class PReluImpl : public torch::nn::Module {
 public:
  explicit PReluImpl(std::int64_t channels);
  torch::Tensor forward(const torch::Tensor& x);
  const torch::Tensor& weight() const { return weight_; }  // [channels]

 private:
  torch::Tensor weight_;
};
TORCH_MODULE(PRelu);

// Convolution weights of the whole net ~ N(0, deviation^2), or Kaiming normal over the fan-out (He et al. 2015,
// variance 2 / (out kernel^2)); biases 0. Other layers are left alone.
void init_conv_normal(torch::nn::Module& net, double deviation);
void init_conv_kaiming(torch::nn::Module& net);

// [batch, ...] to [batch, values] in (channel, row, column) order, in the type of `weight`.
torch::Tensor flatten_as(const torch::Tensor& x, const torch::Tensor& weight);

}  // namespace aface
