#include "aface/head/margins.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace aface {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kFloor = 1e-8;

struct Case {
  std::string name;
  MarginFunction function;
  std::vector<double> margins;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {{"cosine", cosine_margin, {0, 0.1, 0.35, 1, 2}},
                                        {"angular", angular_margin, {0, 0.1, 0.5, 1, kPi / 2}},
                                        {"multiplied", multiplied_angle, {1, 1.35, 1.7, 2, 3.5, 4}}};
  return all;
}

TEST(Margins, ValuesAtAnglesWorkedOutByHand) {
  EXPECT_DOUBLE_EQ(cosine_margin(0.7, 0.3, kFloor).value, 0.7 - 0.3);
  EXPECT_NEAR(angular_margin(std::cos(0.4), 0.5, kFloor).value, std::cos(0.9), 1e-15);
  EXPECT_NEAR(angular_margin(1, 0.5, kFloor).value, std::cos(0.5), 1e-15);
  // 4 * 30 degrees = 120; 2 * 120 = 240 is the second piece: -cos(240) - 2.
  EXPECT_NEAR(multiplied_angle(std::cos(kPi / 6), 4, kFloor).value, -0.5, 1e-14);
  EXPECT_NEAR(multiplied_angle(std::cos(2 * kPi / 3), 2, kFloor).value, 0.5 - 2, 1e-14);
  EXPECT_NEAR(multiplied_angle(-1, 4, kFloor).value, 1 - 2 * 4, 1e-14);
  EXPECT_NEAR(multiplied_angle(1, 4, kFloor).d_cosine, 16, 1e-12);
}

TEST(Margins, NoMarginLeavesCosineAndSlope) {
  for (double cosine = -1; cosine <= 1; cosine += 0.125) {
    for (const MarginedCosine& m : {cosine_margin(cosine, 0, kFloor), angular_margin(cosine, 0, kFloor),
                                    multiplied_angle(cosine, 1, kFloor)}) {
      EXPECT_NEAR(m.value, cosine, 1e-15);
      EXPECT_NEAR(m.d_cosine, 1, 1e-7);  // the floor shows in the 8th digit at the ends
    }
  }
}

TEST(Margins, DerivativesMatchCentralDifferences) {
  const double h = 1e-6;
  for (const Case& c : cases()) {
    for (const double margin : c.margins) {
      for (double cosine = -0.975; cosine < 1; cosine += 0.05) {
        const MarginedCosine m = c.function(cosine, margin, kFloor);
        const double by_cosine =
            (c.function(cosine + h, margin, kFloor).value - c.function(cosine - h, margin, kFloor).value) / (2 * h);
        EXPECT_NEAR(m.d_cosine, by_cosine, 1e-6 * std::max(1.0, std::abs(by_cosine))) << c.name << ' ' << margin << ' ' << cosine;
        if (margin == c.margins.front()) continue;  // the lower end of the margin's range
        const double by_margin =
            (c.function(cosine, margin + h, kFloor).value - c.function(cosine, margin - h, kFloor).value) / (2 * h);
        EXPECT_NEAR(m.d_margin, by_margin, 1e-6 * std::max(1.0, std::abs(by_margin))) << c.name << ' ' << margin << ' ' << cosine;
      }
    }
  }
}

TEST(Margins, ValueRisesWithCosineAndFallsWithMarginWithoutJumps) {
  const int steps = 20000;
  for (const Case& c : cases()) {
    for (std::size_t k = 0; k < c.margins.size(); ++k) {
      double last = c.function(-1, c.margins[k], kFloor).value;
      for (int i = 1; i <= steps; ++i) {
        const double cosine = std::cos(kPi * (steps - i) / steps);
        const double value = c.function(cosine, c.margins[k], kFloor).value;
        ASSERT_GE(value, last - 1e-14) << c.name << ' ' << c.margins[k] << ' ' << cosine;
        ASSERT_LT(value - last, 1e-3) << c.name << ' ' << c.margins[k] << ' ' << cosine;
        if (k > 0) { ASSERT_LE(value, c.function(cosine, c.margins[k - 1], kFloor).value + 1e-14); }
        last = value;
      }
    }
  }
}

TEST(Margins, FiniteAtAndBeyondTheEnds) {
  for (const Case& c : cases()) {
    for (const double margin : c.margins) {
      for (const double cosine : {1.0, -1.0, 1 + 1e-6, -1 - 1e-6}) {
        const double floor = angle_floor_for(1.2e-7);
        const MarginedCosine m = c.function(cosine, margin, floor);
        EXPECT_TRUE(std::isfinite(m.value) && std::isfinite(m.d_margin)) << c.name;
        // |sin(theta + m)| <= 1 and m |sin(m theta)| <= m, over the sine of the floor.
        EXPECT_LE(std::abs(m.d_cosine), std::max(1.0, margin) * std::max(1.0, margin) / std::sin(floor)) << c.name;
        EXPECT_DOUBLE_EQ(m.value, c.function(cosine > 0 ? 1 : -1, margin, floor).value) << c.name;
      }
    }
  }
}

TEST(Margins, FloorIsTheSmallestAngleThatACosineShows) {
  const double epsilon = 1.1920929e-7;
  EXPECT_NEAR(1 - std::cos(angle_floor_for(epsilon)), epsilon, 1e-7 * epsilon);
}

}  // namespace
}  // namespace aface
