#include "aface/train/learning_rate.h"

#include <gtest/gtest.h>

#include <cmath>

namespace aface {
namespace {

TEST(LearningRate, WarmsUpLinearlyAndStartsAboveZero) {
  OptimizerOptions options;
  options.warmup_steps = 4;
  EXPECT_DOUBLE_EQ(learning_rate_share(options, 0, 100), 0.25);
  EXPECT_DOUBLE_EQ(learning_rate_share(options, 3, 100), 1.0);
}

TEST(LearningRate, CosineIsHalfWayInTheMiddleAndEndsAtItsFinalShare) {
  OptimizerOptions options;
  options.schedule = "cosine";
  options.final_share = 0.2;
  EXPECT_DOUBLE_EQ(learning_rate_share(options, 0, 100), 1.0);
  EXPECT_NEAR(learning_rate_share(options, 50, 100), 0.6, 1e-12);
  EXPECT_NEAR(learning_rate_share(options, 100, 100), 0.2, 1e-12);
}

TEST(LearningRate, PolynomialFollowsItsPower) {
  OptimizerOptions options;
  options.schedule = "polynomial";
  options.power = 2;
  EXPECT_NEAR(learning_rate_share(options, 75, 100), 0.0625, 1e-12);
}

TEST(LearningRate, StepFallsByGammaAtEveryMilestone) {
  OptimizerOptions options;
  options.schedule = "step";
  options.milestones = {0.5, 0.75};
  options.gamma = 0.1;
  EXPECT_DOUBLE_EQ(learning_rate_share(options, 49, 100), 1.0);
  EXPECT_NEAR(learning_rate_share(options, 50, 100), 0.1, 1e-12);
  EXPECT_NEAR(learning_rate_share(options, 99, 100), 0.01, 1e-12);
}

TEST(LearningRate, EveryScheduleStaysWithinZeroAndOne) {
  for (const char* schedule : {"constant", "step", "cosine", "polynomial"}) {
    OptimizerOptions options;
    options.schedule = schedule;
    options.warmup_steps = 7;
    for (int step = 0; step < 100; ++step) {
      const double share = learning_rate_share(options, step, 100);
      EXPECT_GE(share, 0) << schedule << " " << step;
      EXPECT_LE(share, 1) << schedule << " " << step;
    }
  }
}

}  // namespace
}  // namespace aface
