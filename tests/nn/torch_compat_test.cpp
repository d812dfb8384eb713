#include "aface/nn/torch_compat.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/optim/sgd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "aface/core/parallel.h"

namespace aface {
namespace {

at::Tensor product() { return torch::ones({4, 4}).matmul(torch::ones({4, 4})); }

TEST(AutocastGuard, TurnsBfloat16OnOffAndBack) {
  EXPECT_EQ(product().scalar_type(), at::kFloat);
  {
    const AutocastGuard on(at::kCPU, true);
    EXPECT_EQ(product().scalar_type(), at::kBFloat16);
    {
      const AutocastGuard off(at::kCPU, false);
      EXPECT_EQ(product().scalar_type(), at::kFloat);
    }
    EXPECT_EQ(product().scalar_type(), at::kBFloat16);
  }
  EXPECT_EQ(product().scalar_type(), at::kFloat);
  {
    const AutocastGuard off(at::kCPU, false);
    EXPECT_EQ(product().scalar_type(), at::kFloat);
  }
}

// Casts of weights are cached: an update between two guarded regions must be seen by the second.
TEST(AutocastGuard, SeesWeightsChangedBetweenTwoRegions) {
  at::Tensor weight = torch::ones({4, 4}, torch::requires_grad());
  const at::Tensor x = torch::ones({4, 4});
  const auto run = [&] {
    const AutocastGuard on(at::kCPU, true);
    return x.matmul(weight).detach().to(at::kFloat);
  };
  EXPECT_EQ(run()[0][0].item<float>(), 4);
  {
    torch::NoGradGuard no_grad;
    weight.mul_(3);
  }
  EXPECT_EQ(run()[0][0].item<float>(), 12);
}

// One step on the loss sum(w * w) / 2, whose gradient is w.
void step(torch::optim::SGD& sgd, at::Tensor& w) {
  sgd.zero_grad();
  (w * w).sum().div(2).backward();
  sgd.step();
}

torch::optim::SGDOptions rate_and_momentum() { return torch::optim::SGDOptions(0.5).momentum(0.5); }

TEST(MomentumBuffer, IsUndefinedBeforeTheFirstStepAndThenSgds) {
  at::Tensor w = torch::full({2}, 8.0F, torch::requires_grad());
  torch::optim::SGD sgd(std::vector<at::Tensor>{w}, rate_and_momentum());
  EXPECT_FALSE(momentum_buffer(sgd, w).defined());
  step(sgd, w);  // v = 8, w = 8 - 4 = 4
  EXPECT_TRUE(torch::equal(momentum_buffer(sgd, w), torch::full({2}, 8.0F)));
  step(sgd, w);  // v = 4 + 4 = 8, w = 4 - 4 = 0
  EXPECT_TRUE(torch::equal(momentum_buffer(sgd, w), torch::full({2}, 8.0F)));
  EXPECT_TRUE(torch::equal(w.detach(), torch::zeros({2})));
}

TEST(MomentumBuffer, CarriedOverToAnotherOptimiserContinuesTheSame) {
  at::Tensor w = torch::full({2}, 8.0F, torch::requires_grad());
  torch::optim::SGD sgd(std::vector<at::Tensor>{w}, rate_and_momentum());
  step(sgd, w);
  at::Tensor copy = w.detach().clone().requires_grad_();
  torch::optim::SGD resumed(std::vector<at::Tensor>{copy}, rate_and_momentum());
  set_momentum_buffer(resumed, copy, momentum_buffer(sgd, w).clone());
  for (int i = 0; i < 3; ++i) {
    step(sgd, w);
    step(resumed, copy);
  }
  EXPECT_TRUE(torch::equal(w.detach(), copy.detach()));
  set_momentum_buffer(resumed, copy, {});
  EXPECT_FALSE(momentum_buffer(resumed, copy).defined());
  set_momentum_buffer(resumed, copy, {});  // nothing to forget
}

TEST(TorchThreads, AreSet) {
  set_torch_threads(1);
  EXPECT_EQ(at::get_num_threads(), 1);
  set_torch_threads(0);
  EXPECT_EQ(at::get_num_threads(), hardware_threads());
  set_torch_threads(1);
}

}  // namespace
}  // namespace aface
