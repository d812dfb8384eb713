#include "aface/sampling/samples_by_identity.h"

namespace aface {

SamplesByIdentity::SamplesByIdentity(Span<const std::int64_t> identities, std::int64_t num_identities)
    : begins_(static_cast<std::size_t>(num_identities) + 1), samples_(identities.size()) {
  for (const std::int64_t identity : identities) ++begins_[static_cast<std::size_t>(identity) + 1];
  for (std::size_t i = 1; i < begins_.size(); ++i) begins_[i] += begins_[i - 1];
  std::vector<std::uint32_t> next(begins_.begin(), begins_.end() - 1);
  for (std::size_t i = 0; i < identities.size(); ++i) {
    samples_[next[static_cast<std::size_t>(identities[i])]++] = static_cast<std::uint32_t>(i);
  }
}

}  // namespace aface
