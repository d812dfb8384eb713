#include "aface/sampling/adaptive_sampler.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <unordered_set>
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

// Each once.
std::vector<std::size_t> identities_of(Span<const SampleFeedback> feedback, Span<const std::int64_t> identities) {
  std::vector<std::size_t> result;
  for (const SampleFeedback& one : feedback) {
    AFACE_CHECK(one.sample_id >= 0 && static_cast<std::size_t>(one.sample_id) < identities.size(), "sample {} of {}",
                one.sample_id, identities.size());
    result.push_back(static_cast<std::size_t>(identities[static_cast<std::size_t>(one.sample_id)]));
  }
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

const SamplerOptions& checked(const SamplerOptions& options) {
  check_options(options);
  return options;
}

}  // namespace

AdaptiveSampler::AdaptiveSampler(const SamplerOptions& options, Span<const std::int64_t> identities,
                                 std::int64_t num_identities, std::uint64_t seed, AcrossRanks* ranks)
    : options_(checked(options)),
      identities_(identities),
      ranks_(ranks),
      own_(samples_of_rank(static_cast<std::int64_t>(identities.size()), ranks ? ranks->rank() : 0,
                           ranks ? ranks->size() : 1)),
      weights_(options.min_weight, options.max_weight),
      steps_down_(weights_.steps(options.down)),
      steps_up_(weights_.steps(options.up)),
      random_(seed) {
  if (options.keep_shares) {
    const Span<const std::int64_t> own(identities.data() + own_.first, static_cast<std::size_t>(own_.count()));
    shares_.emplace(Shares{SamplesByIdentity(own, num_identities),
                           std::vector<double>(static_cast<std::size_t>(num_identities), 1.0)});
  }
  make_size_classes(num_identities);
  codes_.assign(static_cast<std::size_t>(own_.count()), weights_.one());
  add_up();
  if (options.noise_threshold > -1) {
    noise_log_.emplace(codes_.size(), options.noise_threshold, static_cast<std::size_t>(own_.first));
  }
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
  // With keep_shares a factor lies in [1 / max_weight, 1 / min_weight].
  const double smallest = options_.min_weight / (shares_ ? options_.max_weight : 1);
  const double largest = options_.max_weight / (shares_ ? options_.min_weight : 1);
  const WeightScale scale(start_weight(class_sizes_.back()) * smallest, start_weight(class_sizes_.front()) * largest);
  // So that the largest weight of all is the largest of 32 bits, less what its code may lie above it.
  constexpr double kRoom = 0.999;
  for (const std::uint32_t size : class_sizes_) start_units_.push_back(kRoom * scale.units(start_weight(size)));
  if (options_.base_power == 0) start_units_.resize(1);
}

void AdaptiveSampler::add_up() {
  const auto first = static_cast<std::size_t>(own_.first);
  std::vector<std::uint64_t> sums((codes_.size() + kSampleBlock - 1) / kSampleBlock);
  for (std::size_t i = 0; i < codes_.size(); ++i) sums[i / kSampleBlock] += units(first + i, codes_[i]);
  if (ranks_ != nullptr) {
    const auto of_ranks =
        ranks_->gather({reinterpret_cast<const unsigned char*>(sums.data()), sums.size() * sizeof(sums[0])});
    sums.clear();
    for (const auto& bytes : of_ranks) {
      const std::size_t before = sums.size();
      sums.resize(before + bytes.size() / sizeof(sums[0]));
      std::copy(bytes.begin(), bytes.end(), reinterpret_cast<unsigned char*>(sums.data() + before));
    }
  }
  sums_ = BlockSums(std::move(sums));
}

std::vector<AdaptiveSampler::Taken> AdaptiveSampler::draw_round(std::int64_t count) {
  // The sample at each point and its weight, as the owner says; the others say 0. Whole numbers: sums are exact.
  const auto size = static_cast<std::size_t>(count);
  std::vector<double> said(2 * size);
  for (std::size_t k = 0; k < size; ++k) {
    auto point = static_cast<std::uint64_t>(random_.below(static_cast<std::int64_t>(sums_.total())));
    std::size_t i = sums_.find(point) * kSampleBlock;
    if (!is_own(i)) continue;
    for (;; ++i) {  // ends in this block, as its sum is above the point
      const std::uint32_t weight = units(i, code_of(i));
      if (point < weight) break;
      point -= weight;
    }
    said[k] = static_cast<double>(i);
    said[size + k] = units(i, code_of(i));
  }
  if (ranks_ != nullptr) ranks_->sum(said);
  std::vector<Taken> round(size);
  for (std::size_t k = 0; k < size; ++k) {
    round[k].sample = static_cast<std::size_t>(said[k]);
    round[k].units = static_cast<std::uint64_t>(said[size + k]);
  }
  return round;
}

void AdaptiveSampler::take_away(Taken& one) {
  sums_.change(one.sample / kSampleBlock, one.units, 0);
  if (!is_own(one.sample)) return;
  one.code = code_of(one.sample);
  code_of(one.sample) = WeightCodes::kNothing;
}

void AdaptiveSampler::put_back(std::vector<Taken>& taken) {
  for (const Taken& one : taken) {
    sums_.change(one.sample / kSampleBlock, 0, one.units);
    if (is_own(one.sample)) code_of(one.sample) = one.code;
  }
  taken.clear();
}

std::vector<std::int64_t> AdaptiveSampler::draw(std::int64_t count) {
  std::vector<Taken> taken;
  std::vector<std::int64_t> ids;
  ids.reserve(static_cast<std::size_t>(count));
  while (static_cast<std::int64_t>(ids.size()) < count) {
    if (sums_.total() == 0) put_back(taken);  // more than num_samples asked for: all have been drawn, go round again
    std::unordered_set<std::size_t> in_round;
    for (Taken& one : draw_round(count - static_cast<std::int64_t>(ids.size()))) {
      if (!in_round.insert(one.sample).second) continue;
      take_away(one);
      taken.push_back(one);
      ids.push_back(static_cast<std::int64_t>(one.sample));
    }
  }
  put_back(taken);
  return ids;
}

void AdaptiveSampler::take_feedback(Span<const SampleFeedback> feedback, std::int64_t step) {
  const bool noise_rule = noise_log_ && step >= options_.noise_start_step;
  const std::vector<std::size_t> seen = shares_ ? identities_of(feedback, identities_) : std::vector<std::size_t>{};
  const std::vector<std::uint32_t> before = shares_ ? own_units(seen) : std::vector<std::uint32_t>{};
  std::vector<double> changes(feedback.size());  // of each weight, by its owner
  for (std::size_t k = 0; k < feedback.size(); ++k) {
    const SampleFeedback& one = feedback[k];
    AFACE_CHECK(one.sample_id >= 0 && static_cast<std::size_t>(one.sample_id) < identities_.size(), "sample {} of {}",
                one.sample_id, identities_.size());
    if (!std::isfinite(one.own_cosine)) {
      throw Error(ErrorKind::kNumeric, fmt::format("sampler: own cosine of sample {} at step {} is not finite",
                                                   one.sample_id, step));
    }
    const auto sample = static_cast<std::size_t>(one.sample_id);
    if (!is_own(sample)) continue;
    if (noise_rule) noise_log_->record(one.sample_id, one.own_cosine);
    const bool is_noise = noise_rule && one.own_cosine < options_.noise_threshold;
    const Code code = is_noise ? weights_.low() : weights_.moved(code_of(sample), one.correct ? steps_down_ : steps_up_);
    changes[k] = static_cast<double>(units(sample, code)) - units(sample, code_of(sample));
    code_of(sample) = code;
  }
  if (shares_) {
    keep_shares(seen);
    tell_sums(seen, before);
    return;
  }
  if (ranks_ != nullptr) ranks_->sum(changes);
  for (std::size_t k = 0; k < feedback.size(); ++k) {
    const auto change = static_cast<std::int64_t>(changes[k]);
    sums_.change(static_cast<std::size_t>(feedback[k].sample_id) / kSampleBlock, 0, static_cast<std::uint64_t>(change));
  }
}

std::vector<std::uint32_t> AdaptiveSampler::own_units(const std::vector<std::size_t>& identities) const {
  std::vector<std::uint32_t> result;
  for (const std::size_t identity : identities) {
    const SamplesByIdentity::Samples own = shares_->samples.of(identity);
    const double scale = this->scale(identity);
    for (std::size_t i = 0; i < own.size(); ++i) result.push_back(units_of(scale, codes_[own[i]]));
  }
  return result;
}

void AdaptiveSampler::keep_shares(const std::vector<std::size_t>& identities) {
  // In whole units, so that sums are exact in whatever order ranks add: weights lie 2^28 apart at most (see weight_scale.h).
  const double unit = options_.min_weight / (1 << 16), units_per_weight = 1 / unit;
  std::vector<double> sums;
  for (const std::size_t identity : identities) {
    std::uint64_t sum = 0;
    const SamplesByIdentity::Samples own = shares_->samples.of(identity);
    for (std::size_t i = 0; i < own.size(); ++i) {
      sum += static_cast<std::uint64_t>(units_per_weight * weights_.weight(codes_[own[i]]) + 0.5);
    }
    sums.push_back(static_cast<double>(sum));
  }
  if (ranks_ != nullptr) ranks_->sum(sums);
  for (std::size_t k = 0; k < identities.size(); ++k) {
    if (sums[k] == 0) continue;  // an identity without samples
    shares_->factors[identities[k]] = class_sizes_[class_of_identity_[identities[k]]] / (unit * sums[k]);
  }
}

void AdaptiveSampler::tell_sums(const std::vector<std::size_t>& identities, const std::vector<std::uint32_t>& before) {
  struct Change {
    std::uint64_t block, before, after;
  };
  const std::vector<std::uint32_t> after = own_units(identities);
  std::vector<Change> changes;
  std::size_t k = 0;
  for (const std::size_t identity : identities) {
    const SamplesByIdentity::Samples own = shares_->samples.of(identity);
    for (std::size_t i = 0; i < own.size(); ++i, ++k) {
      const std::uint64_t block = (static_cast<std::uint64_t>(own_.first) + own[i]) / kSampleBlock;
      if (changes.empty() || changes.back().block != block) changes.push_back({block, 0, 0});
      changes.back().before += before[k];
      changes.back().after += after[k];
    }
  }
  if (ranks_ != nullptr) {
    const auto of_ranks =
        ranks_->gather({reinterpret_cast<const unsigned char*>(changes.data()), changes.size() * sizeof(Change)});
    changes.clear();
    for (const auto& bytes : of_ranks) {
      const std::size_t known = changes.size();
      changes.resize(known + bytes.size() / sizeof(Change));
      std::copy(bytes.begin(), bytes.end(), reinterpret_cast<unsigned char*>(changes.data() + known));
    }
  }
  for (const Change& change : changes) sums_.change(change.block, change.before, change.after);
}

void AdaptiveSampler::save(NamedArrays& state) const {
  put_sampler_header(state, "adaptive", identities_.size());
  put_random(state, "sampler.random", random_);
  put_words(state, "sampler.weight_codes", codes_);
  if (noise_log_) noise_log_->save(state, "sampler.noise_log");
}

void AdaptiveSampler::restore(const NamedArrays& state) {
  check_sampler_header(state, "adaptive", identities_.size());
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
                              piece[i], static_cast<std::size_t>(own_.first) + begin + i, weights_.low(), weights_.high()));
    }
  }
  if (noise_log_) noise_log_->restore(state, "sampler.noise_log");
  saved.copy_to(codes_.data());
  if (shares_) {
    std::vector<std::size_t> all(shares_->factors.size());
    std::iota(all.begin(), all.end(), 0);
    keep_shares(all);
  }
  add_up();
  random_.set_state(generator);
}

std::map<std::string, double> AdaptiveSampler::report() const {
  constexpr std::size_t kCount = std::size(kBands);
  std::vector<double> totals(5 + 2 * kCount);
  double &sum = totals[0], &squares = totals[1], &at_min = totals[2], &at_max = totals[3], &noise = totals[4];
  double *const band_sums = totals.data() + 5, *const band_counts = band_sums + kCount;
  std::vector<std::size_t> band_of_class;
  for (const std::uint32_t size : class_sizes_) {
    std::size_t band = 0;
    while (size > kBands[band].most) ++band;
    band_of_class.push_back(band);
  }
  for (std::size_t i = 0; i < codes_.size(); ++i) {
    const std::size_t sample = static_cast<std::size_t>(own_.first) + i;
    const double weight = units(sample, codes_[i]);
    sum += weight;
    squares += weight * weight;
    at_min += codes_[i] == weights_.low();
    at_max += codes_[i] == weights_.high();
    const std::size_t band = band_of_class[class_of(sample)];
    band_sums[band] += factor(static_cast<std::size_t>(identities_[sample])) * weights_.weight(codes_[i]);
    ++band_counts[band];
  }
  if (noise_log_) noise = static_cast<double>(noise_log_->noise_samples());
  if (ranks_ != nullptr) ranks_->sum(totals);
  const auto samples = static_cast<double>(identities_.size());
  std::map<std::string, double> numbers = {{"effective_samples", sum * sum / squares},
                                           {"weight_at_min", at_min / samples},
                                           {"weight_at_max", at_max / samples}};
  if (noise_log_) numbers["noise_samples"] = noise;
  for (std::size_t band = 0; band < kCount; ++band) {
    if (band_counts[band] > 0) numbers[kBands[band].name] = band_sums[band] / band_counts[band];
  }
  return numbers;
}

std::vector<NoiseSuspect> AdaptiveSampler::noise_suspects(std::size_t at_least) const {
  return noise_log_ ? noise_log_->suspects(at_least, ranks_) : std::vector<NoiseSuspect>{};
}

double AdaptiveSampler::relative_weight(std::int64_t sample_id) const {
  const auto sample = static_cast<std::size_t>(sample_id);
  return factor(static_cast<std::size_t>(identities_[sample])) * weights_.weight(code_of(sample));
}

}  // namespace aface
