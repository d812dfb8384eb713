#include "aface/sampling/sampler.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "aface/sampling/adaptive_sampler.h"
#include "aface/sampling/balanced_sampler.h"
#include "aface/sampling/shuffle_sampler.h"

namespace aface {
namespace {

void check_identities(Span<const std::int64_t> identities, std::int64_t num_identities) {
  constexpr std::size_t kMostSamples = std::numeric_limits<std::int32_t>::max();
  if (identities.empty() || identities.size() > kMostSamples) {
    throw Error(ErrorKind::kData, fmt::format("sampler: expected 1 to {} samples, got {}; check the data set",
                                              kMostSamples, identities.size()));
  }
  for (std::size_t i = 0; i < identities.size(); ++i) {
    if (identities[i] >= 0 && identities[i] < num_identities) continue;
    throw Error(ErrorKind::kData, fmt::format("sampler: sample {} has identity {} (expected 0 to {}); check the data set",
                                              i, identities[i], num_identities - 1));
  }
}

}  // namespace

const std::vector<RegistryRow<MakeSampler>>& sampler_table() {
  static const std::vector<RegistryRow<MakeSampler>> table = {
      {"shuffle", "every photo once an epoch",
       [](const SamplerOptions&, Span<const std::int64_t> identities, std::int64_t,
          std::uint64_t seed, AcrossRanks*) -> std::unique_ptr<Sampler> {
         return std::make_unique<ShuffleSampler>(identities.size(), seed);
       }},
      {"balanced", "identities in proportion to a power of their photos, then a photo",
       [](const SamplerOptions& options, Span<const std::int64_t> identities, std::int64_t num_identities,
          std::uint64_t seed, AcrossRanks*) -> std::unique_ptr<Sampler> {
         return std::make_unique<BalancedSampler>(options, identities, num_identities, seed);
       }},
      {"adaptive", "photos by weights that the classifier's answers move (ADS)",
       [](const SamplerOptions& options, Span<const std::int64_t> identities, std::int64_t num_identities,
          std::uint64_t seed, AcrossRanks* ranks) -> std::unique_ptr<Sampler> {
         return std::make_unique<AdaptiveSampler>(options, identities, num_identities, seed, ranks);
       }},
  };
  return table;
}

std::unique_ptr<Sampler> make_sampler(const SamplerOptions& options, Span<const std::int64_t> identities,
                                      std::int64_t num_identities, std::uint64_t seed, AcrossRanks* ranks) {
  const auto& row = find_row(sampler_table(), options.kind, "sampler");
  check_identities(identities, num_identities);
  return row.make(options, identities, num_identities, seed, ranks);
}

Shard samples_of_rank(std::int64_t num_samples, int rank, int size) {
  const Shard blocks = shard_of((num_samples + kSampleBlock - 1) / kSampleBlock, rank, size);
  return {std::min(num_samples, blocks.first * kSampleBlock), std::min(num_samples, blocks.end * kSampleBlock)};
}

}  // namespace aface
