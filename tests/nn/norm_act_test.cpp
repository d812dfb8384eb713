#include "aface/nn/norm_act.h"

#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/utils.h>

#include <map>
#include <string>

#include "aface/core/error.h"
#include "aface/nn/backbone.h"
#include "aface/nn/plain_operations.h"
#include "aface/nn/torch_compat.h"

namespace aface {
namespace {

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;

// Distance over the length of what is expected.
double relative_error(const torch::Tensor& value, const torch::Tensor& expected) {
  const torch::Tensor exact = expected.to(at::kDouble);
  return (value.to(at::kDouble) - exact).norm().item<double>() / (exact.norm().item<double>() + 1e-30);
}

// One way to call a layer, and its tensors.
struct Layer {
  using Forward = torch::Tensor (*)(torch::nn::BatchNorm2d&, PRelu&, const torch::Tensor&,
                                    const torch::Tensor&);
  std::string name;
  Forward forward;
};

std::vector<Layer> every_layer() {
  using torch::Tensor;
  return {
      {"norm", [](auto& norm, PRelu&, const Tensor& x, const Tensor&) { return batch_norm(norm, x); }},
      {"prelu", [](auto& norm, PRelu& prelu, const Tensor& x,
                   const Tensor&) { return batch_norm_prelu(norm, prelu, x); }},
      {"relu", [](auto& norm, PRelu&, const Tensor& x, const Tensor&) { return batch_norm_relu(norm, x); }},
      {"add", [](auto& norm, PRelu&, const Tensor& x,
                 const Tensor& added) { return batch_norm_add(norm, x, added); }},
      {"add_relu", [](auto& norm, PRelu&, const Tensor& x, const Tensor& added) {
         return batch_norm_add_relu(norm, x, added);
       }}};
}

// What a forward and a backward pass leave behind, by name; the same numbers go in for every layout and type.
std::map<std::string, torch::Tensor> outcome(const Layer& layer, bool training, at::ScalarType type,
                                             bool channels_last, std::int64_t side = 9) {
  torch::manual_seed(9);
  constexpr std::int64_t kChannels = 21;
  torch::nn::BatchNorm2d norm = make_batch_norm(kChannels);
  PRelu prelu(kChannels);
  const auto draw = [&](torch::Tensor numbers) {
    numbers = numbers.to(type);
    return channels_last && numbers.dim() == 4 ? numbers.contiguous(kChannelsLast) : numbers;
  };
  const torch::Tensor x = draw(torch::randn({5, kChannels, side, 7}) * 2 + 1).requires_grad_();
  const torch::Tensor added = draw(torch::randn({5, kChannels, side, 7})).requires_grad_();
  const torch::Tensor direction = draw(torch::randn({5, kChannels, side, 7}));
  norm->weight.data().copy_(torch::randn({kChannels}));
  norm->bias.data().copy_(torch::randn({kChannels}));
  norm->running_mean.copy_(torch::randn({kChannels}));
  norm->running_var.copy_(torch::rand({kChannels}) + 0.5);
  prelu->weight().data().copy_(torch::randn({kChannels}));
  // Under autocast, parameters stay float32.
  norm->to(type == at::kBFloat16 ? at::kFloat : type);
  prelu->to(type == at::kBFloat16 ? at::kFloat : type);
  norm->train(training);

  const torch::Tensor y = layer.forward(norm, prelu, x, added);
  y.backward(direction);
  std::map<std::string, torch::Tensor> result = {{"y", y.detach()},
                                                 {"x", x.grad()},
                                                 {"added", added.grad()},
                                                 {"gamma", norm->weight.grad()},
                                                 {"beta", norm->bias.grad()},
                                                 {"slope", prelu->weight().grad()},
                                                 {"running_mean", norm->running_mean},
                                                 {"running_var", norm->running_var},
                                                 {"batches", norm->num_batches_tracked}};
  return result;
}

TEST(NormAct, FusedLayersAreLibTorchsOnesInFloat64) {
  for (const Layer& layer : every_layer()) {
    for (const bool training : {true, false}) {
      const auto exact = outcome(layer, training, at::kDouble, false);
      const auto fused = outcome(layer, training, at::kFloat, true);
      for (const auto& [name, expected] : exact) {
        SCOPED_TRACE(layer.name + (training ? " training: " : " evaluation: ") + name);
        ASSERT_EQ(fused.at(name).defined(), expected.defined());
        if (!expected.defined()) continue;
        EXPECT_EQ(fused.at(name).sizes(), expected.sizes());
        EXPECT_LT(relative_error(fused.at(name), expected), 1e-6);
      }
    }
  }
}

// bfloat16 has 8 bits: a number is off by up to 1/256 of itself, at random, and some change sides at the
// ReLU.
TEST(NormAct, InBfloat16OnlyInputAndOutputAreRounded) {
  for (const Layer& layer : every_layer()) {
    const auto exact = outcome(layer, true, at::kDouble, false);
    const auto fused = outcome(layer, true, at::kBFloat16, true);
    for (const auto& [name, expected] : exact) {
      if (!expected.defined()) continue;
      SCOPED_TRACE(layer.name + ": " + name);
      EXPECT_LT(relative_error(fused.at(name), expected), 2.5e-2);
    }
    EXPECT_EQ(fused.at("y").scalar_type(), at::kBFloat16);
    EXPECT_EQ(fused.at("gamma").scalar_type(), at::kFloat);
  }
}

TEST(NormAct, FusedLayersKeepTheLayoutAndNameTheirOwnGradient) {
  torch::nn::BatchNorm2d norm = make_batch_norm(4);
  const torch::Tensor x = torch::randn({2, 4, 3, 3});
  const torch::Tensor fused = batch_norm_relu(norm, x.contiguous(kChannelsLast));
  EXPECT_TRUE(fused.is_contiguous(kChannelsLast));
  EXPECT_NE(fused.grad_fn()->name().find("FusedNormAct"), std::string::npos) << fused.grad_fn()->name();
  for (const torch::Tensor& other : {x, x.to(at::kDouble).contiguous(kChannelsLast)}) {
    norm->to(other.scalar_type());
    EXPECT_EQ(batch_norm_relu(norm, other).grad_fn()->name().find("FusedNormAct"), std::string::npos);
  }
  norm->to(at::kFloat);
  const PlainOperationsGuard plain;
  EXPECT_EQ(batch_norm_relu(norm, x.contiguous(kChannelsLast)).grad_fn()->name().find("FusedNormAct"),
            std::string::npos);
}

TEST(NormAct, NothingIsRecordedWhereNoGradientIsWanted) {
  torch::nn::BatchNorm2d norm = make_batch_norm(4);
  const torch::Tensor x = torch::randn({2, 4, 3, 3}).contiguous(kChannelsLast);
  {
    const torch::NoGradGuard no_grad;
    EXPECT_FALSE(batch_norm(norm, x).requires_grad());
  }
  const c10::InferenceMode inference;
  norm->eval();
  EXPECT_LT(relative_error(batch_norm(norm, x), norm(x)), 1e-6);
}

TEST(NormAct, TheNumberOfThreadsChangesNoBit) {
  const Layer layer = every_layer()[4];
  const auto one = outcome(layer, true, at::kFloat, true, 48);
  for (const int threads : {2, 3}) {
    set_torch_threads(threads);
    const auto other = outcome(layer, true, at::kFloat, true, 48);
    set_torch_threads(1);
    for (const auto& [name, value] : one) {
      if (!value.defined()) continue;
      EXPECT_TRUE(torch::equal(value, other.at(name))) << name;
    }
  }
}

// One value a channel has no variance: LibTorch's own error, whatever the layout.
TEST(NormAct, TrainingOnOneValueAChannelIsRefusedAsLibTorchRefusesIt) {
  torch::nn::BatchNorm2d norm = make_batch_norm(4);
  EXPECT_THROW(batch_norm(norm, torch::randn({1, 4, 1, 1})), c10::Error);
}

TEST(NormAct, ASecondDerivativeIsRefused) {
  torch::nn::BatchNorm2d norm = make_batch_norm(4);
  const torch::Tensor x = torch::randn({2, 4, 3, 3}).contiguous(kChannelsLast).requires_grad_();
  const torch::Tensor loss = batch_norm(norm, x).pow(2).sum();
  EXPECT_THROW(torch::autograd::grad({loss}, {x}, {}, /*retain_graph=*/true, /*create_graph=*/true), Error);
}

class FusedBackbone : public ::testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Registry, FusedBackbone,
                         ::testing::Values("iresnet18", "mobilefacenet", "small_resnet", "tiny_cnn"),
                         [](const auto& info) { return info.param; });

// Outputs, gradients and running statistics of a whole net after one pass.
std::map<std::string, torch::Tensor> pass_through(const std::string& kind, at::ScalarType type, bool plain) {
  torch::manual_seed(6);
  BackboneOptions options;
  options.kind = kind;
  options.input_size = 64;
  options.embedding_dim = 24;
  options.width = 8;
  const auto net = make_backbone(options);
  const torch::Tensor chips = (torch::rand({16, 3, 64, 64}) * 2 - 1).to(type).contiguous(kChannelsLast);
  const torch::Tensor direction = torch::randn({16, 24}).to(type);
  net->to(type);
  to_channels_last(*net);
  std::optional<PlainOperationsGuard> plain_operations;
  if (plain) plain_operations.emplace();
  const torch::Tensor embeddings = net->forward(chips);
  embeddings.backward(direction);
  std::map<std::string, torch::Tensor> result = {{"embeddings", embeddings.detach()}};
  for (const auto& item : net->named_parameters()) {
    if (item.value().requires_grad()) result["gradient of " + item.key()] = item.value().grad();
  }
  for (const auto& item : net->named_buffers()) result[item.key()] = item.value();
  net->eval();
  const torch::NoGradGuard no_grad;
  result["embeddings in evaluation"] = net->forward(chips);
  return result;
}

// Rounding grows through the layers, so the yardstick is float64: the fused pass is as near to it as
// LibTorch's own operations in float32 are, and both are near.
TEST_P(FusedBackbone, IsAsNearToFloat64AsLibTorchsOperations) {
  const auto exact = pass_through(GetParam(), at::kDouble, true);
  const auto eager = pass_through(GetParam(), at::kFloat, true);
  const auto fused = pass_through(GetParam(), at::kFloat, false);
  for (const auto& [name, expected] : exact) {
    const double eager_error = relative_error(eager.at(name), expected),
                 error = relative_error(fused.at(name), expected);
    EXPECT_LT(error, 1e-5 + 3 * eager_error) << name;
    EXPECT_LT(relative_error(fused.at(name), eager.at(name)), 1e-5 + 4 * eager_error) << name;
  }
}

}  // namespace
}  // namespace aface
