#include "aface/gallery/row_store.h"

#include <gtest/gtest.h>

#include "aface/nearest/exact_index.h"
#include "tests/gallery/people.h"

namespace aface::test {
namespace {

void expect_answers_of_exact_search(const RowStore& store, const std::vector<float>& rows, std::size_t dim,
                                    const std::vector<float>& queries) {
  const std::size_t count = rows.size() / dim, probes = queries.size() / dim;
  ASSERT_EQ(store.size(), count);
  const NeighbourLists expected =
      nearest_rows({rows.data(), count, dim}, {queries.data(), probes, dim}, 7, 1);
  for (const int threads : {1, 3}) {
    const NeighbourLists found = store.search({queries.data(), probes, dim}, 7, threads);
    EXPECT_EQ(found.ids, expected.ids);
    EXPECT_EQ(found.similarities, expected.similarities);
  }
}

TEST(RowStore, RowsThatComeAndGoAreSearchedAsIfBuiltAnew) {
  constexpr std::size_t kDim = 40;
  RowStore store(kDim);
  std::vector<float> rows, queries;
  for (std::uint64_t q = 0; q < 9; ++q) {
    const std::vector<float> query = unit_row(1000000 + q, kDim);
    queries.insert(queries.end(), query.begin(), query.end());
  }
  Random random(1);
  for (std::uint64_t round = 0; round < 1500; ++round) {
    const std::size_t count = rows.size() / kDim;
    if (count == 0 || random.chance(round < 800 ? 0.7 : 0.35)) {
      const std::vector<float> row = unit_row(round, kDim);
      rows.insert(rows.end(), row.begin(), row.end());
      store.append(row.data());
    } else {
      const auto i = static_cast<std::size_t>(random.below(static_cast<std::int64_t>(count)));
      std::copy_n(rows.end() - kDim, kDim, rows.begin() + static_cast<std::ptrdiff_t>(i * kDim));
      rows.resize(rows.size() - kDim);
      store.remove(i);
    }
    if (round % 97 == 0 && !rows.empty()) expect_answers_of_exact_search(store, rows, kDim, queries);
  }
  while (store.size() > 0) store.remove(0);
  EXPECT_TRUE(store.search({queries.data(), 9, kDim}, 7, 1).ids.empty());
}

TEST(RowStore, SeveralSegmentsAnswerAsOne) {
  constexpr std::size_t kDim = 8, kRows = 140000;  // segments have 65,536 rows
  RowStore store(kDim);
  std::vector<float> rows, queries;
  for (std::uint64_t i = 0; i < kRows; ++i) {
    const std::vector<float> row = unit_row(i % 50000, kDim);  // with equal rows, across segments
    rows.insert(rows.end(), row.begin(), row.end());
    store.append(row.data());
  }
  for (std::uint64_t q = 0; q < 100; ++q) {
    const std::vector<float> query = unit_row(q * 300, kDim);
    queries.insert(queries.end(), query.begin(), query.end());
  }
  expect_answers_of_exact_search(store, rows, kDim, queries);
  queries.resize(3 * kDim);
  expect_answers_of_exact_search(store, rows, kDim, queries);
  // Out of the first segment; the last row of the last one moves there.
  store.remove(5);
  std::copy_n(rows.end() - kDim, kDim, rows.begin() + 5 * kDim);
  rows.resize(rows.size() - kDim);
  expect_answers_of_exact_search(store, rows, kDim, queries);
}

}  // namespace
}  // namespace aface::test
