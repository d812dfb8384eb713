#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "aface/data/batch_loader.h"
#include "aface/ranks/communicator.h"

namespace aface {

// A step's batch is dealt to the ranks in pieces of its plan, as even as can be: rank r loads and embeds
// piece r. The head classifies the whole batch on every rank.
BatchPlan piece_of(const BatchPlan& plan, const Communicator* ranks);

// The whole batch as the head sees it: what all ranks have, in the order of the plan, without photos that
// could not be read.
struct WholeBatch {
  std::vector<std::int64_t> sample_ids, identities;
  at::Tensor embeddings;  // [samples, dim]; a leaf that requires grad: the head's backward pass ends there
  bool stop = false;      // some rank has been asked to stop

  // Where each came from: place among size() * slots rows, of which each rank has `slots`, not all of them
  // filled.
  std::vector<std::int64_t> places;
  std::int64_t slots = 0;
};

// `identities` of every sample id of the data; `embeddings` [batch.count(), dim] of this rank's piece.
// `ranks` null: alone.
WholeBatch gather_batch(const Batch& batch, const at::Tensor& embeddings,
                        const std::vector<std::int64_t>& identities, std::int64_t batch_size, bool stop,
                        Communicator* ranks);

// After the head's backward pass: the rest of it, through this rank's network.
void spread_gradient(const WholeBatch& whole, const at::Tensor& embeddings, Communicator* ranks);

}  // namespace aface
