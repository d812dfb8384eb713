#pragma once

#include "aface/core/random.h"
#include "aface/sampling/sampler.h"
#include "aface/sampling/samples_by_identity.h"
#include "aface/sampling/weight_tree.h"

namespace aface {

// Draws an identity of n samples in proportion to n^(1 - identity_power), then one of its samples, all alike. Draws
// are independent: a sample may come twice in one call.
class BalancedSampler : public Sampler {
 public:
  // Throws Error{kUsage} when the powers spread further than the integer weights reach (see weight_scale.h).
  BalancedSampler(const SamplerOptions& options, Span<const std::int64_t> identities, std::int64_t num_identities,
                  std::uint64_t seed);

  std::vector<std::int64_t> draw(std::int64_t count) override;
  void save(NamedArrays& state) const override;
  void restore(const NamedArrays& state) override;

 private:
  SamplesByIdentity samples_;
  WeightTree tree_;  // over identities
  Random random_;
};

}  // namespace aface
