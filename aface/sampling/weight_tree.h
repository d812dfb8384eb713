#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "aface/core/random.h"
#include "aface/sampling/block_sums.h"

namespace aface {

// Draws in proportion to integer weights that change all the time, in O(log n) a draw or change. All sums are exact
// integers, so they never drift and a draw depends on the weights alone, not on how they came about.
// Memory: 4 bytes a weight and under 0.3 bytes of sums (427 MB for 100 M weights). One owner, no threads.
class WeightTree {
 public:
  // At most 2^31 - 1 weights. Zero weights are never drawn.
  explicit WeightTree(std::vector<std::uint32_t> weights);

  std::size_t size() const { return weights_.size(); }
  std::uint64_t total() const { return sums_.total(); }
  std::uint32_t weight(std::size_t i) const { return weights_[i]; }
  const std::vector<std::uint32_t>& weights() const { return weights_; }
  void set_weight(std::size_t i, std::uint32_t weight);

  // The i for which weight(0) + ... + weight(i-1) <= point < weight(0) + ... + weight(i); point < total().
  std::size_t find(std::uint64_t point) const;
  // i with probability weight(i) / total(). total() must not be 0.
  std::size_t draw(Random& random) const;

 private:
  static constexpr std::size_t kLeafBlock = 32;  // two cache lines of weights under each sum

  std::vector<std::uint32_t> weights_;
  BlockSums sums_;
};

}  // namespace aface
