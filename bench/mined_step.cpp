#include "bench/mined_step.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "aface/core/named_arrays.h"
#include "aface/core/random.h"
#include "aface/core/stopwatch.h"

namespace aface::bench {
namespace {

constexpr std::int64_t kNever = 1LL << 40;

at::Tensor tensor_of(const std::vector<std::int64_t>& values) { return at::tensor(values, at::kLong); }

RowMatrix view_rows(const at::Tensor& matrix) {
  return {matrix.data_ptr<float>(), static_cast<std::size_t>(matrix.size(0)), static_cast<std::size_t>(matrix.size(1))};
}

MinerOptions miner_options(const MinedStepOptions& options) {
  MinerOptions result;
  result.kind = "dominant_queue";
  result.budget = options.budget;
  result.queue_length = options.queue_length;
  result.rebuild_steps = kNever;
  return result;
}

HeadOptions head_options(const MinedStepOptions& options) {
  HeadOptions result;
  result.precision = options.precision;
  return result;
}

PrototypeOptions prototype_options() {
  PrototypeOptions result;
  result.threads = at::get_num_threads();
  return result;
}

}  // namespace

MinedStep::MinedStep(std::int64_t num_identities, std::int64_t dim, std::uint64_t seed, const MinedStepOptions& options)
    : selector_(make_class_selector(miner_options(options), num_identities, seed, at::get_num_threads())),
      prototypes_(make_flat_prototypes(num_identities, dim, seed, prototype_options())),
      head_(make_head(head_options(options), num_identities, at::kCPU)) {
  fill_queues(seed, options);
}

void MinedStep::fill_queues(std::uint64_t seed, const MinedStepOptions& options) {
  const auto length = static_cast<std::size_t>(options.queue_length);
  const auto owners = static_cast<std::size_t>(num_identities());
  std::vector<std::int32_t> ids(owners * length);
  std::vector<float> similarities(owners * length);
  Random random(seed);
  for (std::size_t owner = 0; owner < owners; ++owner) {
    for (std::size_t i = 0; i < length; ++i) {
      // In equal shares of all other identities, so that none is twice in a queue.
      const auto share = (num_identities() - 1) / options.queue_length;
      const std::int64_t ahead = 1 + static_cast<std::int64_t>(i) * share + random.below(share);
      ids[owner * length + i] = static_cast<std::int32_t>((static_cast<std::int64_t>(owner) + ahead) % num_identities());
      similarities[owner * length + i] = 0.5F - 0.001F * static_cast<float>(i);
    }
  }
  NamedArrays state;
  selector_->save(state);
  state.put("miner.queue_lengths", std::vector<std::int32_t>(owners, static_cast<std::int32_t>(length)));
  state.put("miner.queue_ids", ids);
  state.put("miner.queue_admitted", std::vector<std::uint8_t>(ids.size(), 0));
  state.put("miner.queue_similarities", similarities);
  state.put_scalar<std::int64_t>("miner.last_rebuild", 0);
  selector_->restore(state);
}

at::Tensor MinedStep::rows(const std::vector<std::int64_t>& ids) {
  std::vector<std::int64_t> ascending(ids);
  std::sort(ascending.begin(), ascending.end());
  ascending.erase(std::unique(ascending.begin(), ascending.end()), ascending.end());
  const at::Tensor rows = prototypes_->activate(ascending).detach();
  std::vector<std::int64_t> places;
  for (const std::int64_t id : ids) {
    places.push_back(std::lower_bound(ascending.begin(), ascending.end(), id) - ascending.begin());
  }
  return rows.index_select(0, tensor_of(places));
}

Laps MinedStep::step(const at::Tensor& embeddings, const std::vector<std::int64_t>& identities, double rate) {
  Laps ms;
  Stopwatch watch;
  SelectionRequest request;
  request.step = step_;
  request.identities = identities;
  const std::vector<std::int64_t> active = selector_->select(request);
  active_rows_ = static_cast<std::int64_t>(active.size());
  std::vector<std::int64_t> places;
  for (const std::int64_t identity : identities) {
    places.push_back(std::lower_bound(active.begin(), active.end(), identity) - active.begin());
  }
  ms["select"] = watch.lap_ms();

  HeadInput input;
  input.embeddings = embeddings;
  input.prototypes = prototypes_->activate(active);
  input.active_ids = tensor_of(active);
  input.targets = tensor_of(places);
  input.step = step_;
  input.want_rivals = true;
  ms["gather"] = watch.lap_ms();

  const HeadOutput output = head_->forward(input);
  output.loss.backward();
  ms["head"] = watch.lap_ms();

  ScoreFeedback feedback;
  feedback.step = step_;
  feedback.identities = identities;
  feedback.active_ids = active;
  feedback.rivals = &output.rivals;
  feedback.prototypes = view_rows(input.prototypes);
  feedback.inverse_lengths = output.inverse_lengths;
  selector_->take_feedback(feedback);
  ms["feedback"] = watch.lap_ms();

  prototypes_->step(rate, output.prototype_gradient);
  ms["update"] = watch.lap_ms();
  head_->update(step_, 1.0);
  ms["margins"] = watch.lap_ms();
  ++step_;
  return ms;
}

}  // namespace aface::bench
