#include "aface/mining/neighbour_join.h"

#include <gtest/gtest.h>

#include <mutex>
#include <set>

#include "aface/core/error.h"
#include "aface/mining/row_groups.h"
#include "tests/support/brute_force.h"

namespace aface {
namespace {

constexpr std::size_t kDim = 64;

using Lists = std::vector<std::vector<ScoredId>>;

struct Rows {
  std::vector<float> values;
  RowMatrix matrix() const { return {values.data(), values.size() / kDim, kDim}; }
  PrototypeSnapshot snapshot() const { return PrototypeSnapshot(unit_rows_of(matrix()), 2); }
};

Lists joined(const Rows& rows, const JoinOptions& options) {
  Lists lists(rows.matrix().rows);
  std::mutex mutex;
  join_neighbours(rows.snapshot(), options, [] { return false; },
                  [&](std::int64_t owner, const std::vector<ScoredId>& nearest) {
                    const std::lock_guard<std::mutex> lock(mutex);
                    EXPECT_TRUE(lists[static_cast<std::size_t>(owner)].empty()) << "taken twice: " << owner;
                    lists[static_cast<std::size_t>(owner)] = nearest;
                  });
  return lists;
}

// Share of the true neighbours that were found, and the largest error of a similarity.
struct Quality {
  double recall = 0;
  double worst_error = 0;
};

Quality quality_of(const Lists& lists, const Rows& rows, std::size_t neighbours, std::size_t every) {
  Quality quality;
  std::size_t hits = 0, wanted = 0;
  for (std::size_t owner = 0; owner < lists.size(); owner += every) {
    std::set<std::int32_t> truth;
    for (const ScoredId& near : brute_force_neighbours(rows.matrix(), rows.matrix().row(owner), neighbours + 1)) {
      if (near.id != static_cast<std::int32_t>(owner)) truth.insert(near.id);
    }
    wanted += truth.size();
    for (const ScoredId& found : lists[owner]) {
      hits += truth.count(found.id);
      double exact = 0;
      for (std::size_t d = 0; d < kDim; ++d) {
        exact += double(rows.matrix().row(owner)[d]) * double(rows.matrix().row(static_cast<std::size_t>(found.id))[d]);
      }
      quality.worst_error = std::max(quality.worst_error, std::fabs(exact - found.score));
    }
  }
  quality.recall = static_cast<double>(hits) / static_cast<double>(wanted);
  return quality;
}

TEST(NeighbourJoin, ComparingAllPairsFindsTheNeighboursUpToTheEightBits) {
  const Rows rows{clustered_unit_rows(1500, kDim, 80, 0.8, 11)};
  JoinOptions options;
  options.neighbours = 20;
  const Lists lists = joined(rows, options);
  for (std::size_t owner = 0; owner < lists.size(); ++owner) {
    ASSERT_EQ(lists[owner].size(), 20U);
    ASSERT_TRUE(std::is_sorted(lists[owner].begin(), lists[owner].end(), ranks_before));
    for (const ScoredId& found : lists[owner]) ASSERT_NE(found.id, static_cast<std::int32_t>(owner));
  }
  const Quality quality = quality_of(lists, rows, 20, 7);
  EXPECT_GT(quality.recall, 0.97);
  EXPECT_LT(quality.worst_error, 0.012);
}

TEST(NeighbourJoin, GroupsMissFewOfTheNeighboursAndCompareFewPairs) {
  const Rows rows{clustered_unit_rows(6000, kDim, 300, 0.8, 12)};
  JoinOptions options;
  options.neighbours = 10;
  options.exhaustive_below = 100;
  options.candidates = 600;  // a tenth
  EXPECT_GT(quality_of(joined(rows, options), rows, 10, 13).recall, 0.93);
}

TEST(NeighbourJoin, ThreadsDoNotChangeTheAnswer) {
  const Rows rows{clustered_unit_rows(2000, kDim, 100, 0.8, 13)};
  JoinOptions options;
  options.neighbours = 5;
  options.exhaustive_below = 100;
  options.candidates = 200;
  const Lists one = joined(rows, options);
  options.threads = 3;
  const Lists three = joined(rows, options);
  for (std::size_t owner = 0; owner < one.size(); ++owner) {
    ASSERT_EQ(one[owner].size(), three[owner].size());
    for (std::size_t i = 0; i < one[owner].size(); ++i) {
      ASSERT_EQ(one[owner][i].id, three[owner][i].id);
      ASSERT_EQ(one[owner][i].score, three[owner][i].score);
    }
  }
}

TEST(NeighbourJoin, FewRowsHaveFewNeighbours) {
  const Rows one{clustered_unit_rows(1, kDim, 1, 0, 14)};
  JoinOptions options;
  EXPECT_TRUE(joined(one, options)[0].empty());
  const Rows three{clustered_unit_rows(3, kDim, 1, 0.5, 15)};
  options.exhaustive_below = 0;  // three rows, more groups than rows
  for (const auto& nearest : joined(three, options)) EXPECT_EQ(nearest.size(), 2U);
}

TEST(NeighbourJoin, EqualRowsAreNeighboursOfEachOtherNotOfThemselves) {
  Rows rows{clustered_unit_rows(40, kDim, 1, 0, 16)};  // all at one point
  JoinOptions options;
  options.neighbours = 10;
  const Lists lists = joined(rows, options);
  for (std::size_t owner = 0; owner < lists.size(); ++owner) {
    EXPECT_EQ(lists[owner].size(), 10U);
    for (const ScoredId& found : lists[owner]) EXPECT_NE(found.id, static_cast<std::int32_t>(owner));
  }
}

TEST(NeighbourJoin, StopsWhenTold) {
  const Rows rows{clustered_unit_rows(3000, kDim, 100, 0.8, 17)};
  JoinOptions options;
  options.exhaustive_below = 100;
  int asked = 0, taken = 0;
  join_neighbours(rows.snapshot(), options, [&] { return ++asked > 40; },
                  [&](std::int64_t, const std::vector<ScoredId>&) { ++taken; });
  EXPECT_LT(taken, 3000);
}

TEST(RowGroups, HoldEveryRowOnceByItsNearestCentre) {
  const Rows rows{clustered_unit_rows(1200, kDim, 30, 0.6, 18)};
  const PrototypeSnapshot snapshot = rows.snapshot();
  const RowGroups groups = group_rows(snapshot, 40, 3, 2, [] { return false; });
  ASSERT_EQ(groups.groups(), 40U);
  ASSERT_EQ(groups.begins.back(), 1200U);
  std::set<std::int32_t> seen(groups.identities.begin(), groups.identities.end());
  EXPECT_EQ(seen.size(), 1200U);
  std::vector<std::int32_t> products;
  std::vector<float> scores(40);
  for (std::size_t g = 0; g < 40; ++g) {
    for (std::size_t p = groups.begins[g]; p < groups.begins[g + 1]; ++p) {
      std::vector<std::uint8_t> probe;
      append_probe(snapshot.code(groups.identities[p]), snapshot.stride(), probe);
      score_codes(probe.data(), 1, groups.centres, 0, 40, products, scores.data(), 40);
      ASSERT_EQ(*std::max_element(scores.begin(), scores.end()), scores[g]);
    }
  }
}

TEST(PrototypeSnapshot, RefusesRowsThatAreNoDirectionsAndNamesTheIdentity) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), 0.0F}) {
    Rows rows{clustered_unit_rows(2000, kDim, 10, 0.5, 19)};
    std::fill_n(rows.values.begin() + 1500 * kDim, kDim, bad);
    try {
      rows.snapshot();
      FAIL() << bad;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kNumeric);
      EXPECT_NE(std::string(error.what()).find("identity 1500 "), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace aface
