#pragma once

#include <torch/nn/modules/batchnorm.h>

#include "aface/core/across_ranks.h"

namespace aface {

// While it lives, batch normalisation that this thread trains takes mean and variance over the batches of all
// ranks together, as one rank with all of them would; the backward pass of what was made meanwhile does so
// too. Null: of each rank's own, which is also so where none lives.
class SharedStatisticsGuard {
 public:
  explicit SharedStatisticsGuard(AcrossRanks* ranks);
  ~SharedStatisticsGuard();
  SharedStatisticsGuard(const SharedStatisticsGuard&) = delete;
  SharedStatisticsGuard& operator=(const SharedStatisticsGuard&) = delete;

 private:
  AcrossRanks* before_;
};

// Those of the guard that lives on this thread; null without one.
AcrossRanks* statistics_ranks();

// Batch normalisation by LibTorch's operations, x [batch, channels, ...] in any layout and on any device;
// with the statistics of all ranks where the guard says so and the layer trains. As LibTorch's own it moves
// the running statistics.
torch::Tensor plain_norm(torch::nn::BatchNorm1d& norm, const torch::Tensor& x);
torch::Tensor plain_norm(torch::nn::BatchNorm2d& norm, const torch::Tensor& x);

}  // namespace aface
