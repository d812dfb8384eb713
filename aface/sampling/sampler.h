#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "aface/core/across_ranks.h"
#include "aface/core/named_arrays.h"
#include "aface/core/registry.h"
#include "aface/core/shard.h"
#include "aface/core/span.h"
#include "aface/sampling/noise_log.h"
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
  virtual void take_feedback(Span<const SampleFeedback> /*feedback*/, std::int64_t /*step*/) {}

  // Everything that later draws depend on, under "sampler.*"; restore() continues the same stream exactly. Large arrays
  // are views of the sampler's own memory, valid until its next draw or feedback (NamedArrays::own_all() makes them last).
  // restore() throws Error{kFormat} when the state belongs to another kind or number of samples.
  virtual void save(NamedArrays& state) const = 0;
  virtual void restore(const NamedArrays& state) = 0;

  // Numbers for the log, by name; empty for samplers that do not adapt. For `adaptive`:
  //   effective_samples  (sum w)^2 / sum w^2: how many equally weighted samples would be as diverse
  //   noise_samples      samples whose last seen own cosine was under the noise threshold
  //   weight_band_1_2, _3_9, _10_29, _30_99, _100_up   mean weight relative to the start weight over the samples of
  //                      identities with so many samples; bands without samples are left out
  virtual std::map<std::string, double> report() const { return {}; }

  // Samples whose label is doubted, worst first, filled up to `at_least` with the next worst (see NoiseLog); empty for
  // samplers that keep no noise log.
  virtual std::vector<NoiseSuspect> noise_suspects(std::size_t /*at_least*/) const { return {}; }
};

using MakeSampler = std::unique_ptr<Sampler> (*)(const SamplerOptions& options, Span<const std::int64_t> identities,
                                                 std::int64_t num_identities, std::uint64_t seed, AcrossRanks* ranks);
// All samplers by name.
const std::vector<RegistryRow<MakeSampler>>& sampler_table();

// `identities[i]` is the identity of sample i, 0 .. num_identities-1; they must outlive the sampler. Throws Error{kUsage} on an unknown kind or
// options out of range, Error{kData} when there are no samples or an identity is out of range.
// `ranks`, which must outlive it, are those whose samplers are one: each has the weights and the noise log of its own samples
// (samples_of_rank), all draw the same, which is what one alone would, and are told the same. Then all of the sampler's
// functions but save() are to be called by all ranks alike; save() gives the arrays of this rank's samples, and restore() takes
// them. Null: alone.
std::unique_ptr<Sampler> make_sampler(const SamplerOptions& options, Span<const std::int64_t> identities,
                                      std::int64_t num_identities, std::uint64_t seed, AcrossRanks* ranks = nullptr);

// The samples that a rank has: a range, whole blocks of weights.
Shard samples_of_rank(std::int64_t num_samples, int rank, int size);
constexpr std::int64_t kSampleBlock = 64;  // two cache lines of weights

}  // namespace aface
