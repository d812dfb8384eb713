#pragma once

#include <torch/optim/sgd.h>

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

#include "bench/laps.h"

namespace aface::bench {

// The peer: the whole adaptive-margin softmax operation by operation in LibTorch, as PyTorch code of the field writes it:
// normalize, linear, clamp, margin off the own logit, scale, cross entropy, backward, torch::optim::SGD with momentum and
// decay over all prototypes.
class PlainHeadStep {
 public:
  PlainHeadStep(std::int64_t num_identities, std::int64_t dim, double margin, double logit_scale);

  // Copies the rows that both sides start from.
  void set_prototypes(const float* rows);

  // One step; fills embedding_gradient(). Milliseconds of "forward", "backward" and "update".
  Laps step(const at::Tensor& embeddings, const at::Tensor& identities, double rate);

  double loss() const { return loss_; }
  const at::Tensor& prototypes() const { return weight_; }
  const at::Tensor& embedding_gradient() const { return embedding_gradient_; }

 private:
  double margin_, logit_scale_;
  at::Tensor weight_;   // [num_identities, dim] leaf
  at::Tensor margins_;  // [num_identities] leaf
  at::Tensor embedding_gradient_;
  double loss_ = 0;
  std::unique_ptr<torch::optim::SGD> optimizer_;
};

}  // namespace aface::bench
