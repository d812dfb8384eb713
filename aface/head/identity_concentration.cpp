#include "aface/head/identity_concentration.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "aface/core/check.h"
#include "aface/core/error.h"

namespace aface {
namespace {

constexpr char kMeans[] = "head.concentration.means";
constexpr char kWeights[] = "head.concentration.weights";
constexpr char kSquares[] = "head.concentration.squares";
constexpr double kLargestLength = 0.9999;  // embeddings of one image repeated: kappa stays finite

double length(const float* x, std::int64_t dim) {
  double sum = 0;
  for (std::int64_t d = 0; d < dim; ++d) sum += static_cast<double>(x[d]) * static_cast<double>(x[d]);
  return std::sqrt(sum);
}

}  // namespace

IdentityConcentration::IdentityConcentration(std::int64_t num_identities, double rate)
    : num_identities_(num_identities), rate_(rate), weights_(static_cast<std::size_t>(num_identities)),
      squares_(static_cast<std::size_t>(num_identities)) {
  AFACE_CHECK(rate > 0 && rate <= 1, "rate {}", rate);
}

void IdentityConcentration::add(std::int64_t identity, const float* embedding, std::int64_t dim) {
  AFACE_CHECK(identity >= 0 && identity < num_identities_, "identity {} of {}", identity, num_identities_);
  AFACE_CHECK(dim_ == 0 || dim_ == dim, "embeddings of {} and {} values", dim_, dim);
  if (means_.empty()) {
    dim_ = dim;
    means_.resize(static_cast<std::size_t>(num_identities_ * dim));
  }
  const auto c = static_cast<std::size_t>(identity);
  float* mean = means_.data() + identity * dim;
  const double share = rate_ / length(embedding, dim);
  for (std::int64_t d = 0; d < dim; ++d) {
    mean[d] = static_cast<float>((1 - rate_) * static_cast<double>(mean[d]) + share * static_cast<double>(embedding[d]));
  }
  weights_[c] = (1 - rate_) * weights_[c] + rate_;
  squares_[c] = (1 - rate_) * (1 - rate_) * squares_[c] + rate_ * rate_;
}

std::vector<double> IdentityConcentration::kappa() const {
  std::vector<double> kappa(weights_.size(), std::numeric_limits<double>::quiet_NaN());
  for (std::size_t c = 0; c < weights_.size(); ++c) {
    if (weights_[c] == 0) continue;
    const double own_share = squares_[c] / (weights_[c] * weights_[c]);  // 1 after one embedding, and always at rate 1
    if (own_share > 1 - 1e-9) continue;
    const double mean = length(means_.data() + static_cast<std::int64_t>(c) * dim_, dim_) / weights_[c];
    const double squared = std::clamp((mean * mean - own_share) / (1 - own_share), 0.0, kLargestLength * kLargestLength);
    kappa[c] = std::sqrt(squared) * (static_cast<double>(dim_) - squared) / (1 - squared);
  }
  return kappa;
}

void IdentityConcentration::save(NamedArrays& state) const {
  state.put(kMeans, means_, {means_.empty() ? 0 : num_identities_, dim_});
  state.put(kWeights, weights_);
  state.put(kSquares, squares_);
}

void IdentityConcentration::restore(const NamedArrays& state) {
  std::vector<float> means = state.get<float>(kMeans);
  std::vector<double> weights = state.get<double>(kWeights), squares = state.get<double>(kSquares);
  const auto count = static_cast<std::size_t>(num_identities_);
  const auto finite = [](double value) { return std::isfinite(value); };
  if (weights.size() != count || squares.size() != count || means.size() % count != 0) {
    throw Error(ErrorKind::kFormat, fmt::format("{}: wrong size (expected {} identities, got {}); the state is of another data "
                                                "set", kWeights, count, weights.size()));
  }
  if (!std::all_of(weights.begin(), weights.end(), finite) || !std::all_of(squares.begin(), squares.end(), finite) ||
      !std::all_of(means.begin(), means.end(), [](float value) { return std::isfinite(value); })) {
    throw Error(ErrorKind::kFormat, fmt::format("{}: holds numbers that are not finite; use an earlier state", kMeans));
  }
  dim_ = static_cast<std::int64_t>(means.size() / count);
  means_ = std::move(means);
  weights_ = std::move(weights);
  squares_ = std::move(squares);
}

}  // namespace aface
