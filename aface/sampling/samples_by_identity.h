#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "aface/core/span.h"

namespace aface {

// Which samples each identity has. 4 bytes a sample and 4 an identity.
class SamplesByIdentity {
 public:
  // `identities[i]`, 0 .. num_identities - 1, is that of sample i; fewer than 2^32 samples.
  SamplesByIdentity(Span<const std::int64_t> identities, std::int64_t num_identities);

  std::size_t num_identities() const { return begins_.size() - 1; }
  std::size_t num_samples() const { return samples_.size(); }

  // In ascending order.
  Span<const std::uint32_t> of(std::size_t identity) const {
    return {samples_.data() + begins_[identity], begins_[identity + 1] - begins_[identity]};
  }

 private:
  std::vector<std::uint32_t> begins_;  // [num_identities + 1]: identity c has samples_[begins_[c] .. begins_[c + 1])
  std::vector<std::uint32_t> samples_;
};

}  // namespace aface
