#include "aface/quantise/code_range.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "aface/core/random.h"
#include "tests/quantise/decoded.h"

namespace aface {
namespace {

CodeRange range_of(const std::vector<float>& values, RangeRule rule) {
  ValueHistogram histogram;
  histogram.add(values);
  return choose_range(histogram, rule);
}

// By coding every value.
double squared_error(const std::vector<float>& values, const CodeRange& range) {
  const ValueCode code = code_for(range);
  double sum = 0;
  for (const float value : values) {
    const double error = test::decoded(code, value) - value;
    sum += error * error;
  }
  return sum;
}

std::vector<float> drawn(double deviation, int power, bool is_rectified) {
  Random random(5);
  std::vector<float> values;
  for (int i = 0; i < 50000; ++i) {
    const double value = deviation * std::pow(random.normal(), power);
    values.push_back(static_cast<float>(is_rectified ? std::max(value, 0.0) : value));
  }
  return values;
}

TEST(CodeRange, AllHoldsEveryValueAndZero) {
  const CodeRange both = range_of({-0.25F, 3, 1}, RangeRule::kAll),
                  positive = range_of({2, 3}, RangeRule::kAll);
  EXPECT_EQ(both.low, -0.25);
  EXPECT_EQ(both.high, 3);
  EXPECT_EQ(positive.low, 0);
  EXPECT_EQ(positive.high, 3);
}

TEST(CodeRange, LeastSquaresIsAsGoodAsTheBestOfManyRangesTried) {
  for (const int power : {1, 3, 5}) {  // ever longer tails
    for (const bool is_rectified : {false, true}) {
      const std::vector<float> values = drawn(0.8, power, is_rectified);
      const CodeRange all = range_of(values, RangeRule::kAll),
                      chosen = range_of(values, RangeRule::kLeastSquares);
      double best = squared_error(values, all);
      for (double low = 0.05; low <= 1; low += 0.05) {
        for (double high = 0.05; high <= 1; high += 0.05)
          best = std::min(best, squared_error(values, {low * all.low, high * all.high}));
      }
      EXPECT_LT(squared_error(values, chosen), 1.02 * best) << "power " << power;
      EXPECT_LE(squared_error(values, chosen), squared_error(values, all));
    }
  }
}

TEST(CodeRange, ValuesWithoutATailLoseHardlyAnything) {
  Random random(6);
  std::vector<float> values;
  for (int i = 0; i < 20000; ++i) values.push_back(static_cast<float>(random.uniform(-1, 2)));
  const CodeRange all = range_of(values, RangeRule::kAll),
                  chosen = range_of(values, RangeRule::kLeastSquares);
  EXPECT_LT(chosen.low, 0.97 * all.low);
  EXPECT_GT(chosen.high, 0.97 * all.high);
}

TEST(CodeRange, NothingButZerosIsTheRangeOfZero) {
  for (const RangeRule rule : {RangeRule::kAll, RangeRule::kLeastSquares}) {
    const CodeRange range = range_of({0, 0}, rule);
    EXPECT_EQ(range.low, 0);
    EXPECT_EQ(range.high, 0);
  }
}

}  // namespace
}  // namespace aface
