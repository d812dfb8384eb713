#include "aface/nearest/exact_index.h"

#include <gtest/gtest.h>

#include "tests/support/brute_force.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

TEST(ExactIndex, EqualsBruteForceAcrossBlockBorders) {
  const std::size_t dim = 24;
  const std::vector<float> rows = clustered_unit_rows(4500, dim, 50, 0.7, 11);
  const std::vector<float> queries = clustered_unit_rows(300, dim, 50, 0.7, 12);
  ExactIndex index(2);
  index.build({rows.data(), 4500, dim});
  const NeighbourLists found = index.search({queries.data(), 300, dim}, 10);
  ASSERT_EQ(found.queries, 300U);
  ASSERT_EQ(found.count, 10U);
  for (std::size_t q = 0; q < 300; ++q) {
    const auto expected = brute_force_neighbours({rows.data(), 4500, dim}, queries.data() + q * dim, 11);
    for (std::size_t i = 0; i < 10; ++i) {
      EXPECT_NEAR(found.similarities_of(q)[i], expected[i].score, 2e-6);
      // Only neighbours closer together than float sums can tell may swap.
      const bool clear_before = i == 0 || expected[i - 1].score - expected[i].score > 2e-6F;
      const bool clear_after = expected[i].score - expected[i + 1].score > 2e-6F;
      if (clear_before && clear_after) {
        EXPECT_EQ(found.ids_of(q)[i], expected[i].id) << "query " << q << " place " << i;
      }
    }
  }
}

TEST(ExactIndex, TiesGoToTheLowerId) {
  // Corners of a square, repeated: products are exact, every similarity is tied many times.
  const float corners[4][2] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};
  std::vector<float> rows;
  for (int i = 0; i < 40; ++i) rows.insert(rows.end(), {corners[i % 4][0], corners[i % 4][1]});
  ExactIndex index(1);
  index.build({rows.data(), 40, 2});
  const NeighbourLists found = index.search({corners[1], 1, 2}, 12);
  const std::vector<std::int32_t> expected = {1, 5, 9, 13, 17, 21, 25, 29, 33, 37, 0, 2};
  EXPECT_EQ(found.ids, expected);
}

TEST(ExactIndex, ThreadsDoNotChangeTheAnswer) {
  const std::vector<float> rows = clustered_unit_rows(2000, 32, 20, 0.5, 5);
  const NeighbourLists one = nearest_rows({rows.data(), 2000, 32}, {rows.data(), 2000, 32}, 7, 1);
  const NeighbourLists three = nearest_rows({rows.data(), 2000, 32}, {rows.data(), 2000, 32}, 7, 3);
  EXPECT_EQ(one.ids, three.ids);
  EXPECT_EQ(one.similarities, three.similarities);
}

TEST(ExactIndex, AsksForMoreThanThereAreGivesAll) {
  const std::vector<float> rows = {1, 0, 0, 1};
  ExactIndex index(1);
  EXPECT_EQ(index.search({rows.data(), 1, 2}, 3).count, 0U);
  index.build({rows.data(), 2, 2});
  EXPECT_EQ(index.search({rows.data(), 1, 2}, 9).ids, (std::vector<std::int32_t>{0, 1}));
  EXPECT_TRUE(index.search({nullptr, 0, 2}, 9).ids.empty());
}

TEST(MakeNeighbourIndex, RefusesAnUnknownKind) {
  IndexOptions options;
  options.kind = "tree";
  const std::string message = test::error_of(ErrorKind::kUsage, [&] { make_neighbour_index(options, 10); });
  EXPECT_NE(message.find("'tree'"), std::string::npos) << message;
}

TEST(MakeNeighbourIndex, IsExactUpToTheBoundOnly) {
  IndexOptions options;
  options.exact_below = 10;
  EXPECT_NE(dynamic_cast<ExactIndex*>(make_neighbour_index(options, 10).get()), nullptr);
  EXPECT_EQ(dynamic_cast<ExactIndex*>(make_neighbour_index(options, 11).get()), nullptr);
}

}  // namespace
}  // namespace aface
