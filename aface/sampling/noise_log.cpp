#include "aface/sampling/noise_log.h"

#include <algorithm>
#include <cmath>

#include "aface/core/check.h"
#include "aface/sampling/sampler_state.h"

namespace aface {
namespace {

constexpr int kSteps = 1023;
constexpr unsigned kMeanMask = 2047, kSeenMask = 15;
constexpr int kSeenShift = 11, kUnderShift = 15;

bool is_worse(const NoiseSuspect& a, const NoiseSuspect& b) {
  return a.score != b.score ? a.score < b.score : a.sample_id < b.sample_id;
}

}  // namespace

NoiseLog::Record NoiseLog::unpack(std::uint16_t bits) {
  return {static_cast<int>(bits & kMeanMask) - kSteps, static_cast<int>(bits >> kSeenShift & kSeenMask),
          bits >> kUnderShift != 0};
}

std::uint16_t NoiseLog::pack(const Record& record) {
  return static_cast<std::uint16_t>((record.mean + kSteps) | record.seen << kSeenShift |
                                    (record.under ? 1 : 0) << kUnderShift);
}

NoiseLog::NoiseLog(std::size_t num_samples, double threshold)
    : threshold_(threshold), records_(num_samples, pack(Record())) {}

void NoiseLog::record(std::int64_t sample_id, float own_cosine) {
  AFACE_CHECK(sample_id >= 0 && static_cast<std::size_t>(sample_id) < records_.size(), "sample {} of {}", sample_id,
              records_.size());
  AFACE_CHECK(std::isfinite(own_cosine), "own cosine of sample {} is not finite", sample_id);
  std::uint16_t& bits = records_[static_cast<std::size_t>(sample_id)];
  Record record = unpack(bits);
  noise_samples_ -= record.under ? 1 : 0;
  record.under = own_cosine < threshold_;
  noise_samples_ += record.under ? 1 : 0;
  record.seen = std::min(record.seen + 1, kMostSeen);
  const double cosine = std::clamp(static_cast<double>(own_cosine), -1.0, 1.0) * kSteps;
  const double share = 1.0 / std::min(record.seen, kMemory);
  record.mean = static_cast<int>(std::lround(record.mean + (cosine - record.mean) * share));
  bits = pack(record);
}

double NoiseLog::mean_of_means() const {
  double sum = 0;
  std::int64_t seen = 0;
  for (const std::uint16_t bits : records_) {
    const Record record = unpack(bits);
    if (record.seen == 0) continue;
    sum += record.mean;
    ++seen;
  }
  return sum / (static_cast<double>(std::max<std::int64_t>(1, seen)) * kSteps);
}

NoiseSuspect NoiseLog::suspect_of(std::size_t sample, const Record& record, double m0) {
  const double times = std::min(record.seen, kMemory);
  const double mean = static_cast<double>(record.mean) / kSteps;
  NoiseSuspect suspect;
  suspect.sample_id = static_cast<std::int64_t>(sample);
  suspect.score = static_cast<float>((times * mean + kPrior * m0) / (times + kPrior));
  suspect.mean_cosine = static_cast<float>(mean);
  suspect.times_seen = record.seen;
  suspect.last_was_under = record.under;
  return suspect;
}

std::vector<NoiseSuspect> NoiseLog::suspects(std::size_t at_least) const {
  const double m0 = mean_of_means();
  std::vector<NoiseSuspect> found;
  std::vector<NoiseSuspect> next;  // the worst of the others, a heap with the least bad on top
  for (std::size_t i = 0; i < records_.size(); ++i) {
    const Record record = unpack(records_[i]);
    if (record.seen == 0) continue;
    if (record.under || record.mean < threshold_ * kSteps) {
      found.push_back(suspect_of(i, record, m0));
    } else if (at_least > 0) {
      next.push_back(suspect_of(i, record, m0));
      std::push_heap(next.begin(), next.end(), is_worse);
      if (next.size() <= at_least) continue;
      std::pop_heap(next.begin(), next.end(), is_worse);
      next.pop_back();
    }
  }
  std::sort_heap(next.begin(), next.end(), is_worse);
  const std::size_t missing = at_least > found.size() ? at_least - found.size() : 0;
  next.resize(std::min(next.size(), missing));
  found.insert(found.end(), next.begin(), next.end());
  std::sort(found.begin(), found.end(), is_worse);
  return found;
}

void NoiseLog::save(NamedArrays& state, const std::string& name) const { put_words(state, name, records_); }

void NoiseLog::restore(const NamedArrays& state, const std::string& name) {
  word_bytes(state, name, records_.size()).copy_to(records_.data());
  noise_samples_ = std::count_if(records_.begin(), records_.end(), [](std::uint16_t bits) { return unpack(bits).under; });
}

}  // namespace aface
