#pragma once

#include <optional>

#include "aface/core/random.h"
#include "aface/sampling/block_sums.h"
#include "aface/sampling/noise_log.h"
#include "aface/sampling/sampler.h"
#include "aface/sampling/samples_by_identity.h"
#include "aface/sampling/weight_codes.h"

namespace aface {

// Adaptive data sampling: the classifier tells which samples are still worth showing (AdaptiveFace, CVPR 2019, ADS;
// the paper's amounts are not known, these are ours). With q = weight / start weight of a sample after feedback:
//   own cosine < noise_threshold (from noise_start_step on):  q <- min_weight
//   classified right:                                          q <- max(min_weight, down * q)
//   classified wrong:                                          q <- min(max_weight, up * q)
// With keep_shares (ours) weights are multiplied by a factor an identity, which keeps their sum over it what it was at the
// start: photos of few-photo identities are soon learnt by heart, and would leave the draws to the rich without it.
// start weight = n^-base_power for a sample of an identity with n samples. Within one call samples are drawn one
// after another in proportion to the weights of those not drawn yet. q moves on a scale of 16 bits (weight_codes.h).
//
// Of several ranks each has the weights and the noise log of its own samples; all have the sums over blocks of 64 weights. A
// draw is a point on the line of all weights. The points come from a generator that is the same everywhere, the sums tell the
// block, and the block's owner which sample it is: one exchange for a round of points. A sample that was drawn before is drawn in
// vain, which gives the chances of drawing without it; a further round, without those, draws what is missing.
//
// Memory: 4.2 bytes a sample (2.2 without the noise log, which noise_threshold = -1 turns off, and the noise rule with
// it) and 2 an identity: 100 M samples take about 420 MB. On N ranks 4 / N + 0.2 bytes a sample. keep_shares takes 12 more
// an identity, 4 a sample where those of an identity do not lie side by side, time for each feedback in proportion to the
// samples of its identity, and on ranks an exchange of the blocks' changes.
class AdaptiveSampler : public Sampler {
 public:
  // `identities` is looked into for as long as the sampler lives. Throws Error{kUsage} on options out of range or weights
  // that spread too far (see weight_scale.h).
  AdaptiveSampler(const SamplerOptions& options, Span<const std::int64_t> identities, std::int64_t num_identities,
                  std::uint64_t seed, AcrossRanks* ranks = nullptr);

  std::vector<std::int64_t> draw(std::int64_t count) override;
  void take_feedback(Span<const SampleFeedback> feedback, std::int64_t step) override;
  void save(NamedArrays& state) const override;
  void restore(const NamedArrays& state) override;
  std::map<std::string, double> report() const override;
  std::vector<NoiseSuspect> noise_suspects(std::size_t at_least) const override;

  // Weight of a sample (of this rank) relative to its start weight.
  double relative_weight(std::int64_t sample_id) const;

 private:
  using Code = WeightCodes::Code;
  // One that was drawn in the current call.
  struct Taken {
    std::size_t sample = 0;
    std::uint64_t units = 0;
    Code code = 0;  // known to its owner
  };

  void make_size_classes(std::int64_t num_identities);
  std::size_t class_of(std::size_t sample) const {
    return class_of_identity_[static_cast<std::size_t>(identities_[sample])];
  }
  // Weight in the integers that draws are made by.
  std::uint32_t units(std::size_t sample, Code code) const {
    return units_of(scale(static_cast<std::size_t>(identities_[sample])), code);
  }
  std::uint32_t units_of(double scale, Code code) const { return static_cast<std::uint32_t>(scale * weights_.weight(code) + 0.5); }
  // Units of a weight of 1 of an identity's samples.
  double scale(std::size_t identity) const {
    const double start = start_units_.size() == 1 ? start_units_[0] : start_units_[class_of_identity_[identity]];
    return start * factor(identity);
  }
  double factor(std::size_t identity) const { return shares_ ? shares_->factors[identity] : 1; }
  bool is_own(std::size_t sample) const { return own_.has(static_cast<std::int64_t>(sample)); }
  Code& code_of(std::size_t sample) { return codes_[sample - static_cast<std::size_t>(own_.first)]; }
  const Code& code_of(std::size_t sample) const { return codes_[sample - static_cast<std::size_t>(own_.first)]; }
  // With keep_shares. Weights of this rank's samples of some identities, one after another; the factors that keep what they
  // add up to over all ranks; and the sums over blocks told of what that changed.
  std::vector<std::uint32_t> own_units(const std::vector<std::size_t>& identities) const;
  void keep_shares(const std::vector<std::size_t>& identities);
  void tell_sums(const std::vector<std::size_t>& identities, const std::vector<std::uint32_t>& before);
  // Sums over all ranks' blocks.
  void add_up();
  // The samples at so many points of the line of weights, some maybe more than once.
  std::vector<Taken> draw_round(std::int64_t count);
  void take_away(Taken& one);
  void put_back(std::vector<Taken>& taken);

  SamplerOptions options_;
  Span<const std::int64_t> identities_;
  AcrossRanks* ranks_;
  Shard own_;
  // Identities with as many samples are of one class. 16 bits are enough: k different sizes need k (k + 1) / 2 samples,
  // and there are under 2^31.
  std::vector<std::uint16_t> class_of_identity_;
  std::vector<std::uint32_t> class_sizes_;  // samples of an identity of each class, ascending
  std::vector<double> start_units_;         // start weight of each class in units; a single one when all are alike
  WeightCodes weights_;
  int steps_down_ = 0;
  int steps_up_ = 0;
  struct Shares {
    SamplesByIdentity samples;    // of this rank, counted from its first
    std::vector<double> factors;  // [identities]
  };
  std::optional<Shares> shares_;  // with keep_shares
  std::vector<Code> codes_;  // of each own sample's weight relative to its start
  BlockSums sums_;
  Random random_;
  std::optional<NoiseLog> noise_log_;
};

}  // namespace aface
