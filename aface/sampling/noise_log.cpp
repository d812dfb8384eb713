#include "aface/sampling/noise_log.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

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

static_assert(std::is_trivially_copyable_v<NoiseSuspect>);
std::vector<NoiseSuspect> of_all(const std::vector<NoiseSuspect>& mine, AcrossRanks& ranks) {
  std::vector<NoiseSuspect> all;
  for (const auto& bytes :
       ranks.gather({reinterpret_cast<const unsigned char*>(mine.data()), mine.size() * sizeof(NoiseSuspect)})) {
    const std::size_t before = all.size();
    all.resize(before + bytes.size() / sizeof(NoiseSuspect));
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<unsigned char*>(all.data() + before));
  }
  return all;
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

NoiseLog::NoiseLog(std::size_t num_samples, double threshold, std::size_t first)
    : threshold_(threshold), first_(first), records_(num_samples, pack(Record())) {}

void NoiseLog::record(std::int64_t sample_id, float own_cosine) {
  const std::int64_t place = sample_id - static_cast<std::int64_t>(first_);
  AFACE_CHECK(place >= 0 && static_cast<std::size_t>(place) < records_.size(), "sample {} of {} from {}", sample_id,
              records_.size(), first_);
  AFACE_CHECK(std::isfinite(own_cosine), "own cosine of sample {} is not finite", sample_id);
  std::uint16_t& bits = records_[static_cast<std::size_t>(place)];
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

double NoiseLog::mean_of_means(AcrossRanks* ranks) const {
  std::vector<double> totals = {0, 0};  // whole numbers: exact in any order
  double &sum = totals[0], &seen = totals[1];
  for (const std::uint16_t bits : records_) {
    const Record record = unpack(bits);
    if (record.seen == 0) continue;
    sum += record.mean;
    ++seen;
  }
  if (ranks != nullptr) ranks->sum(totals);
  return sum / (std::max(1.0, seen) * kSteps);
}

NoiseSuspect NoiseLog::suspect_of(std::size_t place, const Record& record, double m0) const {
  const double times = std::min(record.seen, kMemory);
  const double mean = static_cast<double>(record.mean) / kSteps;
  NoiseSuspect suspect;
  suspect.sample_id = static_cast<std::int64_t>(first_ + place);
  suspect.score = static_cast<float>((times * mean + kPrior * m0) / (times + kPrior));
  suspect.mean_cosine = static_cast<float>(mean);
  suspect.times_seen = record.seen;
  suspect.last_was_under = record.under;
  return suspect;
}

std::vector<NoiseSuspect> NoiseLog::suspects(std::size_t at_least, AcrossRanks* ranks) const {
  const double m0 = mean_of_means(ranks);
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
  if (ranks != nullptr) {
    found = of_all(found, *ranks);
    next = of_all(next, *ranks);
  }
  std::sort(next.begin(), next.end(), is_worse);
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
