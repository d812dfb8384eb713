#include "aface/head/adaptive_margin_head.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "aface/core/check.h"
#include "aface/head/classification.h"

namespace aface {

AdaptiveMarginHead::AdaptiveMarginHead(const HeadOptions& options, std::int64_t num_identities, std::int64_t of_all_ranks)
    : options_(options), of_all_ranks_(of_all_ranks > 0 ? of_all_ranks : num_identities),
      margins_(static_cast<std::size_t>(num_identities), options.margin_init) {}

HeadOutput AdaptiveMarginHead::forward(const HeadInput& input) {
  check_input(input);
  // While they are frozen, the margins that act may still grow.
  const double growth = input.step < options_.margin_warmup_steps
                            ? static_cast<double>(input.step) / static_cast<double>(options_.margin_warmup_steps)
                            : 1.0;
  const at::Tensor active = input.active_ids.to(at::kCPU).contiguous(), rows = input.targets.to(at::kCPU).contiguous();
  const std::int64_t batch = rows.size(0);
  std::vector<std::int64_t> own_ids;  // -1: of another rank
  for (std::int64_t i = 0; i < batch; ++i) {
    const std::int64_t row = rows.data_ptr<std::int64_t>()[i];
    own_ids.push_back(row < 0 ? -1 : active.data_ptr<std::int64_t>()[row]);
  }
  at::Tensor own_margins = at::zeros({batch}, at::kDouble);
  for (std::int64_t k = 0; k < batch; ++k) {
    const auto i = static_cast<std::size_t>(k);
    if (own_ids[i] < 0) continue;
    AFACE_CHECK(own_ids[i] < static_cast<std::int64_t>(margins_.size()), "identity {} of {}", own_ids[i],
                margins_.size());
    own_margins.data_ptr<double>()[i] = growth * margins_[static_cast<std::size_t>(own_ids[i])];
  }
  if (at::GradMode::is_enabled()) {
    own_margins.requires_grad_(true);
    own_margins_ = own_margins;
    identities_ = std::move(own_ids);
  }
  return classify(input, {options_.margin_form == "angular" ? angular_margin : cosine_margin, own_margins}, options_);
}

void AdaptiveMarginHead::update(std::int64_t step, double learning_rate_share) {
  const at::Tensor gradient = own_margins_.defined() ? own_margins_.grad() : at::Tensor();
  own_margins_ = at::Tensor();
  if (step < options_.margin_freeze_steps) return;
  AFACE_CHECK(gradient.defined(), "update() without forward() and backward()");

  const double rate = options_.margin_learning_rate * learning_rate_share;
  const at::Tensor per_sample = gradient.contiguous();
  for (std::size_t i = 0; i < identities_.size(); ++i) {
    if (identities_[i] < 0) continue;
    const double g = per_sample.data_ptr<double>()[i];
    if (!std::isfinite(g)) {
      throw Error(ErrorKind::kNumeric,
                  fmt::format("head: margin gradient of identity {} is {} at step {} (expected a finite number); "
                              "lower the learning rate",
                              identities_[i], g, step));
    }
    margins_[static_cast<std::size_t>(identities_[i])] -= rate * g;
  }
  const double pull = rate * options_.margin_weight / static_cast<double>(of_all_ranks_);
  for (double& margin : margins_) margin = std::clamp(margin + pull, options_.margin_min, options_.margin_max);
}

at::Tensor AdaptiveMarginHead::margins() const {
  at::Tensor result = at::empty({static_cast<std::int64_t>(margins_.size())}, at::kFloat);
  std::transform(margins_.begin(), margins_.end(), result.data_ptr<float>(),
                 [](double margin) { return static_cast<float>(margin); });
  return result;
}

void AdaptiveMarginHead::save(NamedArrays& state) const {
  state.metadata["head.kind"] = options_.kind;
  state.put("head.margins", margins_);
}

void AdaptiveMarginHead::restore(const NamedArrays& state) {
  require_kind(state, options_.kind);
  std::vector<double> margins = state.get<double>("head.margins");
  if (margins.size() != margins_.size()) {
    throw Error(ErrorKind::kFormat, fmt::format("head.margins: wrong size (expected {} identities, got {}); the state "
                                                "is of another data set",
                                                margins_.size(), margins.size()));
  }
  if (!std::all_of(margins.begin(), margins.end(), [](double margin) { return std::isfinite(margin); })) {
    throw Error(ErrorKind::kFormat, "head.margins: holds numbers that are not finite; use an earlier state");
  }
  margins_ = std::move(margins);
  own_margins_ = at::Tensor();
}

std::map<std::string, double> AdaptiveMarginHead::report() const {
  const double count = static_cast<double>(margins_.size());
  const double mean = std::accumulate(margins_.begin(), margins_.end(), 0.0) / count;
  const auto [low, high] = std::minmax_element(margins_.begin(), margins_.end());
  return {{"margin_mean", mean},
          {"margin_smallest", *low},
          {"margin_largest", *high},
          {"margin_regulariser", -options_.margin_weight * mean}};
}

}  // namespace aface
