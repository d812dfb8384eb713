#include "aface/head/adaptive_margin_head.h"

#include <ATen/core/grad_mode.h>
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "aface/core/check.h"
#include "aface/head/classification.h"
#include "aface/head/margin_table.h"

namespace aface {

AdaptiveMarginHead::AdaptiveMarginHead(const HeadOptions& options, std::int64_t num_identities, std::int64_t of_all_ranks,
                                       const std::vector<double>& relative_images)
    : options_(options), of_all_ranks_(of_all_ranks > 0 ? of_all_ranks : num_identities),
      pull_(static_cast<std::size_t>(num_identities), options.margin_weight),
      margins_(static_cast<std::size_t>(num_identities), options.margin_init) {
  for (std::size_t c = 0; c < relative_images.size(); ++c) {
    pull_[c] *= std::pow(relative_images[c], options.margin_pull_power);
    margins_[c] = std::clamp(options.margin_init * std::pow(relative_images[c], -options.margin_init_power),
                             options.margin_min, options.margin_max);
  }
}

HeadOutput AdaptiveMarginHead::forward(const HeadInput& input) {
  check_input(input);
  std::vector<std::int64_t> identities = own_identities(input);
  // While they are frozen, the margins that act may still grow.
  at::Tensor own_margins = margins_of(identities, margins_, warm_up_share(options_, input.step));
  if (at::GradMode::is_enabled()) {
    own_margins.requires_grad_(true);
    own_margins_ = own_margins;
    identities_ = std::move(identities);
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
  const double share = rate / static_cast<double>(of_all_ranks_);
  for (std::size_t c = 0; c < margins_.size(); ++c) {
    margins_[c] = std::clamp(margins_[c] + share * pull_[c], options_.margin_min, options_.margin_max);
  }
}

at::Tensor AdaptiveMarginHead::margins() const { return margins_tensor(margins_); }

void AdaptiveMarginHead::save(NamedArrays& state) const {
  state.metadata["head.kind"] = options_.kind;
  state.put(kSavedMargins, margins_);
}

void AdaptiveMarginHead::restore(const NamedArrays& state) {
  require_kind(state, options_.kind);
  margins_ = restored_margins(state, margins_.size());
  own_margins_ = at::Tensor();
}

std::map<std::string, double> AdaptiveMarginHead::report() const {
  std::map<std::string, double> report = margin_summary(margins_);
  report["margin_regulariser"] = -std::inner_product(margins_.begin(), margins_.end(), pull_.begin(), 0.0) /
                                 static_cast<double>(margins_.size());
  return report;
}

}  // namespace aface
