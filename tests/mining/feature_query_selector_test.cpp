#include "aface/mining/feature_query_selector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "aface/core/error.h"
#include "tests/support/brute_force.h"

namespace aface {
namespace {

constexpr std::size_t kIdentities = 500;
constexpr std::size_t kDim = 16;

class FeatureQuery : public testing::Test {
 protected:
  FeatureQuery()
      : prototypes_(clustered_unit_rows(kIdentities, kDim, 60, 0.6, 71)),
        embeddings_(clustered_unit_rows(4, kDim, 60, 0.6, 72)) {}

  RowMatrix prototypes() const { return {prototypes_.data(), kIdentities, kDim}; }
  SelectionRequest request() const {
    SelectionRequest request;
    request.identities = identities_;
    request.unit_embeddings = {embeddings_.data(), 4, kDim};
    return request;
  }
  // The `count` prototypes nearest to each embedding, and the batch's own.
  std::set<std::int64_t> wanted(std::size_t count) const {
    std::set<std::int64_t> ids(identities_.begin(), identities_.end());
    for (std::size_t i = 0; i < 4; ++i) {
      for (const ScoredId& near : brute_force_neighbours(prototypes(), embeddings_.data() + i * kDim, count)) {
        ids.insert(near.id);
      }
    }
    return ids;
  }
  static MinerOptions options(std::int64_t budget) {
    MinerOptions options;
    options.kind = "feature_query";
    options.budget = budget;
    return options;
  }

  std::vector<float> prototypes_, embeddings_;
  std::vector<std::int64_t> identities_ = {3, 100, 100, 499};
};

TEST_F(FeatureQuery, HoldsTheTrueNearestPrototypesAndFillsUp) {
  // Embeddings in equal pairs: 2 x (47 / 4 + 1) different neighbours and 3 own fit into 47.
  std::copy_n(embeddings_.begin(), kDim, embeddings_.begin() + kDim);
  std::copy_n(embeddings_.begin() + 2 * kDim, kDim, embeddings_.begin() + 3 * kDim);
  FeatureQuerySelector selector(options(47), kIdentities, 1, 1);
  selector.rebuild(0, unit_rows_of(prototypes()));
  const auto active = selector.select(request());
  EXPECT_EQ(active.size(), 47U);
  for (const std::int64_t id : wanted(47 / 4 + 1)) {
    EXPECT_TRUE(std::binary_search(active.begin(), active.end(), id)) << id;
  }
}

TEST_F(FeatureQuery, CutsTheNeighboursAtRandomToTheBudget) {
  // 4 x (12 / 4 + 1) neighbours and 3 own: more than 12.
  FeatureQuerySelector selector(options(12), kIdentities, 1, 1);
  selector.rebuild(0, unit_rows_of(prototypes()));
  const std::set<std::int64_t> allowed = wanted(4);
  ASSERT_GT(allowed.size(), 12U);
  std::set<std::int64_t> seen;
  for (int step = 0; step < 200; ++step) {
    const auto active = selector.select(request());
    EXPECT_EQ(active.size(), 12U);
    for (const std::int64_t own : identities_) EXPECT_TRUE(std::binary_search(active.begin(), active.end(), own));
    seen.insert(active.begin(), active.end());
  }
  EXPECT_EQ(seen, allowed);
}

TEST_F(FeatureQuery, TheIndexFollowsTheRowsThatAStepChanged) {
  for (const char* kind : {"exact", "inverted"}) {
    SCOPED_TRACE(kind);
    MinerOptions with_index = options(40);
    with_index.index = kind;
    with_index.index_lists = 1;  // an inverted file that looks everywhere
    FeatureQuerySelector selector(with_index, kIdentities, 1, 1);
    std::vector<float> before = prototypes_;
    selector.rebuild(0, unit_rows_of(prototypes()));
    EXPECT_TRUE(selector.follows_rows());
    // 200 ... 203 move to where the embeddings are.
    const std::vector<std::int64_t> moved = {200, 201, 202, 203};
    std::copy_n(embeddings_.begin(), 4 * kDim, prototypes_.begin() + 200 * kDim);
    selector.rows_changed(moved, unit_rows_of(prototypes()));
    std::vector<int> seen(kIdentities);
    for (int step = 0; step < 50; ++step) {
      for (const std::int64_t id : selector.select(request())) ++seen[static_cast<std::size_t>(id)];
    }
    // Nearest of all to their embeddings: among those that are cut at random to the budget, 37 of at most 44.
    for (const std::int64_t id : moved) EXPECT_GT(seen[static_cast<std::size_t>(id)], 30) << id;
    prototypes_ = before;
  }
  MinerOptions graph = options(40);
  graph.index = "graph";
  EXPECT_FALSE(FeatureQuerySelector(graph, kIdentities, 1, 1).follows_rows());
}

TEST_F(FeatureQuery, AsksForARebuildAtTheStartOnTheGridAndAfterRestore) {
  MinerOptions with_rhythm = options(12);
  with_rhythm.rebuild_steps = 10;
  FeatureQuerySelector selector(with_rhythm, kIdentities, 1, 1);
  EXPECT_THROW(selector.select(request()), Error);
  EXPECT_TRUE(selector.wants_rebuild(0));
  selector.rebuild(0, unit_rows_of(prototypes()));
  EXPECT_FALSE(selector.wants_rebuild(9));
  EXPECT_TRUE(selector.wants_rebuild(10));
  selector.rebuild(13, unit_rows_of(prototypes()));
  EXPECT_FALSE(selector.wants_rebuild(19));
  EXPECT_TRUE(selector.wants_rebuild(20));
  NamedArrays state;
  selector.save(state);
  state.own_all();
  FeatureQuerySelector resumed(with_rhythm, kIdentities, 1, 1);
  resumed.restore(state);
  EXPECT_FALSE(resumed.wants_rebuild(19));
  EXPECT_TRUE(resumed.wants_rebuild(20));
  state.arrays.erase("miner.last_rebuild");  // of a state without an index
  resumed.restore(state);
  EXPECT_TRUE(resumed.wants_rebuild(14));
}

// Rows changed since the rebuild, others that drifted without the index being told: the state holds them as they are.
TEST_F(FeatureQuery, ARestoredOneSelectsAsTheUncutOne) {
  for (const char* kind : {"exact", "inverted", "graph"}) {
    SCOPED_TRACE(kind);
    MinerOptions with_index = options(30);
    with_index.index = kind;
    with_index.index_lists = 12;
    with_index.index_probes = 3;
    FeatureQuerySelector uncut(with_index, kIdentities, 1, 1);
    std::vector<float> rows = prototypes_;
    const RowMatrix now{rows.data(), kIdentities, kDim};
    uncut.rebuild(0, unit_rows_of(now));
    const std::vector<float> drifted = clustered_unit_rows(kIdentities, kDim, 60, 0.6, 75);
    std::copy_n(drifted.begin(), 300 * kDim, rows.begin());
    const std::vector<std::int64_t> told = {3, 50, 51, 299};
    uncut.rows_changed(told, unit_rows_of(now));
    uncut.select(request());

    NamedArrays state;
    uncut.save(state);
    state.own_all();
    FeatureQuerySelector resumed(with_index, kIdentities, 1, 1);
    resumed.restore(state);
    for (int step = 0; step < 20; ++step) {
      ASSERT_EQ(uncut.select(request()), resumed.select(request()));
      std::copy_n(&drifted[(300 + static_cast<std::size_t>(step)) * kDim], kDim, rows.begin() + (300 + step) * static_cast<std::ptrdiff_t>(kDim));
      const std::vector<std::int64_t> moved = {300 + step};
      uncut.rows_changed(moved, unit_rows_of(now));
      resumed.rows_changed(moved, unit_rows_of(now));
    }
  }
}

}  // namespace
}  // namespace aface
