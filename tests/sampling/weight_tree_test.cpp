#include "aface/sampling/weight_tree.h"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "aface/core/error.h"
#include "tests/support/chi_square.h"

namespace aface {
namespace {

std::uint64_t plain_sum(const std::vector<std::uint32_t>& weights) {
  return std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
}

std::size_t plain_find(const std::vector<std::uint32_t>& weights, std::uint64_t point) {
  std::size_t i = 0;
  for (; point >= weights[i]; ++i) point -= weights[i];
  return i;
}

TEST(WeightTree, SumsAreExactAfterAMillionChanges) {
  Random random(1);
  std::vector<std::uint32_t> weights(20011);
  for (auto& weight : weights) weight = static_cast<std::uint32_t>(random.next());
  WeightTree tree(weights);
  for (int i = 0; i < 1000000; ++i) {
    const auto at = static_cast<std::size_t>(random.below(20011));
    // All magnitudes, and the extremes 0 and 2^32 - 1 often.
    const int kind = static_cast<int>(random.below(4));
    const std::uint32_t weight = kind == 0   ? 0
                                 : kind == 1 ? std::numeric_limits<std::uint32_t>::max()
                                             : static_cast<std::uint32_t>(random.next() >> (32 + random.below(32)));
    tree.set_weight(at, weight);
    weights[at] = weight;
  }
  ASSERT_EQ(tree.weights(), weights);
  ASSERT_EQ(tree.total(), plain_sum(weights));
  for (int i = 0; i < 3000; ++i) {
    const auto point = static_cast<std::uint64_t>(random.below(static_cast<std::int64_t>(tree.total())));
    ASSERT_EQ(tree.find(point), plain_find(weights, point));
  }
}

TEST(WeightTree, FindsEveryPointOfSmallTrees) {
  Random random(2);
  for (const std::size_t size : {1U, 2U, 31U, 32U, 33U, 511U, 512U, 513U, 8193U}) {
    std::vector<std::uint32_t> weights(size);
    for (auto& weight : weights) weight = static_cast<std::uint32_t>(random.below(3));
    weights[size / 2] = 1;
    const WeightTree tree(weights);
    std::uint64_t point = 0;
    for (std::size_t i = 0; i < size; ++i) {
      for (std::uint32_t unit = 0; unit < weights[i]; ++unit) ASSERT_EQ(tree.find(point++), i) << "size " << size;
    }
    EXPECT_EQ(point, tree.total());
    EXPECT_THROW(tree.find(point), Error);
  }
}

TEST(WeightTree, DrawsFollowTheWeightsAndNeverPickZero) {
  Random random(3);
  std::vector<std::uint32_t> weights(1000);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    weights[i] = i % 7 == 0 ? 0 : static_cast<std::uint32_t>(1000000 + random.below(40000000));
  }
  const WeightTree tree(weights);
  constexpr int kDraws = 400000;
  std::vector<double> counts(weights.size());
  for (int i = 0; i < kDraws; ++i) ++counts[tree.draw(random)];
  std::vector<double> expected(weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i) expected[i] = kDraws * (weights[i] / double(tree.total()));
  EXPECT_LT(std::abs(chi_square_deviation(counts, expected)), 4);
}

TEST(WeightTree, AnEmptyTreeHasNothingToDraw) {
  Random random(4);
  EXPECT_EQ(WeightTree({}).total(), 0U);
  EXPECT_THROW(WeightTree({}).find(0), Error);
  EXPECT_THROW(WeightTree({0, 0}).draw(random), Error);
}

}  // namespace
}  // namespace aface
