#include "aface/nn/torch_compat.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <gtest/gtest.h>
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

TEST(TorchThreads, AreSet) {
  set_torch_threads(1);
  EXPECT_EQ(at::get_num_threads(), 1);
  set_torch_threads(0);
  EXPECT_EQ(at::get_num_threads(), hardware_threads());
  set_torch_threads(1);
}

TEST(TorchThreads, ThoseOfOpenBlasAreTheSame) {
  const auto threads = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "openblas_get_num_threads"));
  if (threads == nullptr) GTEST_SKIP() << "this LibTorch multiplies by something else than OpenBLAS";
  const int before = at::get_num_threads();
  set_torch_threads(1);
  EXPECT_EQ(threads(), 1);
  EXPECT_EQ(at::get_num_threads(), 1);
  set_torch_threads(before);
}

}  // namespace
}  // namespace aface
