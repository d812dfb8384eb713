#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "aface/head/head.h"
#include "aface/head/prototypes.h"
#include "aface/mining/class_selector.h"
#include "bench/laps.h"

namespace aface::bench {

struct MinedStepOptions {
  std::int64_t budget = 10000;
  std::int64_t queue_length = 39;
  std::string precision = "exact";
};

// What a training step does between the embeddings and their gradient, and for the prototypes: dominant queues select,
// the table gathers, the adaptive margin head classifies, the queues learn, rows and margins are updated. Queues start
// full of random identities, so that the rows of a batch lie all over the table.
class MinedStep {
 public:
  MinedStep(std::int64_t num_identities, std::int64_t dim, std::uint64_t seed, const MinedStepOptions& options);

  std::int64_t num_identities() const { return prototypes_->num_identities(); }
  // Raw prototypes of `ids` as they are, [ids.size(), dim].
  at::Tensor rows(const std::vector<std::int64_t>& ids);

  // Embeddings [batch, dim] that require grad, of `identities` [batch]. Milliseconds of "select", "gather", "head",
  // "feedback", "update" and "margins".
  Laps step(const at::Tensor& embeddings, const std::vector<std::int64_t>& identities, double rate);
  std::int64_t active_rows() const { return active_rows_; }

 private:
  void fill_queues(std::uint64_t seed, const MinedStepOptions& options);

  std::unique_ptr<ClassSelector> selector_;
  std::unique_ptr<Prototypes> prototypes_;
  std::unique_ptr<Head> head_;
  std::int64_t step_ = 0;
  std::int64_t active_rows_ = 0;
};

}  // namespace aface::bench
