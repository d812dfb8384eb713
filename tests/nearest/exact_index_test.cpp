#include "aface/nearest/exact_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "aface/kernel/inner_products.h"
#include "tests/support/brute_force.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

// Every product by inner_product(), everything sorted.
NeighbourLists float_brute_force(RowMatrix rows, RowMatrix queries, std::size_t count) {
  NeighbourLists lists = no_neighbours(queries.rows, std::min(count, rows.rows));
  std::vector<ScoredId> all(rows.rows);
  for (std::size_t q = 0; q < queries.rows; ++q) {
    for (std::size_t i = 0; i < rows.rows; ++i) {
      all[i] = {inner_product(queries.row(q), rows.row(i), rows.dim), static_cast<std::int32_t>(i)};
    }
    std::sort(all.begin(), all.end(), ranks_before);
    for (std::size_t i = 0; i < lists.count; ++i) {
      lists.ids[q * lists.count + i] = all[i].id;
      lists.similarities[q * lists.count + i] = all[i].score;
    }
  }
  return lists;
}

void make_unit(float* row, std::size_t dim) {
  const double length = std::sqrt(wide_inner_product(row, row, dim));
  for (std::size_t d = 0; d < dim; ++d) row[d] = static_cast<float>(row[d] / length);
}

struct Shape {
  std::size_t rows, queries, dim, count;
  double spread;
  float spike;  // one value of each row stands out by so much: hard on eight bits
};

class ExactScan : public testing::TestWithParam<Shape> {};

TEST_P(ExactScan, EqualsFloatBruteForceToTheBit) {
  const Shape shape = GetParam();
  std::vector<float> rows = clustered_unit_rows(shape.rows, shape.dim, 50, shape.spread, 11);
  std::vector<float> queries = clustered_unit_rows(shape.queries, shape.dim, 50, shape.spread, 12);
  std::copy_n(queries.begin(), 2 * shape.dim, rows.begin() + 5 * shape.dim);  // two rows equal two queries
  for (std::size_t i = 0; shape.spike > 0 && i < shape.rows; ++i) {
    rows[i * shape.dim + i % shape.dim] += shape.spike;
    make_unit(&rows[i * shape.dim], shape.dim);
  }
  std::copy_n(rows.begin() + 9 * shape.dim, shape.dim, rows.begin() + 3 * shape.dim);  // and two each other
  const RowMatrix all{rows.data(), shape.rows, shape.dim}, asked{queries.data(), shape.queries, shape.dim};
  const NeighbourLists expected = float_brute_force(all, asked, shape.count);
  for (const int threads : {1, 3}) {
    const NeighbourLists found = nearest_rows(all, asked, shape.count, threads);
    EXPECT_EQ(found.ids, expected.ids);
    EXPECT_EQ(found.similarities, expected.similarities);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, ExactScan,
                         testing::Values(Shape{4500, 300, 24, 10, 0.7, 0}, Shape{3000, 40, 512, 100, 1.5, 0},
                                         Shape{3000, 40, 512, 31, 0.01, 0},  // thousands nearly equal
                                         Shape{2000, 30, 200, 20, 2.0, 3.0}, Shape{600, 513, 65, 600, 1.0, 0},
                                         Shape{900, 7, 3, 5, 1.0, 0}));

TEST(ExactIndex, AnswersFromUpdatedRows) {
  std::vector<float> rows = clustered_unit_rows(2000, 96, 40, 0.9, 41);
  ExactIndex index(2);
  index.build(RowMatrix{rows.data(), 2000, 96});
  const std::vector<float> fresh = clustered_unit_rows(300, 96, 40, 0.9, 42);
  std::vector<std::int32_t> ids;
  for (std::size_t i = 0; i < 300; ++i) {
    ids.push_back(static_cast<std::int32_t>((i * 7) % 2000));
    std::copy_n(fresh.begin() + static_cast<std::ptrdiff_t>(i * 96), 96, rows.begin() + ids.back() * 96);
  }
  index.update(ids, {fresh.data(), 300, 96});
  const NeighbourLists found = index.search({rows.data(), 200, 96}, 12);
  const NeighbourLists expected = float_brute_force({rows.data(), 2000, 96}, {rows.data(), 200, 96}, 12);
  EXPECT_EQ(found.ids, expected.ids);
  EXPECT_EQ(found.similarities, expected.similarities);
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
