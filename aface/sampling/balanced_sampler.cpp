#include "aface/sampling/balanced_sampler.h"

#include <algorithm>
#include <cmath>

#include "aface/core/random_state.h"
#include "aface/sampling/sampler_state.h"
#include "aface/sampling/weight_scale.h"

namespace aface {
namespace {

std::vector<std::uint32_t> identity_weights(const SamplesByIdentity& samples_of, double identity_power) {
  std::vector<double> weights(samples_of.num_identities());
  double smallest = INFINITY;
  double largest = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::size_t samples = samples_of.of(i).size();
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
    : samples_(identities, num_identities),
      tree_(identity_weights(samples_, options.identity_power)),
      random_(seed) {}

std::vector<std::int64_t> BalancedSampler::draw(std::int64_t count) {
  std::vector<std::int64_t> ids;
  ids.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    const SamplesByIdentity::Samples own = samples_.of(tree_.draw(random_));
    ids.push_back(own[static_cast<std::size_t>(random_.below(static_cast<std::int64_t>(own.size())))]);
  }
  return ids;
}

void BalancedSampler::save(NamedArrays& state) const {
  put_sampler_header(state, "balanced", samples_.num_samples());
  put_random(state, "sampler.random", random_);
}

void BalancedSampler::restore(const NamedArrays& state) {
  check_sampler_header(state, "balanced", samples_.num_samples());
  random_.set_state(get_random(state, "sampler.random"));
}

}  // namespace aface
