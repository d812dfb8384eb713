#include "aface/data/flip_labels.h"

#include <fmt/core.h>

#include <cmath>
#include <numeric>

#include "aface/core/error.h"
#include "aface/core/random.h"

namespace aface {

std::vector<std::int64_t> flip_labels(Span<const std::int64_t> identities, std::int64_t num_identities,
                                      double share, std::uint64_t seed) {
  if (!(share >= 0 && share < 1)) {
    throw Error(ErrorKind::kUsage, fmt::format("share of flipped labels {} (expected 0 to below 1)", share));
  }
  if (num_identities < 2) {
    throw Error(
        ErrorKind::kUsage,
        fmt::format("{} identities (expected at least 2, so that there is another label)", num_identities));
  }
  std::vector<std::size_t> order(identities.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random random(seed);
  random.shuffle(order);

  std::vector<std::size_t> candidates;  // all but the first of each identity in this order
  std::vector<bool> has_one(static_cast<std::size_t>(num_identities));
  for (const std::size_t sample : order) {
    const auto identity = static_cast<std::size_t>(identities[sample]);
    if (has_one[identity]) candidates.push_back(sample);
    has_one[identity] = true;
  }
  const auto wanted = static_cast<std::size_t>(std::llround(share * static_cast<double>(identities.size())));
  if (wanted > candidates.size()) {
    throw Error(
        ErrorKind::kUsage,
        fmt::format(
            "{} of {} labels to flip, but one photo of each of the {} identities keeps its own (at most "
            "{}); flip fewer",
            wanted, identities.size(), num_identities, candidates.size()));
  }
  std::vector<std::int64_t> flipped(identities.begin(), identities.end());
  for (std::size_t i = 0; i < wanted; ++i) {
    std::int64_t& label = flipped[candidates[i]];
    const std::int64_t other = random.below(num_identities - 1);
    label = other >= label ? other + 1 : other;
  }
  return flipped;
}

}  // namespace aface
