#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "aface/head/head.h"
#include "aface/head/prototypes.h"
#include "bench/laps.h"

namespace aface::bench {

// Ours: the whole adaptive-margin softmax by a Head and the prototype table's own SGD, every prototype active.
class FusedHeadStep {
 public:
  FusedHeadStep(std::int64_t num_identities, std::int64_t dim, const HeadOptions& options);

  // One step; fills embedding_gradient(). Milliseconds of "forward", "backward" and "update" (with the prototypes'
  // gradient, which is made there).
  Laps step(const at::Tensor& embeddings, const at::Tensor& identities, double rate);

  double loss() const { return loss_; }
  const FilterReport& filter() const { return filter_; }
  const at::Tensor& embedding_gradient() const { return embedding_gradient_; }
  // The table itself, [num_identities, dim].
  at::Tensor prototypes();

 private:
  std::vector<std::int64_t> everyone_;
  std::unique_ptr<Prototypes> table_;
  std::unique_ptr<Head> head_;
  at::Tensor embedding_gradient_;
  double loss_ = 0;
  FilterReport filter_;
};

}  // namespace aface::bench
