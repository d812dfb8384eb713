#include "aface/core/random.h"

#include <gtest/gtest.h>

#include <cmath>

namespace aface {
namespace {

TEST(Random, SameSeedGivesSameStreamAndStateRestores) {
  Random a(7, 1, 2), b(7, 1, 2);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(a.next(), b.next());
  const Random::State saved = a.state();
  const auto expected = a.next();
  a.set_state(saved);
  EXPECT_EQ(a.next(), expected);
}

TEST(Random, StreamsDiffer) {
  EXPECT_NE(Random(7, 1, 2).next(), Random(7, 2, 1).next());
  EXPECT_NE(Random(7).next(), Random(8).next());
}

TEST(Random, NormalHasMeanZeroAndUnitVariance) {
  Random random(3);
  double sum = 0, squares = 0;
  const int n = 100000;
  for (int i = 0; i < n; ++i) {
    const double x = random.normal();
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / n, 0, 5 / std::sqrt(double(n)));
  EXPECT_NEAR(squares / n, 1, 5 * std::sqrt(2.0 / n));
}

}  // namespace
}  // namespace aface
