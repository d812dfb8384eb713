#include "aface/eval/far_targets.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "tests/support/expect_error.h"

namespace aface {
namespace {

using testing::ElementsAre;

TEST(FarTargets, StandFromTheLoosestToTheStrictestOnceEach) {
  EXPECT_THAT(checked_targets({1e-3, 0.1, 1e-3, 1, 1e-6}), ElementsAre(1, 0.1, 1e-3, 1e-6));
  EXPECT_EQ(checked_targets({0.001, 0.001 * (1 + 1e-12)}).size(), 1U);
  EXPECT_TRUE(checked_targets({}).empty());
}

TEST(FarTargets, OutsideOfZeroToOneThereAreNone) {
  for (const double bad : {0.0, -0.1, 1.1, std::nan(""), std::numeric_limits<double>::infinity()}) {
    test::error_of(ErrorKind::kUsage, [&] { checked_targets({0.1, bad}); });
  }
}

TEST(FarTargets, GridsAreTheNearestDoublesToTheirDecimals) {
  EXPECT_THAT(decade_grid(-2), ElementsAre(0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.2,
                                           0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9));
  EXPECT_EQ(decade_grid(-8)[2], 3e-8);
  EXPECT_EQ(measurable_grid(40).front(), 0.03);  // 0.02 of 40 is less than one
  EXPECT_EQ(measurable_grid(40).back(), 1);
  EXPECT_THAT(measurable_grid(1), ElementsAre(1));
}

}  // namespace
}  // namespace aface
