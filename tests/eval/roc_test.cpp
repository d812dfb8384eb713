#include "aface/eval/roc.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "aface/core/error.h"
#include "aface/core/random.h"

namespace aface {
namespace {

double share_at_or_above(const std::vector<float>& scores, double threshold) {
  return static_cast<double>(
             std::count_if(scores.begin(), scores.end(), [&](float s) { return s >= threshold; })) /
         static_cast<double>(scores.size());
}

// Scores on a coarse grid, so that ties are common.
std::vector<float> tied_scores(Random& random, std::size_t count, double shift) {
  std::vector<float> scores(count);
  for (float& score : scores) score = static_cast<float>(std::round((random.normal() + shift) * 8) / 8);
  return scores;
}

TEST(TarAtFar, AgreesWithTryingEveryThreshold) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const std::vector<float> mated = tied_scores(random, 60, 1), non_mated = tied_scores(random, 100, 0);
    std::vector<float> candidates = mated;
    candidates.insert(candidates.end(), non_mated.begin(), non_mated.end());
    std::sort(candidates.begin(), candidates.end());
    for (const TarAtFar& point : tar_at_far(mated, non_mated, {0, 0.01, 0.05, 0.1, 0.5, 1})) {
      double expected = std::numeric_limits<double>::infinity();  // the smallest score with FAR <= target
      for (const float candidate : candidates) {
        if (share_at_or_above(non_mated, candidate) <= point.far + 1e-9) {
          expected = candidate;
          break;
        }
      }
      if (std::isinf(expected)) {
        EXPECT_EQ(point.tar, 0);
        EXPECT_GT(point.threshold, candidates.back());
      } else {
        EXPECT_EQ(point.threshold, expected);
        EXPECT_EQ(point.tar, share_at_or_above(mated, expected));
      }
    }
  }
}

TEST(TarAtFar, HandMadeCase) {
  // Four non-mated scores: FAR 0.25 allows one of them, so 0.5 must be refused and 0.6 is the first score to
  // pass.
  const auto points = tar_at_far({0.3f, 0.6f, 0.8f, 0.9f}, {0.1f, 0.2f, 0.5f, 0.7f}, {0, 0.25, 1});
  EXPECT_EQ(points[0].threshold, 0.8f);
  EXPECT_EQ(points[0].tar, 0.5);
  EXPECT_EQ(points[1].threshold, 0.6f);
  EXPECT_EQ(points[1].tar, 0.75);
  EXPECT_EQ(points[2].threshold, 0.1f);
  EXPECT_EQ(points[2].tar, 1);
}

TEST(TarAtFar, ATieIsNotSplit) {
  // Both non-mated scores at 0.5 come or go together; at FAR 1/3 only one would be allowed.
  EXPECT_EQ(tar_at_far({0.5f, 0.6f}, {0.1f, 0.5f, 0.5f}, {1.0 / 3})[0].tar, 0.5);
  EXPECT_EQ(tar_at_far({0.5f, 0.6f}, {0.1f, 0.5f, 0.5f}, {2.0 / 3})[0].tar, 1);
}

TEST(TarAtFar, NoThresholdPassesWhenTheHighestScoreIsNonMated) {
  const TarAtFar point = tar_at_far({0.5f}, {0.9f}, {0.1})[0];
  EXPECT_EQ(point.tar, 0);
  EXPECT_GT(point.threshold, 0.9f);
}

TEST(TarAtFar, TargetsWithoutAnExactDoubleCountRight) {
  std::vector<float> non_mated;
  for (int i = 0; i < 3000; ++i) non_mated.push_back(static_cast<float>(i));
  for (const double target : {1e-1, 1e-2, 1e-3}) {
    const TarAtFar point = tar_at_far({1e6f}, non_mated, {target})[0];
    EXPECT_EQ(point.threshold, 3000 - std::round(3000 * target)) << target;
  }
}

TEST(TarAtFar, TarDoesNotFallAsFarGrows) {
  Random random(5);
  std::vector<double> targets;
  for (int i = 0; i <= 100; ++i) targets.push_back(i / 100.0);
  const auto points = tar_at_far(tied_scores(random, 500, 0.5), tied_scores(random, 700, 0), targets);
  for (std::size_t i = 1; i < points.size(); ++i) EXPECT_GE(points[i].tar, points[i - 1].tar);
}

TEST(TarAtFar, RefusesEmptySidesAndNonFiniteScores) {
  EXPECT_THROW(tar_at_far({}, {1.0f}, {0.1}), Error);
  EXPECT_THROW(tar_at_far({1.0f}, {}, {0.1}), Error);
  EXPECT_THROW(tar_at_far({1.0f}, {std::numeric_limits<float>::quiet_NaN()}, {0.1}), Error);
  EXPECT_THROW(tar_at_far({1.0f}, {0.0f}, {1.5}), Error);
}

}  // namespace
}  // namespace aface
