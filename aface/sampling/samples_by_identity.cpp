#include "aface/sampling/samples_by_identity.h"

namespace aface {

SamplesByIdentity::SamplesByIdentity(Span<const std::int64_t> identities, std::int64_t num_identities)
    : begins_(static_cast<std::size_t>(num_identities) + 1), firsts_(static_cast<std::size_t>(num_identities)) {
  for (const std::int64_t identity : identities) ++begins_[static_cast<std::size_t>(identity) + 1];
  for (std::size_t i = 1; i < begins_.size(); ++i) begins_[i] += begins_[i - 1];

  bool side_by_side = true, in_order = true;
  std::vector<bool> seen(static_cast<std::size_t>(num_identities));
  for (std::size_t i = 0; i < identities.size(); ++i) {
    if (i > 0 && identities[i] == identities[i - 1]) continue;
    const auto identity = static_cast<std::size_t>(identities[i]);
    side_by_side = side_by_side && !seen[identity];
    seen[identity] = true;
    firsts_[identity] = static_cast<std::uint32_t>(i);
    in_order = in_order && i == begins_[identity];
  }
  if (in_order || !side_by_side) firsts_ = {};
  if (side_by_side) return;

  samples_.resize(identities.size());
  std::vector<std::uint32_t> next(begins_.begin(), begins_.end() - 1);
  for (std::size_t i = 0; i < identities.size(); ++i) {
    samples_[next[static_cast<std::size_t>(identities[i])]++] = static_cast<std::uint32_t>(i);
  }
}

}  // namespace aface
