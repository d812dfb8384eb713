#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "aface/core/across_ranks.h"

namespace aface {

// How the batch that a network is trained on lies in that of all ranks.
struct BatchScope {
  // Batch normalisation takes mean and variance over the batches of all these, as one rank with all of them would. Null: of
  // this rank's own.
  AcrossRanks* statistics = nullptr;
  // Sums over the batch are made in so many parts, which are added pair by pair (core/parts.h): a rank with a part of the
  // batch then gets the bits of the bracket that one rank with all of it computes. 0: as is fastest.
  int parts = 0;
  std::int64_t first_row = 0;  // place of the first photo in the batch of all ranks
};

// While it lives, this thread's networks work in that scope; the backward pass of what was made meanwhile does so too.
class BatchScopeGuard {
 public:
  explicit BatchScopeGuard(const BatchScope& scope);
  ~BatchScopeGuard();
  BatchScopeGuard(const BatchScopeGuard&) = delete;
  BatchScopeGuard& operator=(const BatchScopeGuard&) = delete;

 private:
  BatchScope before_;
};

// That of the guard that lives on this thread; the defaults without one.
const BatchScope& batch_scope();

// The rows of x [batch, ...] part by part, as views; one part where the batch has fewer rows.
std::vector<at::Tensor> parts_of(const at::Tensor& x, int parts);
// Changes the first of them.
at::Tensor sum_in_pairs(std::vector<at::Tensor> tensors);

}  // namespace aface
