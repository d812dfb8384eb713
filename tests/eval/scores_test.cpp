#include "aface/eval/scores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "aface/core/error.h"

namespace aface {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;

PairList two_pairs() {
  PairList list;
  list.paths = {"a.jpg", "b.jpg", "c.jpg"};
  list.pairs = {{0, 1, true}, {2, 0, false}};
  return list;
}

TEST(ScorePairs, IsTheCosineWhateverTheLengths) {
  // Rows are stored in another order than the paths: a = (3, 4), b = (0.6, 0.8) * 1e-20, c = (-8, 6).
  const std::vector<float> rows = {-8, 6, 3, 4, 0.6e-20f, 0.8e-20f};
  const std::vector<float> scores = score_pairs({rows.data(), 3, 2}, two_pairs(), {1, 2, 0});
  EXPECT_NEAR(scores[0], 1.0, 1e-6);
  EXPECT_NEAR(scores[1], 0.0, 1e-6);
  EXPECT_EQ(same_flags(two_pairs()), (std::vector<std::uint8_t>{1, 0}));
}

TEST(ScorePairs, RowsWithoutADirectionAreNamed) {
  for (const float bad :
       {0.0f, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const std::vector<float> rows = {1, 0, 0, 1, bad, 0};
    try {
      score_pairs({rows.data(), 3, 2}, two_pairs(), {0, 1, 2});
      FAIL() << bad;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kData);
      EXPECT_THAT(error.what(), HasSubstr("'c.jpg' (row 2, counted from 0)"));
    }
    EXPECT_THROW(embedding_norms({rows.data(), 3, 2}, {"a", "b", "c"}), Error);
    EXPECT_EQ(embedding_norms({rows.data(), 2, 2}, {"a", "b"}), (std::vector<double>{1, 1}));
  }
}

TEST(ScorePairs, RowsThatNoPairUsesAreNotJudged) {
  const std::vector<float> rows = {1, 0, 0, 1, 1, 1, 0, 0};
  EXPECT_NO_THROW(score_pairs({rows.data(), 4, 2}, two_pairs(), {0, 1, 2}));
}

TEST(ScoreUnitPairs, IsTheInnerProductAndMinusOneForImagesThatMatchNothing) {
  const std::vector<float> rows = {0.6f, 0.8f, 0.8f, 0.6f, 0, 0};
  EXPECT_THAT(score_unit_pairs({rows.data(), 3, 2}, two_pairs()), ElementsAre(FloatNear(0.96f, 1e-6f), 0.0f));
  const std::vector<std::uint8_t> no_match = {0, 0, 1};
  EXPECT_THAT(score_unit_pairs({rows.data(), 3, 2}, two_pairs(), no_match),
              ElementsAre(FloatNear(0.96f, 1e-6f), -1.0f));
  EXPECT_THROW(score_unit_pairs({rows.data(), 2, 2}, two_pairs()), Error);
  EXPECT_THROW(score_unit_pairs({rows.data(), 3, 2}, two_pairs(), std::vector<std::uint8_t>{0, 1}), Error);
}

TEST(ScorePairs, RowsOutOfRangeAreRefused) {
  const std::vector<float> rows = {1, 0, 0, 1, 1, 1};
  EXPECT_THROW(score_pairs({rows.data(), 3, 2}, two_pairs(), {0, 1, 3}), Error);
  EXPECT_THROW(score_pairs({rows.data(), 3, 2}, two_pairs(), {0, 1, -1}), Error);
}

}  // namespace
}  // namespace aface
