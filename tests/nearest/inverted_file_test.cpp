#include "aface/nearest/inverted_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "aface/kernel/inner_products.h"
#include "aface/nearest/exact_index.h"
#include "tests/nearest/recall.h"
#include "tests/support/brute_force.h"

namespace aface {
namespace {

constexpr std::size_t kRows = 5000;
constexpr std::size_t kDim = 72;

IndexOptions options_of(std::int64_t lists, std::int64_t probes, int threads) {
  IndexOptions options;
  options.lists = lists;
  options.probes = probes;
  options.threads = threads;
  return options;
}

class InvertedFileTest : public testing::Test {
 protected:
  RowMatrix view() const { return {rows_.data(), kRows, kDim}; }
  std::vector<float> rows_ = clustered_unit_rows(kRows, kDim, 200, 0.7, 31);
};

TEST_F(InvertedFileTest, FindsNearlyAllTrueNeighboursInFewLists) {
  InvertedFile index(options_of(0, 6, 2));
  index.build(view());
  EXPECT_GE(index.list_count(), 64U);
  const NeighbourLists truth = nearest_rows(view(), view(), 20, 2);
  EXPECT_GE(recall_of(index.search(view(), 20), truth), 0.95);
}

TEST_F(InvertedFileTest, AllListsGiveAllButWhatEightBitsConfuse) {
  InvertedFile index(options_of(30, 30, 2));
  index.build(view());
  const RowMatrix queries{rows_.data(), 300, kDim};
  const NeighbourLists found = index.search(queries, 20);
  EXPECT_GE(recall_of(found, nearest_rows(view(), queries, 20, 2)), 0.97);
  for (std::size_t q = 0; q < 300; ++q) {
    const auto similarities = found.similarities_of(q);
    EXPECT_TRUE(std::is_sorted(similarities.begin(), similarities.end(), std::greater<>()));
    EXPECT_EQ(found.ids_of(q)[0], static_cast<std::int32_t>(q));
    for (std::size_t i = 0; i < 20; ++i) {
      const auto id = static_cast<std::size_t>(found.ids_of(q)[i]);
      EXPECT_NEAR(similarities[i], inner_product(queries.row(q), view().row(id), kDim), 0.01);
    }
  }
}

TEST_F(InvertedFileTest, ThreadsAndBlocksOfQueriesDoNotChangeAnswers) {
  InvertedFile one(options_of(50, 4, 1)), three(options_of(50, 4, 3));
  one.build(view());
  three.build(view());
  const NeighbourLists all = one.search(view(), 9);
  const NeighbourLists same = three.search(view(), 9);
  EXPECT_EQ(all.ids, same.ids);
  EXPECT_EQ(all.similarities, same.similarities);
  for (const std::size_t begin : {std::size_t{0}, std::size_t{1}, std::size_t{333}}) {
    const NeighbourLists part = three.search({view().row(begin), 7, kDim}, 9);
    for (std::size_t q = 0; q < 7; ++q) {
      for (std::size_t i = 0; i < 9; ++i) EXPECT_EQ(part.ids_of(q)[i], all.ids_of(begin + q)[i]);
    }
  }
}

// The same rows at the end, by quite different ways.
TEST_F(InvertedFileTest, AnswersDependOnTheRowsAndNotOnTheirHistory) {
  const std::vector<float> fresh = clustered_unit_rows(kRows, kDim, 200, 0.7, 32);
  InvertedFile direct(options_of(40, 3, 2)), wandering(options_of(40, 3, 2));
  direct.build(view());
  wandering.build(view());
  std::vector<std::int32_t> ids;
  for (std::int32_t id = 0; id < static_cast<std::int32_t>(kRows); id += 2) ids.push_back(id);
  const RowMatrix goal{fresh.data(), ids.size(), kDim};
  direct.update(ids, goal);

  std::vector<std::int32_t> backwards(ids.rbegin(), ids.rend());
  wandering.update(backwards, {fresh.data() + ids.size() * kDim, ids.size(), kDim});  // elsewhere first
  for (std::size_t i = ids.size(); i-- > 0;) wandering.update({&ids[i], 1}, {goal.row(i), 1, kDim});

  const NeighbourLists a = direct.search(view(), 11), b = wandering.search(view(), 11);
  EXPECT_EQ(a.ids, b.ids);
  EXPECT_EQ(a.similarities, b.similarities);
}

// Rows that moved little are not compared with the centroids; an index that knows of no leads compares all.
TEST_F(InvertedFileTest, SmallDriftsEndInTheListsOfTheNearestCentroids) {
  InvertedFile drifting(options_of(60, 2, 2)), comparing(options_of(60, 2, 2));
  drifting.build(view());
  NamedArrays state;
  drifting.save(state);
  state.put("nearest.leads", std::vector<float>(kRows, 0.0F));
  comparing.restore(state);
  Random random(12);
  std::vector<std::int32_t> ids(kRows);
  std::iota(ids.begin(), ids.end(), 0);
  for (int step = 0; step < 8; ++step) {
    for (std::size_t id = 0; id < kRows; ++id) {
      float* row = &rows_[id * kDim];
      for (std::size_t d = 0; d < kDim; ++d) row[d] += 0.004F * static_cast<float>(random.normal());
      const float length = std::sqrt(inner_product(row, row, kDim));
      for (std::size_t d = 0; d < kDim; ++d) row[d] /= length;
    }
    drifting.update(ids, view());
  }
  comparing.update(ids, view());
  for (std::size_t list = 0; list < drifting.list_count(); ++list) EXPECT_EQ(drifting.list_size(list), comparing.list_size(list));
  const NeighbourLists a = drifting.search(view(), 9), b = comparing.search(view(), 9);
  EXPECT_EQ(a.ids, b.ids);
  EXPECT_EQ(a.similarities, b.similarities);
}

TEST_F(InvertedFileTest, RecallSurvivesThatEveryRowDrifts) {
  InvertedFile index(options_of(0, 10, 2));
  index.build(view());
  Random random(8);
  std::vector<std::int32_t> ids(1000);
  std::vector<float> moved(1000 * kDim);
  for (int step = 0; step < 20; ++step) {
    for (std::size_t i = 0; i < 1000; ++i) {
      const std::size_t id = (static_cast<std::size_t>(step) * 1000 + i) % kRows;
      ids[i] = static_cast<std::int32_t>(id);
      float* row = &rows_[id * kDim];
      for (std::size_t d = 0; d < kDim; ++d) row[d] += 0.03F * static_cast<float>(random.normal());
      const float length = std::sqrt(inner_product(row, row, kDim));
      for (std::size_t d = 0; d < kDim; ++d) row[d] /= length;
      std::copy_n(row, kDim, &moved[i * kDim]);
    }
    index.update(ids, {moved.data(), 1000, kDim});
  }
  std::size_t rows = 0;
  for (std::size_t list = 0; list < index.list_count(); ++list) rows += index.list_size(list);
  EXPECT_EQ(rows, kRows);
  EXPECT_GE(recall_of(index.search(view(), 20), nearest_rows(view(), view(), 20, 2)), 0.93);
}

TEST(InvertedFile, EmptyTinyAndShortAnswers) {
  InvertedFile index(options_of(0, 1, 2));
  const std::vector<float> rows = {1, 0, 0, 1, -1, 0};
  EXPECT_EQ(index.search({rows.data(), 1, 2}, 3).count, 0U);
  index.build(RowMatrix{rows.data(), 0, 2});
  EXPECT_EQ(index.search({rows.data(), 1, 2}, 3).count, 0U);
  index.build(RowMatrix{rows.data(), 3, 2});
  EXPECT_EQ(index.search({rows.data(), 1, 2}, 5).ids, (std::vector<std::int32_t>{0, 1, 2}));
  // Two lists of which a query sees one: what is missing is marked.
  InvertedFile two(options_of(2, 1, 1));
  const std::vector<float> poles = {1, 0, 1, 0, -1, 0};
  two.build(RowMatrix{poles.data(), 3, 2});
  EXPECT_EQ(two.search({poles.data(), 1, 2}, 3).ids, (std::vector<std::int32_t>{0, 1, NeighbourLists::kNone}));
}

}  // namespace
}  // namespace aface
