#include "aface/sampling/noise_log.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "aface/core/check.h"

namespace aface {
namespace {

constexpr double kSteps = 32767;
constexpr std::uint16_t kMostCounted = 65535;

int to_steps(double cosine) { return static_cast<int>(std::lround(std::clamp(cosine, -1.0, 1.0) * kSteps)); }
float from_steps(int steps) { return static_cast<float>(steps / kSteps); }

bool is_worse(const NoiseSuspect& a, const NoiseSuspect& b) {
  return a.score != b.score ? a.score < b.score : a.sample_id < b.sample_id;
}

}  // namespace

NoiseLog::NoiseLog(std::size_t num_samples, double threshold)
    : threshold_(static_cast<int>(std::ceil(threshold * kSteps))), records_(num_samples) {}

void NoiseLog::record(std::int64_t sample_id, float own_cosine) {
  AFACE_CHECK(sample_id >= 0 && static_cast<std::size_t>(sample_id) < records_.size(), "sample {} of {}", sample_id,
              records_.size());
  AFACE_CHECK(std::isfinite(own_cosine), "own cosine of sample {} is not finite", sample_id);
  Record& record = records_[static_cast<std::size_t>(sample_id)];
  noise_samples_ -= static_cast<std::int64_t>(last_is_under(record));
  const int cosine = to_steps(own_cosine);
  record.last = static_cast<std::int16_t>(cosine);
  if (record.seen < kMostCounted) {
    ++record.seen;
    record.under = static_cast<std::uint16_t>(record.under + (cosine < threshold_ ? 1 : 0));
  }
  const double share = 1.0 / std::min<int>(record.seen, kMemory);
  record.mean = static_cast<std::int16_t>(std::lround(record.mean + (cosine - record.mean) * share));
  noise_samples_ += static_cast<std::int64_t>(last_is_under(record));
}

double NoiseLog::mean_of_means() const {
  double sum = 0;
  std::int64_t seen = 0;
  for (const Record& record : records_) {
    sum += record.mean;
    seen += static_cast<std::int64_t>(record.seen > 0);
  }
  return sum / (static_cast<double>(std::max<std::int64_t>(1, seen)) * kSteps);
}

NoiseSuspect NoiseLog::suspect_of(std::size_t sample, double m0) const {
  const Record& record = records_[sample];
  const double times = std::min<int>(record.seen, kMemory);
  NoiseSuspect suspect;
  suspect.sample_id = static_cast<std::int64_t>(sample);
  suspect.score = static_cast<float>((times * record.mean / kSteps + kPrior * m0) / (times + kPrior));
  suspect.mean_cosine = from_steps(record.mean);
  suspect.last_cosine = from_steps(record.last);
  suspect.times_seen = record.seen;
  suspect.times_under = record.under;
  return suspect;
}

std::vector<NoiseSuspect> NoiseLog::suspects(std::size_t at_least) const {
  const double m0 = mean_of_means();
  std::vector<NoiseSuspect> found;
  std::vector<NoiseSuspect> next;  // the worst of the others, a heap with the least bad on top
  for (std::size_t i = 0; i < records_.size(); ++i) {
    const Record& record = records_[i];
    if (record.seen == 0) continue;
    if (record.mean < threshold_ || record.last < threshold_) {
      found.push_back(suspect_of(i, m0));
    } else if (at_least > 0) {
      next.push_back(suspect_of(i, m0));
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

void NoiseLog::save(NamedArrays& state, const std::string& name) const {
  std::vector<std::uint64_t> words(records_.size());
  if (!words.empty()) std::memcpy(words.data(), records_.data(), words.size() * sizeof(Record));
  state.put(name, words);
}

void NoiseLog::restore(const NamedArrays& state, const std::string& name) {
  const std::vector<std::uint64_t> words = state.get<std::uint64_t>(name);
  if (words.size() != records_.size()) {
    throw Error(ErrorKind::kFormat, fmt::format("array '{}': expected {} samples, got {}; it belongs to another data set",
                                                name, records_.size(), words.size()));
  }
  if (!words.empty()) std::memcpy(static_cast<void*>(records_.data()), words.data(), words.size() * sizeof(Record));
  count_noise();
}

void NoiseLog::count_noise() {
  noise_samples_ = std::count_if(records_.begin(), records_.end(), [&](const Record& r) { return last_is_under(r); });
}

}  // namespace aface
