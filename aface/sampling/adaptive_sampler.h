#pragma once

#include <optional>

#include "aface/core/random.h"
#include "aface/sampling/noise_log.h"
#include "aface/sampling/sampler.h"
#include "aface/sampling/weight_tree.h"

namespace aface {

// Adaptive data sampling: the classifier tells which samples are still worth showing (AdaptiveFace, CVPR 2019, ADS;
// the paper's amounts are not known, these are ours). With q = weight / start weight of a sample after feedback:
//   own cosine < noise_threshold (from noise_start_step on):  q <- min_weight
//   classified right:                                          q <- max(min_weight, down * q)
//   classified wrong:                                          q <- min(max_weight, up * q)
// start weight = n^-base_power for a sample of an identity with n samples. Within one call samples are drawn one
// after another in proportion to the weights of those not drawn yet.
//
// Memory: 6.3 bytes a sample, and 8 more for the noise log unless noise_threshold is -1, which turns the noise rule
// off.
class AdaptiveSampler : public Sampler {
 public:
  // Throws Error{kUsage} on options out of range or weights that spread too far (see weight_scale.h).
  AdaptiveSampler(const SamplerOptions& options, Span<const std::int64_t> identities, std::int64_t num_identities,
                  std::uint64_t seed);

  std::vector<std::int64_t> draw(std::int64_t count) override;
  void take_feedback(Span<const SampleFeedback> feedback, std::int64_t step) override;
  void save(NamedArrays& state) const override;
  void restore(const NamedArrays& state) override;
  std::map<std::string, double> report() const override;
  std::vector<NoiseSuspect> noise_suspects(std::size_t at_least) const override;

  // Weight of a sample relative to its start weight.
  double relative_weight(std::int64_t sample_id) const;

 private:
  // What samples of identities of one size share, in units of the tree.
  struct SizeClass {
    std::int64_t size = 0;  // samples of the identity
    std::uint32_t start = 0;
    std::uint32_t low = 0;
    std::uint32_t high = 0;
  };

  std::vector<std::uint32_t> make_size_classes(Span<const std::int64_t> identities, std::int64_t num_identities);
  const SizeClass& class_of(std::size_t sample) const { return size_classes_[class_of_sample_[sample]]; }

  SamplerOptions options_;
  std::vector<SizeClass> size_classes_;
  // 16 bits are enough: k different sizes need k (k + 1) / 2 samples, and there are under 2^31.
  std::vector<std::uint16_t> class_of_sample_;
  WeightTree tree_;
  Random random_;
  std::optional<NoiseLog> noise_log_;
};

}  // namespace aface
