#include "aface/nn/layers.h"

#include <torch/nn/init.h>

#include <cmath>
#include <functional>

namespace aface {
namespace {

template <class Init>
void for_each_conv(torch::nn::Module& net, const Init& init) {
  torch::NoGradGuard no_grad;
  for (const auto& module : net.modules(/*include_self=*/false)) {
    if (auto* conv = module->as<torch::nn::Conv2d>()) {
      init(conv->weight);
      if (conv->bias.defined()) conv->bias.zero_();
    }
  }
}

}  // namespace

torch::nn::Conv2d make_conv(std::int64_t in, std::int64_t out, const ConvShape& shape) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, shape.kernel)
                               .stride(shape.stride)
                               .padding(shape.padding)
                               .groups(shape.groups)
                               .bias(shape.bias));
}

torch::nn::BatchNorm2d make_batch_norm(std::int64_t channels) {
  return torch::nn::BatchNorm2d(torch::nn::BatchNorm2dOptions(channels).eps(1e-5).momentum(0.1));
}

torch::nn::BatchNorm1d make_feature_norm(std::int64_t channels) {
  return torch::nn::BatchNorm1d(torch::nn::BatchNorm1dOptions(channels).eps(1e-5).momentum(0.1));
}

PReluImpl::PReluImpl(std::int64_t channels)
    : weight_(register_parameter("weight", torch::full({channels}, 0.25))) {}

torch::Tensor PReluImpl::forward(const torch::Tensor& x) { return at::prelu(x, weight_.to(x.scalar_type())); }

void init_conv_normal(torch::nn::Module& net, double deviation) {
  for_each_conv(net, [&](torch::Tensor& weight) { torch::nn::init::normal_(weight, 0.0, deviation); });
}

void init_conv_kaiming(torch::nn::Module& net) {
  for_each_conv(net, [](torch::Tensor& weight) {
    torch::nn::init::kaiming_normal_(weight, 0.0, torch::kFanOut, torch::kReLU);
  });
}

torch::Tensor flatten_as(const torch::Tensor& x, const torch::Tensor& weight) {
  return x.flatten(1).to(weight.scalar_type());
}

}  // namespace aface
