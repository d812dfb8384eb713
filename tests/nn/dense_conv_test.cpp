#include "aface/nn/dense_conv.h"

#include <gtest/gtest.h>
#include <torch/autograd.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "aface/core/error.h"
#include "aface/kernel/bf16_conv.h"
#include "aface/nn/backbone.h"
#include "aface/nn/batch_scope.h"
#include "aface/nn/layers.h"
#include "aface/nn/partwise.h"
#include "aface/nn/plain_operations.h"
#include "aface/nn/torch_compat.h"

namespace aface {
namespace {

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;

double relative_error(const torch::Tensor& value, const torch::Tensor& expected) {
  return (value.to(at::kDouble) - expected.to(at::kDouble)).norm().item<double>() /
         expected.to(at::kDouble).norm().item<double>();
}

bool is_ours(const torch::Tensor& y) {
  return y.grad_fn() && y.grad_fn()->name().find("DenseConvolution") != std::string::npos;
}

torch::nn::Conv2d make_case(std::int64_t in, std::int64_t out, std::int64_t stride) {
  ConvShape shape;
  shape.stride = stride;
  torch::manual_seed(3);
  return make_conv(in, out, shape);
}

torch::Tensor image(at::IntArrayRef sizes) {
  return torch::randn(sizes).to(at::kBFloat16).contiguous(kChannelsLast).requires_grad_();
}

class DenseConv : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!can_convolve_bf16({1, 3, 3, 32, 32, 3, 1, 1}))
      GTEST_SKIP() << "this CPU or build has no bfloat16 products";
  }
};

TEST_F(DenseConv, IsLibTorchsConvolutionInFloat64) {
  for (const bool weight_is_channels_last : {false, true}) {
    for (const std::int64_t stride : {1, 2}) {
      for (const std::int64_t batch : {1, 2, 3}) {
        SCOPED_TRACE(std::to_string(batch) + " images, stride " + std::to_string(stride));
        torch::nn::Conv2d conv = make_case(64, 32, stride), exact = make_case(64, 32, stride);
        exact->to(at::kDouble);
        exact->weight.set_data(conv->weight.detach().to(at::kBFloat16).to(at::kDouble));
        if (weight_is_channels_last) conv->weight.set_data(conv->weight.detach().contiguous(kChannelsLast));
        const torch::Tensor x = image({batch, 64, 9, 17});
        const torch::Tensor x_exact = x.detach().to(at::kDouble).requires_grad_();
        torch::Tensor y;
        {
          const AutocastGuard autocast(at::kCPU, true);
          y = convolve(conv, x);
        }
        const torch::Tensor y_exact = exact(x_exact);
        EXPECT_TRUE(is_ours(y));
        EXPECT_EQ(y.sizes(), y_exact.sizes());
        EXPECT_EQ(y.scalar_type(), at::kBFloat16);
        EXPECT_TRUE(y.is_contiguous(kChannelsLast));
        EXPECT_LT(relative_error(y, y_exact), 2.5e-3);
        const torch::Tensor direction = torch::randn(y.sizes()).to(at::kBFloat16);  // not channels last
        y.backward(direction);
        y_exact.backward(direction.to(at::kDouble));
        EXPECT_LT(relative_error(x.grad(), x_exact.grad()), 2.5e-3);
        EXPECT_EQ(conv->weight.grad().scalar_type(), at::kFloat);
        EXPECT_LT(relative_error(conv->weight.grad(), exact->weight.grad()), 1e-6);
      }
    }
  }
}

TEST_F(DenseConv, WithoutGradientsItGivesTheSameAndRecordsNothing) {
  torch::nn::Conv2d conv = make_case(32, 32, 1);
  const torch::Tensor x = image({2, 32, 8, 8});
  const AutocastGuard autocast(at::kCPU, true);
  const torch::Tensor recorded = convolve(conv, x);
  const torch::NoGradGuard no_grad;
  const torch::Tensor y = convolve(conv, x);
  EXPECT_TRUE(torch::equal(y, recorded));
  EXPECT_FALSE(y.requires_grad());
}

TEST_F(DenseConv, AnInputThatWantsNoGradientGetsNone) {
  torch::nn::Conv2d conv = make_case(32, 32, 1);
  const torch::Tensor x = image({2, 32, 8, 8}).detach();
  const AutocastGuard autocast(at::kCPU, true);
  const torch::Tensor y = convolve(conv, x);
  y.sum().backward();
  EXPECT_FALSE(x.grad().defined());
  EXPECT_TRUE(conv->weight.grad().defined());
}

TEST_F(DenseConv, WhatIsNotOursIsLeftToLibTorch) {
  torch::nn::Conv2d conv = make_case(32, 32, 1), odd = make_case(32, 33, 1);
  const torch::Tensor x = image({2, 32, 8, 8});
  EXPECT_FALSE(is_ours(convolve(conv, x.detach().to(at::kFloat))));  // without autocast
  const AutocastGuard autocast(at::kCPU, true);
  EXPECT_TRUE(is_ours(convolve(conv, x)));
  EXPECT_FALSE(is_ours(convolve(conv, x.detach().contiguous())));
  EXPECT_FALSE(is_ours(convolve(conv, x.detach().to(at::kFloat))));
  EXPECT_FALSE(is_ours(convolve(odd, x)));
  ConvShape shape;
  shape.groups = 2;
  torch::nn::Conv2d grouped = make_conv(32, 32, shape);
  EXPECT_FALSE(is_ours(convolve(grouped, x)));
  shape = {};
  shape.bias = true;
  torch::nn::Conv2d biased = make_conv(32, 32, shape);
  EXPECT_FALSE(is_ours(convolve(biased, x)));
  torch::nn::Conv2d mirrored(
      torch::nn::Conv2dOptions(32, 32, 3).padding(1).bias(false).padding_mode(torch::kReflect));
  EXPECT_FALSE(is_ours(convolve(mirrored, x)));
  const PlainOperationsGuard plain;
  EXPECT_FALSE(is_ours(convolve(conv, x)));
}

TEST_F(DenseConv, ASecondDerivativeIsRefused) {
  torch::nn::Conv2d conv = make_case(32, 32, 1);
  const torch::Tensor x = image({1, 32, 5, 5});
  const AutocastGuard autocast(at::kCPU, true);
  const torch::Tensor loss = convolve(conv, x).to(at::kFloat).pow(2).sum();
  EXPECT_THROW(torch::autograd::grad({loss}, {x}, {}, /*retain_graph=*/true, /*create_graph=*/true), Error);
}

TEST_F(DenseConv, AGradientInPartsIsTheSumOfTheirGradients) {
  torch::nn::Conv2d conv = make_case(32, 64, 1);
  const torch::Tensor x = image({8, 32, 7, 7}), direction = torch::randn({8, 64, 7, 7}).to(at::kBFloat16);
  const AutocastGuard autocast(at::kCPU, true);
  const auto gradient = [&](const torch::Tensor& images, const torch::Tensor& dy, int parts) {
    BatchScope scope;
    scope.parts = parts;
    const BatchScopeGuard guard(scope);
    return torch::autograd::grad({convolve(conv, images)}, {conv->weight}, {dy})[0];
  };
  std::vector<torch::Tensor> of_parts;
  for (std::int64_t i = 0; i < 8; i += 2) {
    of_parts.push_back(gradient(x.slice(0, i, i + 2), direction.slice(0, i, i + 2), 1));
  }
  EXPECT_TRUE(torch::equal(gradient(x, direction, 4), sum_in_pairs(of_parts)));
}

// The gradients of a whole net after one pass under autocast.
std::map<std::string, torch::Tensor> gradients(bool bf16, bool plain, int threads) {
  torch::manual_seed(6);
  BackboneOptions options;
  options.kind = "iresnet18";
  options.input_size = 32;
  options.embedding_dim = 24;
  const auto net = make_backbone(options);
  to_channels_last(*net);
  const torch::Tensor chips = (torch::rand({12, 3, 32, 32}) * 2 - 1).contiguous(kChannelsLast);
  const torch::Tensor direction = torch::randn({12, 24});
  set_torch_threads(threads);
  std::map<std::string, torch::Tensor> result;
  {
    std::optional<PlainOperationsGuard> plain_operations;
    if (plain) plain_operations.emplace();
    torch::Tensor embeddings;
    {
      const AutocastGuard autocast(at::kCPU, bf16);
      embeddings = net->forward(chips);
    }
    embeddings.backward(direction);
    result["embeddings"] = embeddings.detach();
  }
  set_torch_threads(1);
  for (const auto& item : net->named_parameters()) {
    if (item.value().requires_grad()) result[item.key()] = item.value().grad();
  }
  return result;
}

TEST_F(DenseConv, AWholeNetInBfloat16IsAsNearToFloat32AsLibTorchsOperations) {
  const auto exact = gradients(false, true, 1), eager = gradients(true, true, 1),
             ours = gradients(true, false, 1);
  double eager_sum = 0, sum = 0;
  for (const auto& [name, expected] : exact) {
    const double error = relative_error(ours.at(name), expected),
                 eager_error = relative_error(eager.at(name), expected);
    EXPECT_LT(error, 0.01 + 1.5 * eager_error) << name;
    eager_sum += eager_error;
    sum += error;
  }
  EXPECT_LT(sum, 1.05 * eager_sum);
}

TEST_F(DenseConv, TheNumberOfThreadsChangesNoGradientOfAConvolution) {
  torch::nn::Conv2d conv = make_case(64, 64, 1);
  const torch::Tensor x = image({5, 64, 14, 14});
  const AutocastGuard autocast(at::kCPU, true);
  const auto run = [&](int threads) {
    set_torch_threads(threads);
    const torch::Tensor y = convolve(conv, x);
    const auto both = torch::autograd::grad({y}, {x, conv->weight}, {torch::ones_like(y)});
    set_torch_threads(1);
    return std::vector<torch::Tensor>{y.detach(), both[0], both[1]};
  };
  const auto one = run(1), two = run(2);
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(torch::equal(one[i], two[i])) << i;
}

}  // namespace
}  // namespace aface
