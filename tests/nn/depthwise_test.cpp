#include "aface/nn/depthwise.h"

#include <gtest/gtest.h>
#include <torch/autograd.h>

#include <string>

#include "aface/nn/layers.h"

namespace aface {
namespace {

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;

double relative_error(const torch::Tensor& value, const torch::Tensor& expected) {
  return (value.to(at::kDouble) - expected).norm().item<double>() / expected.norm().item<double>();
}

bool is_ours(const torch::Tensor& y) { return y.grad_fn()->name().find("Depthwise") != std::string::npos; }

struct Case {
  std::int64_t channels, groups, stride;
};

torch::nn::Conv2d make_case(const Case& shape) {
  ConvShape conv;
  conv.stride = shape.stride;
  conv.groups = shape.groups;
  torch::manual_seed(3);
  return make_conv(shape.channels, shape.channels, conv);
}

TEST(ConvolveByChannel, IsLibTorchsConvolutionInFloat64) {
  for (const Case& shape : {Case{12, 12, 1}, {12, 12, 2}, {12, 6, 1}, {12, 6, 2}}) {
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      SCOPED_TRACE(std::to_string(shape.groups) + " groups, stride " + std::to_string(shape.stride));
      const double tolerance = type == at::kFloat ? 1e-6 : 4e-3;
      torch::nn::Conv2d conv = make_case(shape), exact = make_case(shape);
      exact->to(at::kDouble);
      conv->weight.set_data(conv->weight.detach().contiguous(kChannelsLast));
      const torch::Tensor x =
          torch::randn({3, 12, 9, 10}).to(type).contiguous(kChannelsLast).requires_grad_();
      const torch::Tensor x_exact = x.detach().to(at::kDouble).requires_grad_();
      const torch::Tensor y = convolve_by_channel(conv, x), y_exact = exact(x_exact);
      EXPECT_TRUE(is_ours(y));
      EXPECT_EQ(y.sizes(), y_exact.sizes());
      EXPECT_TRUE(y.is_contiguous(kChannelsLast));
      EXPECT_LT(relative_error(y, y_exact), tolerance);
      const torch::Tensor direction = torch::randn(y.sizes()).to(type);
      y.backward(direction);
      y_exact.backward(direction.to(at::kDouble));
      EXPECT_LT(relative_error(x.grad(), x_exact.grad()), tolerance);
      EXPECT_LT(relative_error(conv->weight.grad(), exact->weight.grad()), 1e-6);
    }
  }
}

TEST(ConvolveByChannel, OtherConvolutionsAndLayoutsAreLeftToLibTorch) {
  torch::nn::Conv2d by_channel = make_case({12, 12, 1}), mixing = make_case({12, 1, 1}),
                    by_three = make_case({12, 4, 1});
  const torch::Tensor x = torch::randn({2, 12, 5, 5});
  EXPECT_FALSE(is_ours(convolve_by_channel(by_channel, x)));
  EXPECT_FALSE(is_ours(convolve_by_channel(mixing, x.contiguous(kChannelsLast))));
  EXPECT_FALSE(is_ours(convolve_by_channel(by_three, x.contiguous(kChannelsLast))));
}

}  // namespace
}  // namespace aface
