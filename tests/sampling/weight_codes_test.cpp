#include "aface/sampling/weight_codes.h"

#include <gtest/gtest.h>

#include <cmath>

#include "aface/core/error.h"

namespace aface {
namespace {

TEST(WeightCodes, BoundsAndOneAreWhereTheyShould) {
  for (const auto& [low, high] : {std::pair{0.05, 4.0},
                                  {1.0, 1.0},
                                  {0.5, 1.0},
                                  {1.0, 100.0},
                                  {1e-6, 1e6},
                                  {0.999, 1.0},
                                  {1e-6, 1.0000001}}) {
    SCOPED_TRACE(testing::Message() << low << " to " << high);
    const WeightCodes codes(low, high);
    EXPECT_EQ(codes.weight(codes.one()), 1);
    EXPECT_NEAR(codes.weight(codes.low()) / low, 1, 2.5e-4);
    EXPECT_NEAR(codes.weight(codes.high()) / high, 1, 2.5e-4);
    EXPECT_EQ(codes.weight(WeightCodes::kNothing), 0);
    EXPECT_GE(codes.low(), 1);
    EXPECT_LE(codes.low(), codes.one());
    EXPECT_LE(codes.one(), codes.high());
  }
}

TEST(WeightCodes, EveryCodeIsMoreThanTheOneBefore) {
  const WeightCodes codes(0.05, 4);
  for (int code = codes.low(); code < codes.high(); ++code) {
    const double ratio = codes.weight(WeightCodes::Code(code + 1)) / codes.weight(WeightCodes::Code(code));
    ASSERT_GT(ratio, 1);
    ASSERT_LT(ratio, 1.00007);
  }
}

TEST(WeightCodes, StepsMultiplyAndStopAtTheBounds) {
  const WeightCodes codes(0.05, 4);
  WeightCodes::Code code = codes.one();
  for (int i = 1; i < 20; ++i) {
    code = codes.moved(code, codes.steps(0.9));
    ASSERT_NEAR(codes.weight(code) / std::pow(0.9, i), 1, i * 4e-5);
  }
  EXPECT_EQ(codes.moved(codes.low(), codes.steps(0.5)), codes.low());
  EXPECT_EQ(codes.moved(codes.high(), codes.steps(1e9)), codes.high());
  EXPECT_EQ(codes.steps(1), 0);
  EXPECT_EQ(codes.steps(1.000001), 1) << "a small factor still moves";
  EXPECT_EQ(codes.steps(0.999999), -1);
  EXPECT_EQ(WeightCodes(1, 1).moved(WeightCodes(1, 1).one(), WeightCodes(1, 1).steps(2)),
            WeightCodes(1, 1).one());
}

TEST(WeightCodes, ImpossibleBoundsAreRefused) {
  EXPECT_THROW(WeightCodes(0, 2), Error);
  EXPECT_THROW(WeightCodes(0.5, 0.9), Error);
  EXPECT_THROW(WeightCodes(0.5, INFINITY), Error);
}

}  // namespace
}  // namespace aface
