#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "aface/core/across_ranks.h"
#include "aface/core/named_arrays.h"

namespace aface {

// A sample whose label is doubted, with what was seen of it.
struct NoiseSuspect {
  std::int64_t sample_id = 0;
  float score = 0;               // what suspects are ranked by, lower is worse; see NoiseLog
  float mean_cosine = 0;         // running mean of the cosines with its own prototype, to 0.005
  std::int32_t times_seen = 0;   // since the log began; stops counting at NoiseLog::kMostSeen
  bool last_was_under = false;   // the latest cosine was under the threshold
};

// Remembers how close each sample comes to its own prototype, to rank doubtful labels. 2 bytes a sample.
//
//   mean   the plain mean of a sample's first kMemory cosines, then exponential with weight 1 / kMemory
//   score  (n * mean + kPrior * m0) / (n + kPrior),  n = min(times seen, kMemory), m0 = mean of all samples' means
//
// The last cosine alone carries the chance of one crop. A mean over the whole run still carries the early steps, when
// every sample was far from its prototype. The pull towards m0 is for samples seen once or twice, which adaptive
// sampling makes of every sample that once fell under the threshold: among them many are good photos with one bad
// crop. On simulated runs of the adaptive sampler with 5 % wrong labels and much chance in a crop this finds 73 % of
// them (68 % by the mean, 67 % by the last value); with uniform sampling score and mean agree and beat the last value.
class NoiseLog {
 public:
  static constexpr int kMemory = 8;
  static constexpr int kMostSeen = 15;
  static constexpr double kPrior = 0.5;

  // Of the samples [first, first + num_samples).
  NoiseLog(std::size_t num_samples, double threshold, std::size_t first = 0);

  // `own_cosine` must be finite.
  void record(std::int64_t sample_id, float own_cosine);

  // Samples whose last cosine was under the threshold.
  std::int64_t noise_samples() const { return noise_samples_; }
  // Samples whose running mean or last cosine is under the threshold and, while those are fewer than `at_least`, the
  // samples seen that come next by score. Lowest score first, equal scores by lower id.
  // `ranks` that each have the log of other samples: of all of them, by a call of all.
  std::vector<NoiseSuspect> suspects(std::size_t at_least = 0, AcrossRanks* ranks = nullptr) const;

  // One array `name`, a view of the log's own memory until the next record(); restore() throws Error{kFormat} when it
  // holds another number of samples.
  void save(NamedArrays& state, const std::string& name) const;
  void restore(const NamedArrays& state, const std::string& name);

 private:
  // What is kept of a sample, in 16 bits: the mean in 11 (steps of 1/1023, which is far below the chance of a crop), the
  // times it was seen in 4, and whether it was last under the threshold.
  struct Record {
    int mean = 0;
    int seen = 0;
    bool under = false;
  };
  static Record unpack(std::uint16_t bits);
  static std::uint16_t pack(const Record& record);

  // m0 of the score above.
  double mean_of_means(AcrossRanks* ranks) const;
  NoiseSuspect suspect_of(std::size_t place, const Record& record, double m0) const;

  double threshold_;
  std::size_t first_;
  std::vector<std::uint16_t> records_;
  std::int64_t noise_samples_ = 0;
};

}  // namespace aface
