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

std::vector<NoiseSuspect> NoiseLog::suspects() const {
  std::vector<NoiseSuspect> found;
  for (std::size_t i = 0; i < records_.size(); ++i) {
    const Record& record = records_[i];
    if (record.seen == 0 || (record.mean >= threshold_ && record.last >= threshold_)) continue;
    found.push_back({static_cast<std::int64_t>(i), from_steps(record.mean), from_steps(record.last), record.seen,
                     record.under});
  }
  std::stable_sort(found.begin(), found.end(), [](const NoiseSuspect& a, const NoiseSuspect& b) {
    return a.mean_cosine < b.mean_cosine;
  });
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
