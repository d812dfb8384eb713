#include "aface/sampling/adaptive_sampler.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "aface/core/check.h"
#include "aface/core/random_state.h"
#include "aface/sampling/sampler_state.h"
#include "aface/sampling/weight_scale.h"

namespace aface {
namespace {

struct Band {
  const char* name;
  std::int64_t most;  // samples of an identity
};

constexpr Band kBands[] = {{"weight_band_1_2", 2},
                           {"weight_band_3_9", 9},
                           {"weight_band_10_29", 29},
                           {"weight_band_30_99", 99},
                           {"weight_band_100_up", INT64_MAX}};

void check_options(const SamplerOptions& o) {
  const auto require = [](bool holds, const char* rule) {
    if (!holds) throw Error(ErrorKind::kUsage, fmt::format("sampler: expected {}; change the [sampler] options", rule));
  };
  require(o.min_weight > 0 && o.min_weight <= 1, "0 < min_weight <= 1");
  require(o.max_weight >= 1 && std::isfinite(o.max_weight), "max_weight >= 1");
  require(o.down > 0 && o.down <= 1, "0 < down <= 1");
  require(o.up >= 1 && std::isfinite(o.up), "up >= 1");
  require(o.base_power >= 0 && std::isfinite(o.base_power), "base_power >= 0");
  require(o.noise_threshold >= -1 && o.noise_threshold <= 1, "-1 <= noise_threshold <= 1");
}

// weight * factor to the nearest unit, but at least one unit in the direction of the factor: small weights must not
// get stuck on rounding.
std::uint32_t scaled(std::uint32_t weight, double factor, std::uint32_t low, std::uint32_t high) {
  double moved = std::round(weight * factor);
  if (factor < 1) moved = std::min(moved, weight - 1.0);
  if (factor > 1) moved = std::max(moved, weight + 1.0);
  return static_cast<std::uint32_t>(std::clamp<double>(moved, low, high));
}

}  // namespace

AdaptiveSampler::AdaptiveSampler(const SamplerOptions& options, Span<const std::int64_t> identities,
                                 std::int64_t num_identities, std::uint64_t seed)
    : options_(options), tree_(make_size_classes(identities, num_identities)), random_(seed) {
  if (options.noise_threshold > -1) noise_log_.emplace(identities.size(), options.noise_threshold);
}

std::vector<std::uint32_t> AdaptiveSampler::make_size_classes(Span<const std::int64_t> identities,
                                                              std::int64_t num_identities) {
  check_options(options_);
  std::vector<std::uint32_t> size_of(static_cast<std::size_t>(num_identities));
  for (const std::int64_t identity : identities) ++size_of[static_cast<std::size_t>(identity)];
  std::vector<std::uint32_t> sizes = size_of;
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  if (sizes.front() == 0) sizes.erase(sizes.begin());

  const auto start_weight = [&](std::uint32_t size) { return std::pow(size, -options_.base_power); };
  const WeightScale scale(start_weight(sizes.back()) * options_.min_weight,
                          start_weight(sizes.front()) * options_.max_weight);
  for (const std::uint32_t size : sizes) {
    const double start = start_weight(size);
    size_classes_.push_back({size, scale.units(start), scale.units(start * options_.min_weight),
                             scale.units(start * options_.max_weight)});
  }
  std::vector<std::uint32_t> weights;
  weights.reserve(identities.size());
  class_of_sample_.reserve(identities.size());
  for (const std::int64_t identity : identities) {
    const auto found = std::lower_bound(sizes.begin(), sizes.end(), size_of[static_cast<std::size_t>(identity)]);
    const auto index = static_cast<std::size_t>(found - sizes.begin());
    class_of_sample_.push_back(static_cast<std::uint16_t>(index));
    weights.push_back(size_classes_[index].start);
  }
  return weights;
}

std::vector<std::int64_t> AdaptiveSampler::draw(std::int64_t count) {
  struct Taken {
    std::size_t sample;
    std::uint32_t weight;
  };
  std::vector<Taken> taken;
  const auto put_back = [&] {
    for (const Taken& one : taken) tree_.set_weight(one.sample, one.weight);
    taken.clear();
  };
  std::vector<std::int64_t> ids;
  ids.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    if (tree_.total() == 0) put_back();  // more than num_samples asked for: all have been drawn, go round again
    const std::size_t sample = tree_.draw(random_);
    taken.push_back({sample, tree_.weight(sample)});
    tree_.set_weight(sample, 0);
    ids.push_back(static_cast<std::int64_t>(sample));
  }
  put_back();
  return ids;
}

void AdaptiveSampler::take_feedback(Span<const SampleFeedback> feedback, std::int64_t step) {
  const bool noise_rule = noise_log_ && step >= options_.noise_start_step;
  for (const SampleFeedback& one : feedback) {
    AFACE_CHECK(one.sample_id >= 0 && static_cast<std::size_t>(one.sample_id) < tree_.size(), "sample {} of {}",
                one.sample_id, tree_.size());
    if (!std::isfinite(one.own_cosine)) {
      throw Error(ErrorKind::kNumeric, fmt::format("sampler: own cosine of sample {} at step {} is not finite",
                                                   one.sample_id, step));
    }
    const auto sample = static_cast<std::size_t>(one.sample_id);
    const SizeClass& bounds = class_of(sample);
    if (noise_rule) noise_log_->record(one.sample_id, one.own_cosine);
    if (noise_rule && one.own_cosine < options_.noise_threshold) {
      tree_.set_weight(sample, bounds.low);
    } else {
      const double factor = one.correct ? options_.down : options_.up;
      tree_.set_weight(sample, scaled(tree_.weight(sample), factor, bounds.low, bounds.high));
    }
  }
}

void AdaptiveSampler::save(NamedArrays& state) const {
  put_sampler_header(state, "adaptive", tree_.size());
  put_random(state, "sampler.random", random_);
  // Unsigned weights under a signed type: safetensors readers know I32 everywhere.
  std::vector<std::int32_t> weights(tree_.size());
  std::memcpy(weights.data(), tree_.weights().data(), weights.size() * sizeof(std::int32_t));
  state.put("sampler.weights", weights);
  if (noise_log_) noise_log_->save(state, "sampler.noise_log");
}

void AdaptiveSampler::restore(const NamedArrays& state) {
  check_sampler_header(state, "adaptive", tree_.size());
  const Random::State generator = get_random(state, "sampler.random");
  const std::vector<std::int32_t> saved = state.get<std::int32_t>("sampler.weights");
  if (saved.size() != tree_.size()) {
    throw Error(ErrorKind::kFormat,
                fmt::format("array 'sampler.weights': expected {} values, got {}", tree_.size(), saved.size()));
  }
  std::vector<std::uint32_t> weights(saved.size());
  std::memcpy(weights.data(), saved.data(), saved.size() * sizeof(std::uint32_t));
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const SizeClass& bounds = class_of(i);
    if (weights[i] < bounds.low || weights[i] > bounds.high) {
      throw Error(ErrorKind::kFormat,
                  fmt::format("array 'sampler.weights': weight {} of sample {} is outside {} .. {}; it belongs to other "
                              "options or another data set", weights[i], i, bounds.low, bounds.high));
    }
  }
  if (noise_log_) noise_log_->restore(state, "sampler.noise_log");
  tree_ = WeightTree(std::move(weights));
  random_.set_state(generator);
}

std::map<std::string, double> AdaptiveSampler::report() const {
  double sum = 0;
  double squares = 0;
  double at_min = 0;
  double at_max = 0;
  double band_sums[std::size(kBands)] = {};
  std::int64_t band_counts[std::size(kBands)] = {};
  std::vector<std::size_t> band_of_class;
  for (const SizeClass& one : size_classes_) {
    std::size_t band = 0;
    while (one.size > kBands[band].most) ++band;
    band_of_class.push_back(band);
  }
  for (std::size_t i = 0; i < tree_.size(); ++i) {
    const double weight = tree_.weight(i);
    sum += weight;
    squares += weight * weight;
    at_min += tree_.weight(i) <= class_of(i).low;
    at_max += tree_.weight(i) >= class_of(i).high;
    const std::size_t band = band_of_class[class_of_sample_[i]];
    band_sums[band] += weight / class_of(i).start;
    ++band_counts[band];
  }
  const auto samples = static_cast<double>(tree_.size());
  std::map<std::string, double> numbers = {{"effective_samples", sum * sum / squares},
                                           {"weight_at_min", at_min / samples},
                                           {"weight_at_max", at_max / samples}};
  if (noise_log_) numbers["noise_samples"] = static_cast<double>(noise_log_->noise_samples());
  for (std::size_t band = 0; band < std::size(kBands); ++band) {
    if (band_counts[band] > 0) numbers[kBands[band].name] = band_sums[band] / static_cast<double>(band_counts[band]);
  }
  return numbers;
}

std::vector<NoiseSuspect> AdaptiveSampler::noise_suspects(std::size_t at_least) const {
  return noise_log_ ? noise_log_->suspects(at_least) : std::vector<NoiseSuspect>{};
}

double AdaptiveSampler::relative_weight(std::int64_t sample_id) const {
  const auto sample = static_cast<std::size_t>(sample_id);
  return static_cast<double>(tree_.weight(sample)) / class_of(sample).start;
}

}  // namespace aface
