#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "aface/core/named_arrays.h"
#include "aface/core/span.h"
#include "aface/sampling/sampler_options.h"

namespace aface {

// What the classifier says about one sample that was just trained on.
struct SampleFeedback {
  std::int64_t sample_id = 0;
  float own_cosine = 0;   // cosine with the own prototype, before margin and scale
  bool correct = false;   // own prototype had the highest plain cosine among the active ones
};

// Decides which samples the next batch holds. One owner, no threads. Draws depend on the options, the seed and the
// feedback only.
class Sampler {
 public:
  virtual ~Sampler() = default;

  // The ids of the next `count` samples, each 0 .. num_samples-1. No repeats within one call for `shuffle` inside an
  // epoch and for `adaptive` while count <= num_samples.
  virtual std::vector<std::int64_t> draw(std::int64_t count) = 0;

  // Ignored by samplers that do not adapt. `step` is the training step the feedback comes from.
  virtual void take_feedback(Span<const SampleFeedback> feedback, std::int64_t step) = 0;

  // Everything that later draws depend on, under "sampler.*"; restore() continues the same stream exactly.
  // restore() throws Error{kFormat} when the state belongs to another kind or number of samples.
  virtual void save(NamedArrays& state) const = 0;
  virtual void restore(const NamedArrays& state) = 0;

  // Numbers for the log, by name: for `adaptive` "effective_samples" ((sum w)^2 / sum w^2), "noise_samples",
  // "weight_band_poorest" ... ; empty for the others.
  virtual std::map<std::string, double> report() const = 0;
};

// `identities[i]` is the identity of sample i. Throws Error{kUsage} on an unknown kind.
std::unique_ptr<Sampler> make_sampler(const SamplerOptions& options, Span<const std::int64_t> identities,
                                      std::int64_t num_identities, std::uint64_t seed);

}  // namespace aface
