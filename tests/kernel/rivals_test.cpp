#include "aface/kernel/rivals.h"

#include <gtest/gtest.h>

#include <limits>

#include "aface/core/error.h"

namespace aface {
namespace {

TEST(Rivals, AreTheColumnsAboveTheOwnOneInAscendingOrder) {
  const std::vector<float> cosines = {0.5F, 0.2F, 0.9F, 0.5F,
                                      0.1F, 0.8F, 0.3F, 0.2F};
  const Rivals rivals = rivals_in({cosines.data(), 2, 4}, std::vector<std::int64_t>{1, 1});
  EXPECT_EQ(rivals.begins, (std::vector<std::size_t>{0, 3, 3}));
  EXPECT_EQ(rivals.columns, (std::vector<std::int32_t>{0, 2, 3}));
  EXPECT_EQ(rivals.cosines, (std::vector<float>{0.5F, 0.9F, 0.5F}));
  const Rivals tied = rivals_in({cosines.data(), 1, 4}, std::vector<std::int64_t>{0});
  EXPECT_EQ(tied.columns, (std::vector<std::int32_t>{2}));
}

TEST(Rivals, NotANumberOutscoresNobody) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> cosines = {0.5F, nan, nan, 0.5F};
  const Rivals rivals = rivals_in({cosines.data(), 2, 2}, std::vector<std::int64_t>{0, 0});
  EXPECT_EQ(rivals.begins, (std::vector<std::size_t>{0, 0, 0}));
}

TEST(Rivals, OwnColumnsMustFit) {
  const std::vector<float> cosines = {0.5F, 0.2F};
  EXPECT_THROW(rivals_in({cosines.data(), 1, 2}, std::vector<std::int64_t>{2}), Error);
  EXPECT_THROW(rivals_in({cosines.data(), 1, 2}, std::vector<std::int64_t>{0, 0}), Error);
  EXPECT_EQ(rivals_in({cosines.data(), 0, 2}, {}).batch(), 0U);
}

TEST(Rivals, SomeSamplesCanBeReplaced) {
  const Rivals all = {{0, 2, 2, 3}, {4, 7, 5}, {0.4F, 0.7F, 0.5F}};
  const Rivals theirs = {{0, 1, 1}, {9}, {0.9F}};
  const Rivals mixed = with_replaced(all, {1, 2}, theirs);
  EXPECT_EQ(mixed.begins, (std::vector<std::size_t>{0, 2, 3, 3}));
  EXPECT_EQ(mixed.columns, (std::vector<std::int32_t>{4, 7, 9}));
  EXPECT_EQ(mixed.cosines, (std::vector<float>{0.4F, 0.7F, 0.9F}));
}

}  // namespace
}  // namespace aface
