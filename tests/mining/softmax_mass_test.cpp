#include "aface/mining/softmax_mass.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "aface/core/error.h"

namespace aface {
namespace {

// With scale 1, logits log 1, log 2, log 3, log 4 have masses 1, 2, 3, 4.
const std::vector<float> kCosines = {0, std::log(2.0F), std::log(3.0F), std::log(4.0F),
                                     std::log(4.0F), 0, 0, 0};
const RowMatrix kMatrix{kCosines.data(), 2, 4};

TEST(SoftmaxMass, IsTheMeanShareOfTheActive) {
  const std::vector<std::int64_t> active = {0, 3};
  EXPECT_NEAR(softmax_mass_caught(kMatrix, active, 1), (5.0 / 10 + 5.0 / 7) / 2, 1e-6);
}

TEST(SoftmaxMass, LeavesOwnIdentitiesOutWhenTold) {
  const std::vector<std::int64_t> active = {0, 3}, own = {3, 0};
  EXPECT_NEAR(softmax_mass_caught(kMatrix, active, 1, own), (1.0 / 6 + 1.0 / 3) / 2, 1e-6);
}

TEST(SoftmaxMass, AllIsOneNoneIsZeroAndLargeScalesStayFinite) {
  const std::vector<std::int64_t> all = {0, 1, 2, 3}, last = {3};
  EXPECT_EQ(softmax_mass_caught(kMatrix, all, 64), 1);
  EXPECT_EQ(softmax_mass_caught(kMatrix, {}, 64), 0);
  EXPECT_NEAR(softmax_mass_caught(kMatrix, last, 1e6), 0.5, 1e-12);  // row 0 is all its own, row 1 has none
}

TEST(SoftmaxMass, NothingToCatchCountsAsOne) {
  const float cosine = 0.5F;
  const std::vector<std::int64_t> own = {0};
  EXPECT_EQ(softmax_mass_caught({&cosine, 1, 1}, own, 10, own), 1);
  EXPECT_EQ(softmax_mass_caught({&cosine, 0, 1}, own, 10), 1);
}

TEST(SoftmaxMass, UnknownIdsAreRefused) {
  const std::vector<std::int64_t> outside = {4}, inside = {0, 1}, short_own = {0};
  EXPECT_THROW(softmax_mass_caught(kMatrix, outside, 1), Error);
  EXPECT_THROW(softmax_mass_caught(kMatrix, inside, 1, short_own), Error);
}

}  // namespace
}  // namespace aface
