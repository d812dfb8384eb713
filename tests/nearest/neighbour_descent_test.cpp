#include "aface/nearest/neighbour_descent.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "aface/core/random.h"
#include "tests/support/brute_force.h"

namespace aface {
namespace {

constexpr std::size_t kRows = 2000, kDim = 48, kCount = 16;

class NeighbourDescent : public testing::Test {
 protected:
  NeighbourDescent() : values_(clustered_unit_rows(kRows, kDim, kRows / 20, 1.0, 5)) {
    quantise(view(), std::vector<double>(kRows, 1.0), codes_);
    coded_.rows = kRows;
    coded_.stride = codes_.stride;
    coded_.row = [this](std::int32_t id) {
      const auto row = static_cast<std::size_t>(id);
      return CodedRows::Row{codes_.values.data() + row * codes_.stride, codes_.scale[row], codes_.offset[row]};
    };
    for (std::size_t i = 0; i < kRows; ++i) truth_.push_back(brute_force_neighbours(view(), view().row(i), kCount));
  }

  RowMatrix view() const { return {values_.data(), kRows, kDim}; }

  // Itself, `known` of the true neighbours, and anybody.
  NeighbourLists partly_known(std::size_t known) const {
    NeighbourLists lists = no_neighbours(kRows, kCount);
    Random random(9);
    for (std::size_t i = 0; i < kRows; ++i) {
      std::set<std::int32_t> ids{static_cast<std::int32_t>(i)};
      while (ids.size() < 1 + known) ids.insert(truth_[i][static_cast<std::size_t>(random.below(kCount))].id);
      while (ids.size() < kCount) ids.insert(static_cast<std::int32_t>(random.below(kRows)));
      std::copy(ids.begin(), ids.end(), lists.ids.begin() + static_cast<std::ptrdiff_t>(i * kCount));
    }
    return lists;
  }

  double recall(const NeighbourLists& lists) const {
    std::size_t hits = 0;
    for (std::size_t i = 0; i < kRows; ++i) {
      const std::set<std::int32_t> found(lists.ids_of(i).begin(), lists.ids_of(i).end());
      for (const ScoredId& near : truth_[i]) hits += found.count(near.id);
    }
    return static_cast<double>(hits) / static_cast<double>(kRows * kCount);
  }

  std::vector<float> values_;
  QuantisedGallery codes_;
  CodedRows coded_;
  std::vector<std::vector<ScoredId>> truth_;
};

TEST_F(NeighbourDescent, FindsTheRestFromAFewTrueNeighbours) {
  NeighbourLists lists = partly_known(3);
  const double before = recall(lists);
  EXPECT_LT(before, 0.35);
  double last = before;
  for (int round = 0; round < 3; ++round) {
    lists = descended(lists, coded_, 2);
    EXPECT_GT(recall(lists), last);
    last = recall(lists);
  }
  EXPECT_GT(last, 0.93);
  for (std::size_t i = 0; i < kRows; i += 37) {
    EXPECT_EQ(lists.ids_of(i)[0], static_cast<std::int32_t>(i));  // nobody is nearer than oneself
    for (std::size_t k = 0; k < kCount; ++k) {
      const float* other = view().row(static_cast<std::size_t>(lists.ids_of(i)[k]));
      double cosine = 0;
      for (std::size_t d = 0; d < kDim; ++d) cosine += double(view().row(i)[d]) * double(other[d]);
      EXPECT_NEAR(lists.similarities_of(i)[k], cosine, 0.02);
      EXPECT_GE(lists.similarities_of(i)[k > 0 ? k - 1 : 0], lists.similarities_of(i)[k]);
    }
  }
}

TEST_F(NeighbourDescent, IsTheSameForAnyNumberOfThreads) {
  const NeighbourLists lists = partly_known(2), one = descended(lists, coded_, 1);
  for (const int threads : {2, 3, 7}) {
    const NeighbourLists other = descended(lists, coded_, threads);
    EXPECT_EQ(other.ids, one.ids) << threads;
    EXPECT_EQ(other.similarities, one.similarities) << threads;
  }
}

TEST_F(NeighbourDescent, LeavesGapsWhereNobodyIsKnown) {
  NeighbourLists lists = no_neighbours(kRows, kCount);
  lists.ids[5 * kCount] = 7;
  const NeighbourLists next = descended(lists, coded_, 1);
  EXPECT_EQ(next.ids_of(5)[0], 7);
  EXPECT_EQ(next.ids_of(5)[1], NeighbourLists::kNone);
  EXPECT_EQ(next.ids_of(6)[0], NeighbourLists::kNone);
}

TEST_F(NeighbourDescent, EndsWhenToldTo) {
  EXPECT_THROW(descended(partly_known(2), coded_, 2, [] { throw 1; }), int);
}

}  // namespace
}  // namespace aface
