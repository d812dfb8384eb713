#include "aface/sampling/weight_tree.h"

#include <limits>
#include <utility>

#include "aface/core/check.h"

namespace aface {
namespace {

constexpr std::size_t kLeafBlock = 32;  // two cache lines of weights under each sum
constexpr std::size_t kFanOut = 16;     // two cache lines of sums

template <class T>
std::vector<std::uint64_t> block_sums(const std::vector<T>& values, std::size_t block) {
  std::vector<std::uint64_t> sums((values.size() + block - 1) / block);
  for (std::size_t i = 0; i < values.size(); ++i) sums[i / block] += values[i];
  return sums;
}

// Walks from `begin` past every value that `point` lies behind. The caller knows that the walk ends in its block.
template <class T>
std::size_t walk(const std::vector<T>& values, std::size_t begin, std::uint64_t& point) {
  std::size_t i = begin;
  for (; point >= values[i]; ++i) point -= values[i];
  return i;
}

}  // namespace

WeightTree::WeightTree(std::vector<std::uint32_t> weights) : weights_(std::move(weights)) {
  AFACE_CHECK(weights_.size() <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()),
              "{} weights would overflow the sum", weights_.size());
  sums_.push_back(block_sums(weights_, kLeafBlock));
  while (sums_.back().size() > kFanOut) sums_.push_back(block_sums(sums_.back(), kFanOut));
  for (const std::uint64_t sum : sums_.back()) total_ += sum;
}

void WeightTree::set_weight(std::size_t i, std::uint32_t weight) {
  // Unsigned arithmetic wraps, so adding a negative change is exact too.
  const std::uint64_t change = static_cast<std::uint64_t>(weight) - weights_[i];
  weights_[i] = weight;
  std::size_t block = i / kLeafBlock;
  for (auto& level : sums_) {
    level[block] += change;
    block /= kFanOut;
  }
  total_ += change;
}

std::size_t WeightTree::find(std::uint64_t point) const {
  AFACE_CHECK(point < total_, "point {} of {}", point, total_);
  std::size_t block = 0;
  for (auto level = sums_.rbegin(); level != sums_.rend(); ++level) block = walk(*level, block * kFanOut, point);
  return walk(weights_, block * kLeafBlock, point);
}

std::size_t WeightTree::draw(Random& random) const {
  return find(static_cast<std::uint64_t>(random.below(static_cast<std::int64_t>(total_))));
}

}  // namespace aface
