#include "aface/sampling/weight_tree.h"

#include <limits>
#include <utility>

#include "aface/core/check.h"

namespace aface {

WeightTree::WeightTree(std::vector<std::uint32_t> weights) : weights_(std::move(weights)) {
  AFACE_CHECK(weights_.size() <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()),
              "{} weights would overflow the sum", weights_.size());
  std::vector<std::uint64_t> sums((weights_.size() + kLeafBlock - 1) / kLeafBlock);
  for (std::size_t i = 0; i < weights_.size(); ++i) sums[i / kLeafBlock] += weights_[i];
  sums_ = BlockSums(std::move(sums));
}

void WeightTree::set_weight(std::size_t i, std::uint32_t weight) {
  sums_.change(i / kLeafBlock, weights_[i], weight);
  weights_[i] = weight;
}

std::size_t WeightTree::find(std::uint64_t point) const {
  std::size_t i = sums_.find(point) * kLeafBlock;
  for (; point >= weights_[i]; ++i) point -= weights_[i];  // ends in this block, as its sum is above the point
  return i;
}

std::size_t WeightTree::draw(Random& random) const {
  return find(static_cast<std::uint64_t>(random.below(static_cast<std::int64_t>(total()))));
}

}  // namespace aface
