#include "aface/report/axis_ticks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace aface {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> labels(AxisRange range, Scale scale, int count = 5) {
  std::vector<std::string> texts;
  for (const Tick& tick : axis_ticks(range, scale, count)) texts.push_back(tick.label);
  return texts;
}

TEST(TickStep, IsOneTwoOrFiveTimesAPowerOfTen) {
  EXPECT_DOUBLE_EQ(tick_step(10, 5), 2);
  EXPECT_DOUBLE_EQ(tick_step(10, 10), 1);
  EXPECT_DOUBLE_EQ(tick_step(10, 4), 5);
  EXPECT_DOUBLE_EQ(tick_step(10, 1), 10);
  EXPECT_DOUBLE_EQ(tick_step(0.3, 5), 0.1);
  EXPECT_DOUBLE_EQ(tick_step(10500, 6), 2000);
  EXPECT_DOUBLE_EQ(tick_step(0, 5), 1);
  EXPECT_DOUBLE_EQ(tick_step(NAN, 5), 1);
}

TEST(AxisTicks, LinearLabelsHaveTheDecimalsOfTheStep) {
  EXPECT_THAT(labels({0, 1}, Scale::kLinear), ElementsAre("0", "0.2", "0.4", "0.6", "0.8", "1.0"));
  EXPECT_THAT(labels({-1, 1}, Scale::kLinear, 4), ElementsAre("-1.0", "-0.5", "0", "0.5", "1.0"));
  EXPECT_THAT(labels({0.07, 0.13}, Scale::kLinear, 3), ElementsAre("0.08", "0.10", "0.12"));
  EXPECT_THAT(labels({100, 10500}, Scale::kLinear, 6), ElementsAre("2k", "4k", "6k", "8k", "10k"));
  EXPECT_THAT(labels({0, 2500000}, Scale::kLinear, 5),
              ElementsAre("0", "0.5M", "1.0M", "1.5M", "2.0M", "2.5M"));
  EXPECT_THAT(labels({0, 1e-4}, Scale::kLinear, 5),
              ElementsAre("0", "2e-05", "4e-05", "6e-05", "8e-05", "0.0001"));
  EXPECT_THAT(labels({0, 5000}, Scale::kLinear, 5), ElementsAre("0", "1000", "2000", "3000", "4000", "5000"));
}

TEST(AxisTicks, LogTicksArePowersOfTen) {
  EXPECT_THAT(labels({1e-4, 1}, Scale::kLog), ElementsAre("10⁻⁴", "10⁻³", "10⁻²", "10⁻¹", "1"));
  EXPECT_THAT(labels({1, 1000}, Scale::kLog), ElementsAre("1", "10", "100", "1000"));
  EXPECT_THAT(labels({100, 1e6}, Scale::kLog), ElementsAre("100", "1000", "10k", "100k", "1M"));
  EXPECT_THAT(labels({0.1, 1}, Scale::kLog), ElementsAre("0.1", "0.2", "0.5", "1"));
  EXPECT_THAT(labels({0.002, 0.05}, Scale::kLog),
              ElementsAre("2·10⁻³", "5·10⁻³", "10⁻²", "2·10⁻²", "5·10⁻²"));
  EXPECT_THAT(labels({1e-12, 1}, Scale::kLog),
              ElementsAre("10⁻¹²", "10⁻¹⁰", "10⁻⁸", "10⁻⁶", "10⁻⁴", "10⁻²", "1"));
}

TEST(RoundOutwards, EndsAtTheTicksAround) {
  const AxisRange loss = round_outwards({2.79, 7.85}, Scale::kLinear);
  EXPECT_DOUBLE_EQ(loss.low, 2);
  EXPECT_DOUBLE_EQ(loss.high, 8);
  const AxisRange far = round_outwards({3.3e-4, 0.7}, Scale::kLog);
  EXPECT_DOUBLE_EQ(far.low, 2e-4);
  EXPECT_DOUBLE_EQ(far.high, 1);
  const AxisRange exact = round_outwards({0.1, 0.4}, Scale::kLinear);
  EXPECT_NEAR(exact.low, 0.1, 1e-12);
  EXPECT_NEAR(exact.high, 0.4, 1e-12);
}

TEST(RoundOutwards, AValueAloneGetsRoom) {
  const AxisRange zero = round_outwards({0, 0}, Scale::kLinear);
  EXPECT_EQ(zero.low, 0);
  EXPECT_EQ(zero.high, 1);
  for (const double value : {5.0, -3.0, 1e-9, 2916.0}) {
    const AxisRange range = round_outwards({value, value}, Scale::kLinear);
    EXPECT_LT(range.low, value);
    EXPECT_GT(range.high, value);
  }
  const AxisRange log = round_outwards({10, 10}, Scale::kLog);
  EXPECT_DOUBLE_EQ(log.low, 1);
  EXPECT_DOUBLE_EQ(log.high, 100);
}

// Whatever the range, there are a few ticks, rising, inside it, with labels that differ.
TEST(AxisTicks, AreFewAndDifferent) {
  for (const double low : {-1000.0, -0.3, 0.0, 1e-7, 0.02, 3.0, 123456.0}) {
    for (const double span : {1e-6, 0.013, 1.0, 47.0, 10500.0, 3e7}) {
      const std::vector<Tick> ticks = axis_ticks({low, low + span}, Scale::kLinear);
      if (span / std::abs(low) < 1e-5) continue;  // labels of a few digits cannot tell these apart
      ASSERT_GE(ticks.size(), 2u) << low << " " << span;
      ASSERT_LE(ticks.size(), 7u) << low << " " << span;
      for (std::size_t i = 0; i < ticks.size(); ++i) {
        EXPECT_GE(ticks[i].value, low - span * 1e-6);
        EXPECT_LE(ticks[i].value, low + span * (1 + 1e-6));
        if (i > 0) {
          EXPECT_NE(ticks[i].label, ticks[i - 1].label) << low << " " << span;
          EXPECT_GT(ticks[i].value, ticks[i - 1].value);
        }
      }
    }
  }
}

}  // namespace
}  // namespace aface
