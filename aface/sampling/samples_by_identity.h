#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "aface/core/span.h"

namespace aface {

// Which samples each identity has. Where those of every identity lie side by side, as in most lists, 4 bytes an identity;
// else 4 bytes a sample more.
class SamplesByIdentity {
 public:
  // `identities[i]`, 0 .. num_identities - 1, is that of sample i; fewer than 2^32 samples.
  SamplesByIdentity(Span<const std::int64_t> identities, std::int64_t num_identities);

  std::size_t num_identities() const { return begins_.size() - 1; }
  std::size_t num_samples() const { return begins_.back(); }

  // Of one identity, in ascending order.
  class Samples {
   public:
    std::size_t size() const { return size_; }
    std::uint32_t operator[](std::size_t i) const { return listed_ == nullptr ? first_ + static_cast<std::uint32_t>(i) : listed_[i]; }

   private:
    friend class SamplesByIdentity;
    const std::uint32_t* listed_ = nullptr;
    std::uint32_t first_ = 0;
    std::size_t size_ = 0;
  };
  Samples of(std::size_t identity) const {
    Samples samples;
    samples.size_ = begins_[identity + 1] - begins_[identity];
    if (samples_.empty()) {
      samples.first_ = firsts_.empty() ? begins_[identity] : firsts_[identity];
    } else {
      samples.listed_ = samples_.data() + begins_[identity];
    }
    return samples;
  }

 private:
  std::vector<std::uint32_t> begins_;   // [num_identities + 1]: identity c has places begins_[c] .. begins_[c + 1]
  std::vector<std::uint32_t> firsts_;   // [num_identities] first sample, where they lie side by side in another order
  std::vector<std::uint32_t> samples_;  // by place, where they do not
};

}  // namespace aface
