#include "aface/eval/identity_bootstrap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "tests/support/chi_square.h"

namespace aface {
namespace {

TEST(DrawIdentities, DrawsAsManyAsThereAre) {
  for (const std::int64_t people : {0, 1, 2, 7, 1000}) {
    const auto weights = draw_identities(people, 5, 3);
    EXPECT_EQ(static_cast<std::int64_t>(weights.size()), people);
    EXPECT_EQ(std::accumulate(weights.begin(), weights.end(), std::int64_t{0}), people);
  }
}

// Multinomial(n, 1/n): mean 1, variance 1 - 1/n, covariance -1/n.
TEST(DrawIdentities, HasTheMomentsOfTheMultinomial) {
  const std::int64_t people = 5, replicates = 40000;
  std::vector<double> sum(5), square(5);
  double product = 0;
  for (std::int64_t r = 0; r < replicates; ++r) {
    const auto weights = draw_identities(people, 11, r);
    for (std::size_t i = 0; i < 5; ++i) {
      sum[i] += weights[i];
      square[i] += weights[i] * weights[i];
    }
    product += weights[0] * weights[1];
  }
  const double n = replicates;
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(sum[i] / n, 1, 5 * std::sqrt(0.8 / n)) << i;
    EXPECT_NEAR(square[i] / n - 1, 0.8, 0.04) << i;
  }
  EXPECT_NEAR(product / n - 1, -0.2, 0.03);
}

TEST(DrawIdentities, EachWeightIsBinomial) {
  std::vector<double> counts(5), expected(5);
  const std::int64_t replicates = 20000;
  for (std::int64_t r = 0; r < replicates; ++r) {
    ++counts[std::min<std::size_t>(4, draw_identities(10, 3, r)[7])];
  }
  double p = std::pow(0.9, 10), rest = 1;
  for (std::size_t k = 0; k < 4; ++k) {
    expected[k] = p * replicates;
    rest -= p;
    p *= static_cast<double>(10 - k) / static_cast<double>(k + 1) / 9;
  }
  expected[4] = rest * replicates;
  EXPECT_LT(std::abs(chi_square_deviation(counts, expected)), 4);
}

TEST(DrawIdentities, DependsOnSeedAndReplicateOnly) {
  EXPECT_EQ(draw_identities(100, 1, 2), draw_identities(100, 1, 2));
  EXPECT_NE(draw_identities(100, 1, 2), draw_identities(100, 1, 3));
  EXPECT_NE(draw_identities(100, 1, 2), draw_identities(100, 2, 2));
  EXPECT_NE(draw_identities(100, 1, 2), draw_identities(100, 2, 1));
}

TEST(ForEachDraw, VisitsEachReplicateOnceWithItsDrawForAnyThreads) {
  for (const int threads : {1, 2, 5}) {
    BootstrapOptions options;
    options.replicates = 50;
    options.seed = 9;
    options.threads = threads;
    std::vector<std::vector<std::uint16_t>> draws(50);
    std::vector<int> visits(50);
    for_each_draw(30, options, [&](std::int64_t replicate, Span<const std::uint16_t> weights) {
      const auto r = static_cast<std::size_t>(replicate);
      draws[r].assign(weights.begin(), weights.end());
      ++visits[r];
    });
    for (std::size_t r = 0; r < 50; ++r) {
      EXPECT_EQ(visits[r], 1);
      EXPECT_EQ(draws[r], draw_identities(30, 9, static_cast<std::int64_t>(r)));
    }
  }
}

TEST(ForEachDraw, NoReplicatesNoVisits) {
  BootstrapOptions options;
  options.replicates = 0;
  for_each_draw(30, options, [](std::int64_t, Span<const std::uint16_t>) { FAIL(); });
}

TEST(IntervalOf, IsThePercentilesOfTheNumbers) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Figure figure;
  for (int i = 200; i >= 0; --i) figure.replicates.push_back(static_cast<float>(i));
  EXPECT_EQ(interval_of(figure).low, 5);
  EXPECT_EQ(interval_of(figure).high, 195);
  figure.replicates.insert(figure.replicates.end(), 201, nan);
  EXPECT_EQ(interval_of(figure).low, 5);
  EXPECT_EQ(interval_of(figure).high, 195);
  figure.replicates.push_back(nan);
  EXPECT_TRUE(std::isnan(interval_of(figure).low));
  EXPECT_TRUE(std::isnan(interval_of(figure).high));
  EXPECT_TRUE(std::isnan(interval_of(Figure{}).low));
}

TEST(IntervalOf, InterpolatesBetweenFewReplicates) {
  Figure figure;
  figure.replicates = {2, 1};
  EXPECT_NEAR(interval_of(figure).low, 1.025, 1e-12);
  EXPECT_NEAR(interval_of(figure).high, 1.975, 1e-12);
  figure.replicates = {3};
  EXPECT_EQ(interval_of(figure).low, 3);
  EXPECT_EQ(interval_of(figure).high, 3);
}

}  // namespace
}  // namespace aface
