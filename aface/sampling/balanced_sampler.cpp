#include "aface/sampling/balanced_sampler.h"

#include <algorithm>
#include <cmath>

#include "aface/core/random_state.h"
#include "aface/sampling/sampler_state.h"
#include "aface/sampling/weight_scale.h"

namespace aface {
namespace {

std::vector<std::uint32_t> first_places(Span<const std::int64_t> identities, std::int64_t num_identities) {
  std::vector<std::uint32_t> begins(static_cast<std::size_t>(num_identities) + 1);
  for (const std::int64_t identity : identities) ++begins[static_cast<std::size_t>(identity) + 1];
  for (std::size_t i = 1; i < begins.size(); ++i) begins[i] += begins[i - 1];
  return begins;
}

std::vector<std::uint32_t> identity_weights(const std::vector<std::uint32_t>& begins, double identity_power) {
  std::vector<double> weights(begins.size() - 1);
  double smallest = INFINITY;
  double largest = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::uint32_t samples = begins[i + 1] - begins[i];
    if (samples == 0) continue;  // nothing to draw: weight 0
    weights[i] = std::pow(static_cast<double>(samples), 1 - identity_power);
    smallest = std::min(smallest, weights[i]);
    largest = std::max(largest, weights[i]);
  }
  const WeightScale scale(smallest, largest);
  std::vector<std::uint32_t> units(weights.size());
  std::transform(weights.begin(), weights.end(), units.begin(),
                 [&](double weight) { return weight == 0 ? 0U : scale.units(weight); });
  return units;
}

}  // namespace

BalancedSampler::BalancedSampler(const SamplerOptions& options, Span<const std::int64_t> identities,
                                 std::int64_t num_identities, std::uint64_t seed)
    : begins_(first_places(identities, num_identities)),
      samples_(identities.size()),
      tree_(identity_weights(begins_, options.identity_power)),
      random_(seed) {
  std::vector<std::uint32_t> next(begins_.begin(), begins_.end() - 1);
  for (std::size_t i = 0; i < identities.size(); ++i) {
    samples_[next[static_cast<std::size_t>(identities[i])]++] = static_cast<std::uint32_t>(i);
  }
}

std::vector<std::int64_t> BalancedSampler::draw(std::int64_t count) {
  std::vector<std::int64_t> ids;
  ids.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    const std::size_t identity = tree_.draw(random_);
    const std::uint32_t begin = begins_[identity];
    ids.push_back(samples_[begin + static_cast<std::size_t>(random_.below(begins_[identity + 1] - begin))]);
  }
  return ids;
}

void BalancedSampler::save(NamedArrays& state) const {
  put_sampler_header(state, "balanced", samples_.size());
  put_random(state, "sampler.random", random_);
}

void BalancedSampler::restore(const NamedArrays& state) {
  check_sampler_header(state, "balanced", samples_.size());
  random_.set_state(get_random(state, "sampler.random"));
}

}  // namespace aface
