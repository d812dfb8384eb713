#include "aface/kernel/score_threshold.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "aface/core/error.h"
#include "aface/core/random.h"

namespace aface {
namespace {

TEST(ScoreThreshold, IsReachedByTheWantedOnesAndFewMore) {
  Random random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<float> scores(static_cast<std::size_t>(1 + random.below(700)));
    for (float& score : scores) score = static_cast<float>(random.normal());
    const auto wanted = static_cast<std::size_t>(1 + random.below(static_cast<std::int64_t>(scores.size())));
    const float bar = score_threshold(scores.data(), scores.size(), wanted);
    const auto reach = static_cast<std::size_t>(std::count_if(scores.begin(), scores.end(), [&](float s) { return s >= bar; }));
    EXPECT_GE(reach, wanted);
    EXPECT_LE(reach, wanted + wanted / 2);
  }
}

TEST(ScoreThreshold, FindsItsWayThroughTies) {
  EXPECT_EQ(score_threshold(std::vector<float>(50, 2.0F).data(), 50, 3), 2.0F);
  std::vector<float> scores(100, -1.0F);
  scores[7] = scores[70] = 4.0F;
  EXPECT_EQ(score_threshold(scores.data(), scores.size(), 2), 4.0F);
  EXPECT_EQ(score_threshold(scores.data(), scores.size(), 3), -1.0F);  // 98 are equal: all or none
  EXPECT_EQ(score_threshold(scores.data(), scores.size(), 100), -1.0F);
}

TEST(ScoreThreshold, SurvivesScoresOfAllSizes) {
  const std::vector<float> scores = {3e38F, -3e38F, 1e-40F, 0.0F, -1e-40F, 5.0F};
  for (std::size_t wanted = 1; wanted <= scores.size(); ++wanted) {
    const float bar = score_threshold(scores.data(), scores.size(), wanted);
    EXPECT_GE(std::count_if(scores.begin(), scores.end(), [&](float s) { return s >= bar; }),
              static_cast<std::ptrdiff_t>(wanted));
  }
}

TEST(ScoreThreshold, RefusesMoreThanThereAre) {
  const std::vector<float> scores(3, 1.0F);
  EXPECT_THROW(score_threshold(scores.data(), 3, 4), Error);
  EXPECT_THROW(score_threshold(scores.data(), 3, 0), Error);
}

}  // namespace
}  // namespace aface
