#include "aface/nearest/graph_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "aface/kernel/inner_products.h"
#include "aface/nearest/exact_index.h"
#include "tests/nearest/recall.h"
#include "tests/support/brute_force.h"

namespace aface {
namespace {

constexpr std::size_t kRows = 4000;
constexpr std::size_t kDim = 64;

IndexOptions two_threads() {
  IndexOptions options;
  options.threads = 2;
  return options;
}

TEST(GraphIndex, FindsNearlyAllTrueNeighboursOfClusteredRows) {
  const std::vector<float> rows = clustered_unit_rows(kRows, kDim, 100, 0.6, 21);
  const RowMatrix matrix{rows.data(), kRows, kDim};
  for (const bool parallel_build : {false, true}) {
    IndexOptions options = two_threads();
    options.parallel_build = parallel_build;
    GraphIndex index(options);
    index.build(matrix);
    const NeighbourLists found = index.search(matrix, 20);
    EXPECT_GE(recall_of(found, nearest_rows(matrix, matrix, 20, 2)), 0.95) << "parallel build " << parallel_build;
  }
}

TEST(GraphIndex, SimilaritiesAreInnerProductsInFallingOrder) {
  const std::vector<float> rows = clustered_unit_rows(500, kDim, 10, 0.6, 22);
  GraphIndex index(two_threads());
  index.build({rows.data(), 500, kDim});
  const NeighbourLists found = index.search({rows.data(), 50, kDim}, 8);
  for (std::size_t q = 0; q < 50; ++q) {
    const auto similarities = found.similarities_of(q);
    EXPECT_TRUE(std::is_sorted(similarities.begin(), similarities.end(), std::greater<>()));
    for (std::size_t i = 0; i < 8; ++i) {
      const auto id = static_cast<std::size_t>(found.ids_of(q)[i]);
      EXPECT_NEAR(similarities[i], inner_product(&rows[q * kDim], &rows[id * kDim], kDim), 1e-5);
    }
  }
}

TEST(GraphIndex, SameSeedGivesTheSameAnswersAtAnyThreadCount) {
  const std::vector<float> rows = clustered_unit_rows(kRows, kDim, 100, 0.9, 23);
  const RowMatrix matrix{rows.data(), kRows, kDim};
  GraphIndex first(two_threads());
  IndexOptions options = two_threads();
  options.threads = 1;
  GraphIndex second(options);
  first.build(matrix);
  second.build(matrix);
  EXPECT_EQ(first.search(matrix, 10).ids, second.search(matrix, 10).ids);
}

TEST(GraphIndex, EmptyAndTinySetsAreAnswered) {
  const std::vector<float> rows = {1, 0, 0, 1};
  GraphIndex index(two_threads());
  EXPECT_EQ(index.search({rows.data(), 1, 2}, 3).count, 0U);
  index.build({rows.data(), 0, 2});
  EXPECT_EQ(index.search({rows.data(), 1, 2}, 3).count, 0U);
  index.build({rows.data(), 2, 2});
  EXPECT_EQ(index.search({rows.data(), 1, 2}, 3).ids, (std::vector<std::int32_t>{0, 1}));
}

}  // namespace
}  // namespace aface
