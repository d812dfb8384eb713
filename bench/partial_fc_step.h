#pragma once

#include <torch/optim/sgd.h>

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

#include "bench/laps.h"

namespace aface::bench {

struct PartialFcOptions {
  double sample_rate = 0.1;
  double margin = 0.35;  // cosine form: the one of its two that costs less, as the other takes arc cosines of all logits
  double logit_scale = 32;
  double momentum = 0.9;
  double weight_decay = 5e-4;
};

// The peer: a Partial FC classification layer (An et al., CVPR 2022) operation by operation in LibTorch, in the order and
// with the numbers of passes of InsightFace's arcface_torch on one machine, in float32: all classes draw a number, the
// highest and the batch's own are sampled, their rows gathered and normalised, one matrix product, margin, a softmax with
// its backward pass written by hand, and torch::optim::SGD over the whole table. Where PyTorch versions differ it takes
// the faster: rows by index_select (whose backward adds rows in parallel), gradients released and not zeroed.
class PartialFcStep {
 public:
  PartialFcStep(std::int64_t num_identities, std::int64_t dim, std::uint64_t seed, PartialFcOptions options);

  // Classifies embeddings [batch, dim] of `identities` [batch] int64, both gradients and the table's update.
  // Milliseconds of "sample", "forward", "backward" and "update".
  Laps step(const at::Tensor& embeddings, const at::Tensor& identities, double rate);

 private:
  PartialFcOptions options_;
  at::Tensor weight_;  // [num_identities, dim] leaf
  std::unique_ptr<torch::optim::SGD> optimizer_;
};

}  // namespace aface::bench
