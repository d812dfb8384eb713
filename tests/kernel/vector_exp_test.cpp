#include "aface/kernel/vector_exp.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace aface {
namespace {

TEST(VectorExp, IsRightToTheLastBitsWhereverTheResultIsNormal) {
  for (double x = -86.9; x < 87.9; x += 0.00137) {
    const auto given = static_cast<float>(x);
    const double exact = std::exp(static_cast<double>(given));
    ASSERT_NEAR(static_cast<double>(vector_exp(given)) / exact, 1.0, 2e-7) << x;
  }
  EXPECT_EQ(vector_exp(0.0F), 1.0F);
}

TEST(VectorExp, StaysFiniteBeyond) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_LT(vector_exp(-1000.0F), 2e-38F);
  EXPECT_LT(vector_exp(-kInfinity), 2e-38F);
  EXPECT_GT(vector_exp(-kInfinity), 0.0F);
  EXPECT_TRUE(std::isfinite(vector_exp(1000.0F)));
}

}  // namespace
}  // namespace aface
