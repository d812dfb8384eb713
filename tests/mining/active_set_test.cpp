#include "aface/mining/active_set.h"

#include <gtest/gtest.h>

#include "aface/core/error.h"
#include "tests/support/chi_square.h"

namespace aface {
namespace {

TEST(ActiveSet, GivesBackWhatWentInAscendingOnceAndIsEmptyAfter) {
  ActiveSet set(200);
  EXPECT_TRUE(set.insert(199));
  EXPECT_TRUE(set.insert(0));
  EXPECT_TRUE(set.insert(64));
  EXPECT_FALSE(set.insert(64));
  EXPECT_TRUE(set.insert(63));
  EXPECT_EQ(set.size(), 4);
  EXPECT_EQ(set.take(), (std::vector<std::int64_t>{0, 63, 64, 199}));
  EXPECT_EQ(set.size(), 0);
  EXPECT_TRUE(set.take().empty());
}

TEST(ActiveSet, IdsOutOfRangeAreRefused) {
  ActiveSet set(64);
  EXPECT_THROW(set.insert(64), Error);
  EXPECT_THROW(set.insert(-1), Error);
}

TEST(ActiveSet, FillsToTheBudgetEvenlyWhetherSparseOrDense) {
  // 20 identities of which 3 are in: budget 5 draws blindly, budget 15 passes over all.
  for (const std::int64_t budget : {5, 15}) {
    Random random(31);
    std::vector<double> counts(20), expected(20);
    constexpr int kRounds = 40000;
    for (int round = 0; round < kRounds; ++round) {
      ActiveSet set(20);
      for (const std::int64_t own : {0, 7, 19}) set.insert(own);
      set.fill_at_random(budget, random);
      const auto ids = set.take();
      ASSERT_EQ(static_cast<std::int64_t>(ids.size()), budget);
      for (const std::int64_t id : ids) ++counts[static_cast<std::size_t>(id)];
    }
    const double share = static_cast<double>(budget - 3) / 17;
    for (std::size_t i = 0; i < 20; ++i) {
      const bool own = i == 0 || i == 7 || i == 19;
      if (own) {
        EXPECT_EQ(counts[i], kRounds);
      } else {
        // Each is binomial(kRounds, share).
        EXPECT_NEAR(counts[i], kRounds * share, 4.5 * std::sqrt(kRounds * share * (1 - share))) << budget << ", " << i;
      }
    }
  }
}

TEST(ActiveSet, FillNeverExceedsAllNorTakesAway) {
  Random random(1);
  ActiveSet set(10);
  set.insert(3);
  set.insert(4);
  set.fill_at_random(1, random);
  EXPECT_EQ(set.size(), 2);
  set.fill_at_random(1000, random);
  EXPECT_EQ(set.take().size(), 10U);
}

}  // namespace
}  // namespace aface
