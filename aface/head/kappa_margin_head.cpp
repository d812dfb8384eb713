#include "aface/head/kappa_margin_head.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "aface/core/check.h"
#include "aface/head/classification.h"
#include "aface/head/margin_table.h"

namespace aface {
namespace {

constexpr double kPi = 3.141592653589793;

std::vector<double> size_weights(std::int64_t num_identities, const std::vector<double>& relative_images) {
  std::vector<double> images = relative_images;
  if (images.empty()) images.assign(static_cast<std::size_t>(num_identities), 1.0);
  const double most = *std::max_element(images.begin(), images.end());
  std::vector<double> weights;
  for (const double count : images) weights.push_back((std::cos(kPi * count / (1.05 * most)) + 1) / 2);
  return weights;
}

struct Spread {
  double mean = 0, deviation = 0;
};

// Over the values that are known.
Spread spread_of(const std::vector<double>& values) {
  double count = 0, sum = 0, squares = 0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    ++count;
    sum += value;
  }
  if (count == 0) return {};
  for (const double value : values) {
    if (!std::isnan(value)) squares += (value - sum / count) * (value - sum / count);
  }
  return {sum / count, std::sqrt(squares / count)};
}

}  // namespace

KappaMarginHead::KappaMarginHead(const HeadOptions& options, std::int64_t num_identities,
                                 const std::vector<double>& relative_images)
    : options_(options), size_weights_(size_weights(num_identities, relative_images)),
      concentration_(num_identities, options.kappa_rate), margins_(static_cast<std::size_t>(num_identities)) {
  refresh_margins();
}

void KappaMarginHead::refresh_margins() {
  const std::vector<double> kappa = concentration_.kappa();
  const auto [mean, deviation] = spread_of(kappa);
  for (std::size_t c = 0; c < margins_.size(); ++c) {
    const double score = std::isnan(kappa[c]) || deviation == 0 ? 0 : (kappa[c] - mean) / deviation;
    const double spread_out = 1 / (1 + std::exp(options_.kappa_temperature * score));  // 1 - sigmoid
    margins_[c] = options_.margin * (options_.kappa_share * spread_out + (1 - options_.kappa_share) * size_weights_[c]);
  }
}

HeadOutput KappaMarginHead::forward(const HeadInput& input) {
  check_input(input);
  std::vector<std::int64_t> identities = own_identities(input);
  const at::Tensor margins = margins_of(identities, margins_, warm_up_share(options_, input.step));
  if (at::GradMode::is_enabled()) {
    identities_ = std::move(identities);
    embeddings_ = input.embeddings.detach().to(at::kCPU, at::kFloat).contiguous();
  }
  return classify(input, {options_.margin_form == "angular" ? angular_margin : cosine_margin, margins}, options_);
}

void KappaMarginHead::update(std::int64_t step, double /*learning_rate_share*/) {
  const at::Tensor embeddings = std::exchange(embeddings_, at::Tensor());
  AFACE_CHECK(embeddings.defined(), "update() without forward()");
  const std::int64_t dim = embeddings.size(1);
  for (std::size_t i = 0; i < identities_.size(); ++i) {
    concentration_.add(identities_[i], embeddings.data_ptr<float>() + static_cast<std::int64_t>(i) * dim, dim);
  }
  if ((step + 1) % options_.kappa_refresh_steps == 0) refresh_margins();
}

at::Tensor KappaMarginHead::margins() const { return margins_tensor(margins_); }

void KappaMarginHead::save(NamedArrays& state) const {
  state.metadata["head.kind"] = options_.kind;
  state.put(kSavedMargins, margins_);
  concentration_.save(state);
}

void KappaMarginHead::restore(const NamedArrays& state) {
  require_kind(state, options_.kind);
  std::vector<double> margins = restored_margins(state, margins_.size());
  concentration_.restore(state);
  margins_ = std::move(margins);
  embeddings_ = at::Tensor();
}

std::map<std::string, double> KappaMarginHead::report() const { return margin_summary(margins_); }

}  // namespace aface
