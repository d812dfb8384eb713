#include "aface/mining/background_rebuild.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>
#include <thread>

#include "aface/core/error.h"
#include "aface/mining/queue_rules.h"
#include "tests/support/brute_force.h"

namespace aface {
namespace {

using Entry = CandidateQueues::Entry;

constexpr std::size_t kDim = 64;

struct Rows {
  std::vector<float> values;
  std::size_t count() const { return values.size() / kDim; }
  RowMatrix matrix() const { return {values.data(), count(), kDim}; }
  PrototypeSnapshot snapshot() const { return PrototypeSnapshot(unit_rows_of(matrix()), 2); }
};

CandidateQueues rebuilt(const Rows& rows, const QueueRebuildOptions& options) {
  BackgroundRebuild rebuild(rows.snapshot(), std::make_shared<CandidateQueues>(std::int64_t(rows.count())), options);
  while (!rebuild.finished()) std::this_thread::yield();
  return rebuild.take();
}

struct Quality {
  double recall = 0;
  double worst_error = 0;  // of a similarity
};

Quality quality_of(const CandidateQueues& queues, const Rows& rows, std::size_t neighbours, std::size_t every) {
  Quality quality;
  std::size_t hits = 0, wanted = 0;
  for (std::size_t owner = 0; owner < rows.count(); owner += every) {
    std::set<std::int64_t> truth;
    for (const ScoredId& near : brute_force_neighbours(rows.matrix(), rows.matrix().row(owner), neighbours + 1)) {
      if (near.id != static_cast<std::int32_t>(owner) && truth.size() < neighbours) truth.insert(near.id);
    }
    wanted += truth.size();
    for (const Entry& entry : queues.of(std::int64_t(owner))) {
      hits += truth.count(entry.id);
      double exact = 0;
      for (std::size_t d = 0; d < kDim; ++d) {
        exact += double(rows.matrix().row(owner)[d]) * double(rows.matrix().row(entry.id)[d]);
      }
      quality.worst_error = std::max(quality.worst_error, std::fabs(exact - double(entry.similarity)));
    }
  }
  quality.recall = static_cast<double>(hits) / static_cast<double>(wanted);
  return quality;
}

TEST(BackgroundRebuild, ComparingAllPairsFindsTheNeighboursUpToTheEightBits) {
  const Rows rows{clustered_unit_rows(3000, kDim, 150, 0.8, 11)};
  QueueRebuildOptions options;
  options.neighbours = 20;
  const CandidateQueues queues = rebuilt(rows, options);
  for (std::int64_t owner = 0; owner < 3000; ++owner) {
    const auto queue = queues.of(owner);
    ASSERT_EQ(queue.size(), 20U);
    ASSERT_TRUE(std::is_sorted(queue.begin(), queue.end(), more_similar));
    for (const Entry& entry : queue) ASSERT_NE(entry.id, owner);
  }
  const Quality quality = quality_of(queues, rows, 20, 7);
  EXPECT_GT(quality.recall, 0.97);
  EXPECT_LT(quality.worst_error, 0.012);
}

TEST(BackgroundRebuild, ComparingATenthOfThePairsMissesFewNeighbours) {
  const Rows rows{clustered_unit_rows(6000, kDim, 300, 0.8, 12)};
  QueueRebuildOptions options;
  options.neighbours = 10;
  options.exact_below = 100;
  options.candidates = 600;
  EXPECT_GT(quality_of(rebuilt(rows, options), rows, 10, 13).recall, 0.93);
}

TEST(BackgroundRebuild, ThreadsDoNotChangeTheQueues) {
  const Rows rows{clustered_unit_rows(2500, kDim, 100, 0.8, 13)};
  QueueRebuildOptions options;
  options.neighbours = 5;
  options.exact_below = 100;
  options.candidates = 200;
  const CandidateQueues one = rebuilt(rows, options);
  options.threads = 3;
  const CandidateQueues three = rebuilt(rows, options);
  for (std::int64_t owner = 0; owner < 2500; ++owner) {
    ASSERT_EQ(one.of(owner).size(), three.of(owner).size());
    for (std::size_t i = 0; i < one.of(owner).size(); ++i) {
      ASSERT_EQ(one.of(owner)[i].id, three.of(owner)[i].id);
      ASSERT_EQ(one.of(owner)[i].similarity, three.of(owner)[i].similarity);
    }
  }
}

TEST(BackgroundRebuild, FewOrEqualPrototypesHaveTheNeighboursThatThereAre) {
  QueueRebuildOptions options;
  options.neighbours = 10;
  EXPECT_TRUE(rebuilt({clustered_unit_rows(1, kDim, 1, 0, 14)}, options).of(0).empty());
  const CandidateQueues three = rebuilt({clustered_unit_rows(3, kDim, 1, 0.5, 15)}, options);
  for (std::int64_t owner = 0; owner < 3; ++owner) EXPECT_EQ(three.of(owner).size(), 2U);
  const CandidateQueues equal = rebuilt({clustered_unit_rows(40, kDim, 1, 0, 16)}, options);
  for (std::int64_t owner = 0; owner < 40; ++owner) {
    EXPECT_EQ(equal.of(owner).size(), 10U);
    for (const Entry& entry : equal.of(owner)) EXPECT_NE(entry.id, owner);
  }
}

TEST(BackgroundRebuild, WhatGoesWrongInTheThreadIsThrownToWhoTakesTheQueues) {
  const Rows rows{clustered_unit_rows(30, kDim, 3, 0.5, 20)};
  BackgroundRebuild rebuild(rows.snapshot(), std::make_shared<CandidateQueues>(31), {});
  while (!rebuild.finished()) std::this_thread::yield();
  EXPECT_THROW(rebuild.take(), Error);
}

TEST(BackgroundRebuild, EndsAtOnceWhenNobodyWantsItAnyMore) {
  const Rows rows{clustered_unit_rows(20000, kDim, 200, 0.8, 21)};
  const BackgroundRebuild rebuild(rows.snapshot(), std::make_shared<CandidateQueues>(20000), {});
  EXPECT_FALSE(rebuild.finished());  // some 4e8 products are ahead of it
}

TEST(PrototypeSnapshot, ReadsBackUnitRowsNearThoseThatWentIn) {
  const Rows rows{clustered_unit_rows(1100, kDim, 20, 0.8, 17)};  // more than one block
  const PrototypeSnapshot snapshot = rows.snapshot();
  std::vector<float> back(1100 * kDim);
  snapshot.read(0, 1000, back.data());
  snapshot.read(1000, 100, back.data() + 1000 * kDim);
  for (std::size_t i = 0; i < 1100; ++i) {
    double square = 0, product = 0;
    for (std::size_t d = 0; d < kDim; ++d) {
      square += double(back[i * kDim + d]) * double(back[i * kDim + d]);
      product += double(back[i * kDim + d]) * double(rows.values[i * kDim + d]);
    }
    ASSERT_NEAR(square, 1, 1e-5);
    ASSERT_GT(product, 0.9995);
  }
  double exact = 0;
  for (std::size_t d = 0; d < kDim; ++d) exact += double(rows.values[5 * kDim + d]) * double(rows.values[1050 * kDim + d]);
  EXPECT_NEAR(snapshot.similarity(5, 1050), exact, 0.012);
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
