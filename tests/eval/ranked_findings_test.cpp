#include "aface/eval/ranked_findings.h"

#include <gtest/gtest.h>

#include "aface/core/error.h"

namespace aface {
namespace {

TEST(RankedFindings, AveragePrecisionByHand) {
  // Hits at places 1, 3 and 4; a fourth is not listed.
  const auto curve = precision_curve({{1, true}, {2, false}, {3, true}, {4, true}, {5, false}}, 4);
  ASSERT_EQ(curve.size(), 5U);
  EXPECT_EQ(curve[3].listed, 4);
  EXPECT_EQ(curve[3].hits, 3);
  EXPECT_DOUBLE_EQ(curve[3].precision, 0.75);
  EXPECT_DOUBLE_EQ(curve[4].recall, 0.75);
  EXPECT_DOUBLE_EQ(average_precision(curve), (1.0 + 2.0 / 3 + 3.0 / 4) / 4);
}

TEST(RankedFindings, PerfectListHasOneAndAnEmptyOneNothing) {
  EXPECT_DOUBLE_EQ(average_precision(precision_curve({{-1, true}, {0, true}, {3, false}}, 2)), 1);
  EXPECT_DOUBLE_EQ(average_precision(precision_curve({}, 2)), 0);
}

TEST(RankedFindings, OrderAmongEqualScoresDoesNotMatter) {
  const std::vector<RankedFinding> first = {{1, true}, {2, true}, {2, false}, {2, false}, {3, true}};
  const std::vector<RankedFinding> second = {{1, true}, {2, false}, {2, false}, {2, true}, {3, true}};
  EXPECT_DOUBLE_EQ(average_precision(precision_curve(first, 3)),
                   average_precision(precision_curve(second, 3)));
  // The block of three counts as a whole: precision 1/2 at its end.
  EXPECT_DOUBLE_EQ(average_precision(precision_curve(first, 3)), (1.0 + 2.0 / 4 + 3.0 / 5) / 3);
}

TEST(RankedFindings, DescendingScoresAreAsGood) {
  EXPECT_DOUBLE_EQ(average_precision(precision_curve({{9, true}, {8, false}, {7, true}}, 2)),
                   (1 + 2.0 / 3) / 2);
}

TEST(RankedFindings, TableHasALineAPoint) {
  EXPECT_EQ(precision_curve_tsv(precision_curve({{0.25, true}, {0.5, false}}, 2)),
            "listed\thits\tscore\tprecision\trecall\n1\t1\t0.2500\t1.000000\t0.500000\n"
            "2\t1\t0.5000\t0.500000\t0.500000\n");
}

TEST(RankedFindings, MoreHitsThanThereAreIsRefused) {
  EXPECT_THROW(precision_curve({{1, true}, {2, true}}, 1), Error);
  EXPECT_THROW(precision_curve({{1, false}}, 0), Error);
}

}  // namespace
}  // namespace aface
