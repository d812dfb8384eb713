#include "aface/eval/over_seeds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "aface/core/random.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

Figure figure(double value, std::vector<float> replicates = {}) {
  return {"x", value, "", std::move(replicates)};
}

TEST(OverSeeds, MeanAndDeviationAreThoseOfTheSeeds) {
  const SeedFigure result = over_seeds({figure(1), figure(2), figure(6)});
  EXPECT_EQ(result.seeds, 3);
  EXPECT_NEAR(result.mean, 3, 1e-12);
  EXPECT_NEAR(result.deviation, std::sqrt(7.0), 1e-12);
  // Student's 4.303 for two degrees of freedom.
  EXPECT_NEAR(result.interval.high - 3, 4.303 * std::sqrt(7.0 / 3), 1e-9);
  EXPECT_NEAR(3 - result.interval.low, 4.303 * std::sqrt(7.0 / 3), 1e-9);
}

TEST(OverSeeds, OneSeedHasTheIntervalOfPeopleOnly) {
  std::vector<float> draws;
  for (int i = 0; i <= 1000; ++i) draws.push_back(static_cast<float>(i) / 1000.0F);
  const SeedFigure result = over_seeds({figure(0.5, draws)});
  EXPECT_TRUE(std::isnan(result.deviation));
  EXPECT_NEAR(result.interval.low, 0.025, 1e-6);
  EXPECT_NEAR(result.interval.high, 0.975, 1e-6);
  EXPECT_TRUE(std::isnan(over_seeds({figure(0.5)}).interval.low));
}

TEST(OverSeeds, WhatBothHaveDropsOutOfTheDifference) {
  Random random(1);
  std::vector<Figure> a, b;
  for (int seed = 0; seed < 3; ++seed) {
    const double of_seed = random.normal();
    std::vector<float> draws;
    for (int draw = 0; draw < 500; ++draw) draws.push_back(static_cast<float>(of_seed + random.normal()));
    a.push_back(figure(of_seed, draws));
    for (float& value : draws) value += 0.25F;
    b.push_back(figure(of_seed + 0.25, draws));
  }
  const SeedFigure difference = difference_over_seeds(a, b);
  EXPECT_NEAR(difference.mean, 0.25, 1e-9);
  EXPECT_NEAR(difference.deviation, 0, 1e-9);
  EXPECT_NEAR(difference.interval.low, 0.25, 1e-6);
  EXPECT_NEAR(difference.interval.high, 0.25, 1e-6);
  EXPECT_GT(over_seeds(b).interval.high - over_seeds(b).interval.low, 1);
}

// The interval's variance is that of people plus that of the mean over seeds: with 8 seeds whose deviation is
// known, and people who add an independent part to all seeds alike.
TEST(OverSeeds, IntervalsHaveTheWidthOfSeedsAndPeopleTogether) {
  constexpr int kSeeds = 8, kDraws = 20000;
  Random random(7);
  std::vector<float> people(kDraws);
  for (float& value : people) value = static_cast<float>(0.5 * random.normal());
  std::vector<Figure> figures;
  double squares = 0, mean = 0;
  std::vector<double> values;
  for (int seed = 0; seed < kSeeds; ++seed) values.push_back(random.normal());
  for (const double value : values) mean += value / kSeeds;
  for (const double value : values) squares += (value - mean) * (value - mean);
  for (const double value : values) {
    std::vector<float> draws;
    for (const float person : people) draws.push_back(static_cast<float>(value) + person);
    figures.push_back(figure(value, draws));
  }
  const double expected = std::sqrt(0.25 + squares / (kSeeds - 1) / kSeeds);
  const SeedFigure result = over_seeds(figures);
  EXPECT_NEAR((result.interval.high - result.interval.low) / (2 * 1.96), expected, 0.05 * expected);
}

TEST(OverSeeds, RefusesOtherNumbersOfDraws) {
  EXPECT_THAT(test::error_of(ErrorKind::kData,
                             [] {
                               over_seeds({figure(1, {1, 2}), figure(1, {1})});
                             }),
              ::testing::HasSubstr("2 and 1 draws"));
  EXPECT_THAT(test::error_of(ErrorKind::kData,
                             [] {
                               difference_over_seeds({figure(1, {1, 2})}, {figure(1)});
                             }),
              ::testing::HasSubstr("2 and 0 draws"));
}

}  // namespace
}  // namespace aface
