#include "bench/fused_head_step.h"

#include <ATen/Functions.h>

#include <numeric>

#include "aface/core/stopwatch.h"

namespace aface::bench {
FusedHeadStep::FusedHeadStep(std::int64_t num_identities, std::int64_t dim, const HeadOptions& options)
    : everyone_(static_cast<std::size_t>(num_identities)),
      table_(make_flat_prototypes(num_identities, dim, /*seed=*/1, PrototypeOptions())),
      head_(make_head(options, num_identities, at::kCPU)) {
  std::iota(everyone_.begin(), everyone_.end(), 0);
}

at::Tensor FusedHeadStep::prototypes() { return table_->activate(everyone_); }

Laps FusedHeadStep::step(const at::Tensor& embeddings, const at::Tensor& identities, double rate) {
  Laps ms;
  HeadInput input;
  input.embeddings = embeddings.detach().requires_grad_(true);
  Stopwatch watch;
  input.prototypes = table_->activate(everyone_);
  input.active_ids = at::arange(static_cast<std::int64_t>(everyone_.size()), at::kLong);
  input.targets = identities;
  const HeadOutput output = head_->forward(input);
  loss_ = output.loss.item<double>();
  filter_ = output.filter;
  ms["forward"] = watch.lap_ms();
  output.loss.backward();
  ms["backward"] = watch.lap_ms();
  table_->step(rate, output.prototype_gradient);
  head_->update(0, 1.0);
  ms["update"] = watch.lap_ms();
  embedding_gradient_ = input.embeddings.grad();
  return ms;
}

}  // namespace aface::bench
