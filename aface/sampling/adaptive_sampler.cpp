#include "aface/sampling/adaptive_sampler.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

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

const SamplerOptions& checked(const SamplerOptions& options) {
  check_options(options);
  return options;
}

}  // namespace

AdaptiveSampler::AdaptiveSampler(const SamplerOptions& options, Span<const std::int64_t> identities,
                                 std::int64_t num_identities, std::uint64_t seed)
    : options_(checked(options)),
      identities_(identities),
      weights_(options.min_weight, options.max_weight),
      steps_down_(weights_.steps(options.down)),
      steps_up_(weights_.steps(options.up)),
      random_(seed) {
  make_size_classes(num_identities);
  codes_.assign(identities.size(), weights_.one());
  add_up();
  if (options.noise_threshold > -1) noise_log_.emplace(identities.size(), options.noise_threshold);
}

void AdaptiveSampler::make_size_classes(std::int64_t num_identities) {
  std::vector<std::uint32_t> size_of(static_cast<std::size_t>(num_identities));
  for (const std::int64_t identity : identities_) ++size_of[static_cast<std::size_t>(identity)];
  std::set<std::uint32_t> sizes(size_of.begin(), size_of.end());
  sizes.erase(0);  // identities without samples are never looked up
  class_sizes_.assign(sizes.begin(), sizes.end());
  class_of_identity_.reserve(size_of.size());
  for (const std::uint32_t size : size_of) {
    const auto found = std::lower_bound(class_sizes_.begin(), class_sizes_.end(), size);
    class_of_identity_.push_back(static_cast<std::uint16_t>(found - class_sizes_.begin()));
  }

  const auto start_weight = [&](std::uint32_t size) { return std::pow(size, -options_.base_power); };
  const WeightScale scale(start_weight(class_sizes_.back()) * options_.min_weight,
                          start_weight(class_sizes_.front()) * options_.max_weight);
  // So that the largest weight of all is the largest of 32 bits, less what its code may lie above it.
  constexpr double kRoom = 0.999;
  for (const std::uint32_t size : class_sizes_) start_units_.push_back(kRoom * scale.units(start_weight(size)));
  if (options_.base_power == 0) start_units_.resize(1);
}

void AdaptiveSampler::set_code(std::size_t sample, Code code) {
  sums_.change(sample / kLeafBlock, units(sample, codes_[sample]), units(sample, code));
  codes_[sample] = code;
}

void AdaptiveSampler::add_up() {
  std::vector<std::uint64_t> sums((codes_.size() + kLeafBlock - 1) / kLeafBlock);
  for (std::size_t i = 0; i < codes_.size(); ++i) sums[i / kLeafBlock] += units(i, codes_[i]);
  sums_ = BlockSums(std::move(sums));
}

std::size_t AdaptiveSampler::find(std::uint64_t point) const {
  std::size_t i = sums_.find(point) * kLeafBlock;
  for (;; ++i) {  // ends in this block, as its sum is above the point
    const std::uint32_t weight = units(i, codes_[i]);
    if (point < weight) return i;
    point -= weight;
  }
}

std::vector<std::int64_t> AdaptiveSampler::draw(std::int64_t count) {
  struct Taken {
    std::size_t sample;
    Code code;
  };
  std::vector<Taken> taken;
  const auto put_back = [&] {
    for (const Taken& one : taken) set_code(one.sample, one.code);
    taken.clear();
  };
  std::vector<std::int64_t> ids;
  ids.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    if (sums_.total() == 0) put_back();  // more than num_samples asked for: all have been drawn, go round again
    const std::size_t sample = find(static_cast<std::uint64_t>(random_.below(static_cast<std::int64_t>(sums_.total()))));
    taken.push_back({sample, codes_[sample]});
    set_code(sample, WeightCodes::kNothing);
    ids.push_back(static_cast<std::int64_t>(sample));
  }
  put_back();
  return ids;
}

void AdaptiveSampler::take_feedback(Span<const SampleFeedback> feedback, std::int64_t step) {
  const bool noise_rule = noise_log_ && step >= options_.noise_start_step;
  for (const SampleFeedback& one : feedback) {
    AFACE_CHECK(one.sample_id >= 0 && static_cast<std::size_t>(one.sample_id) < codes_.size(), "sample {} of {}",
                one.sample_id, codes_.size());
    if (!std::isfinite(one.own_cosine)) {
      throw Error(ErrorKind::kNumeric, fmt::format("sampler: own cosine of sample {} at step {} is not finite",
                                                   one.sample_id, step));
    }
    const auto sample = static_cast<std::size_t>(one.sample_id);
    if (noise_rule) noise_log_->record(one.sample_id, one.own_cosine);
    const bool is_noise = noise_rule && one.own_cosine < options_.noise_threshold;
    set_code(sample, is_noise ? weights_.low() : weights_.moved(codes_[sample], one.correct ? steps_down_ : steps_up_));
  }
}

void AdaptiveSampler::save(NamedArrays& state) const {
  put_sampler_header(state, "adaptive", codes_.size());
  put_random(state, "sampler.random", random_);
  put_words(state, "sampler.weight_codes", codes_);
  if (noise_log_) noise_log_->save(state, "sampler.noise_log");
}

void AdaptiveSampler::restore(const NamedArrays& state) {
  check_sampler_header(state, "adaptive", codes_.size());
  const Random::State generator = get_random(state, "sampler.random");
  const ArrayBytes& saved = word_bytes(state, "sampler.weight_codes", codes_.size());
  // Looked through before anything is changed, in pieces, so that there are never two copies of all.
  std::vector<Code> piece(std::min<std::size_t>(codes_.size(), 1 << 16));
  for (std::size_t begin = 0; begin < codes_.size(); begin += piece.size()) {
    const std::size_t count = std::min(piece.size(), codes_.size() - begin);
    saved.read(begin * sizeof(Code), count * sizeof(Code), piece.data());
    for (std::size_t i = 0; i < count; ++i) {
      if (piece[i] >= weights_.low() && piece[i] <= weights_.high()) continue;
      throw Error(ErrorKind::kFormat,
                  fmt::format("array 'sampler.weight_codes': code {} of sample {} is outside {} .. {}; it belongs to "
                              "other options or another data set",
                              piece[i], begin + i, weights_.low(), weights_.high()));
    }
  }
  if (noise_log_) noise_log_->restore(state, "sampler.noise_log");
  saved.copy_to(codes_.data());
  add_up();
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
  for (const std::uint32_t size : class_sizes_) {
    std::size_t band = 0;
    while (size > kBands[band].most) ++band;
    band_of_class.push_back(band);
  }
  for (std::size_t i = 0; i < codes_.size(); ++i) {
    const double weight = units(i, codes_[i]);
    sum += weight;
    squares += weight * weight;
    at_min += codes_[i] == weights_.low();
    at_max += codes_[i] == weights_.high();
    const std::size_t band = band_of_class[class_of(i)];
    band_sums[band] += weights_.weight(codes_[i]);
    ++band_counts[band];
  }
  const auto samples = static_cast<double>(codes_.size());
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
  return weights_.weight(codes_[static_cast<std::size_t>(sample_id)]);
}

}  // namespace aface
