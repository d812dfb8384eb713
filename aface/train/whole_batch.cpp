#include "aface/train/whole_batch.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "aface/core/check.h"
#include "aface/core/shard.h"

namespace aface {
namespace {

std::int64_t slots_of(std::int64_t batch_size, int ranks) { return (batch_size + ranks - 1) / ranks; }

// All rows of `count` kinds are used: no need to pick them.
bool is_complete(const WholeBatch& whole, int ranks) {
  return static_cast<std::int64_t>(whole.places.size()) == whole.slots * ranks;
}

}  // namespace

BatchPlan piece_of(const BatchPlan& plan, const Communicator* ranks) {
  if (ranks == nullptr) return plan;
  const Shard mine =
      shard_of(static_cast<std::int64_t>(plan.sample_ids.size()), ranks->rank(), ranks->size());
  return {plan.step, {plan.sample_ids.begin() + mine.first, plan.sample_ids.begin() + mine.end}};
}

WholeBatch gather_batch(const Batch& batch, const at::Tensor& embeddings,
                        const std::vector<std::int64_t>& identities, std::int64_t batch_size, bool stop,
                        Communicator* ranks) {
  WholeBatch whole;
  if (ranks == nullptr) {
    whole.sample_ids = batch.sample_ids;
    whole.identities = batch.identities;
    whole.embeddings = embeddings.detach().requires_grad_(true);
    whole.stop = stop;
    return whole;
  }
  whole.slots = slots_of(batch_size, ranks->size());
  AFACE_CHECK(batch.count() <= whole.slots, "{} samples in {} slots", batch.count(), whole.slots);

  // Sample ids fit into 32 bits (see Sampler); the last number is whether to stop.
  const at::Tensor mine = at::full({whole.slots + 1}, -1, at::kInt);
  for (std::int64_t i = 0; i < batch.count(); ++i) {
    mine.data_ptr<std::int32_t>()[i] =
        static_cast<std::int32_t>(batch.sample_ids[static_cast<std::size_t>(i)]);
  }
  mine.data_ptr<std::int32_t>()[whole.slots] = stop ? 1 : 0;
  const at::Tensor all = ranks->gather_rows(mine, "the batch's sample ids");
  for (int rank = 0; rank < ranks->size(); ++rank) {
    const std::int32_t* theirs = all.data_ptr<std::int32_t>() + rank * (whole.slots + 1);
    for (std::int64_t i = 0; i < whole.slots && theirs[i] >= 0; ++i) {
      whole.sample_ids.push_back(theirs[i]);
      whole.identities.push_back(identities[static_cast<std::size_t>(theirs[i])]);
      whole.places.push_back(rank * whole.slots + i);
    }
    whole.stop = whole.stop || theirs[whole.slots] != 0;
  }

  at::Tensor rows = embeddings.detach();
  if (batch.count() < whole.slots) {
    rows = at::zeros({whole.slots, embeddings.size(1)}, rows.options());
    rows.narrow(0, 0, batch.count()).copy_(embeddings.detach());
  }
  whole.embeddings = ranks->gather_rows(rows, "the embeddings");
  if (!is_complete(whole, ranks->size())) {
    whole.embeddings =
        whole.embeddings.index_select(0, at::tensor(whole.places, at::kLong).to(rows.device()));
  }
  whole.embeddings.requires_grad_(true);
  return whole;
}

void spread_gradient(const WholeBatch& whole, const at::Tensor& embeddings, Communicator* ranks) {
  at::Tensor gradient = whole.embeddings.grad();
  AFACE_CHECK(gradient.defined(), "the head gave the embeddings no gradient");
  if (ranks == nullptr) {
    embeddings.backward(gradient);
    return;
  }
  if (!is_complete(whole, ranks->size())) {
    const at::Tensor spread = at::zeros({whole.slots * ranks->size(), gradient.size(1)}, gradient.options());
    spread.index_copy_(0, at::tensor(whole.places, at::kLong).to(gradient.device()), gradient);
    gradient = spread;
  }
  const at::Tensor mine = ranks->sum_and_scatter_rows(gradient, "the embeddings' gradient");
  embeddings.backward(mine.narrow(0, 0, embeddings.size(0)));
}

}  // namespace aface
