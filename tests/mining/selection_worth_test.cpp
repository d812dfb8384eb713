#include "aface/mining/selection_worth.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/brute_force.h"

namespace aface {
namespace {

TEST(TopNegativesCaught, CountsWrongIdentitiesOnly) {
  //                                   0     1     2     3     4
  const std::vector<float> cosines = {0.9F, 0.8F, 0.7F, 0.1F, 0.0F,   // own 0: the three hardest are 1, 2, 3
                                      0.2F, 0.9F, 0.3F, 0.4F, 0.1F};  // own 4: 1, 3, 2
  const std::vector<std::int64_t> own = {0, 4}, active = {0, 2, 3};
  const RowMatrix matrix{cosines.data(), 2, 5};
  EXPECT_NEAR(top_negatives_caught(matrix, active, own, 3), 2.0 / 3, 1e-12);  // 2 and 3 of both
  EXPECT_NEAR(top_negatives_caught(matrix, active, own, 1), 0, 1e-12);
  EXPECT_NEAR(top_negatives_caught(matrix, active, own, 100), (2.0 / 4 + 3.0 / 4) / 2, 1e-12);  // all four wrong ones
  EXPECT_EQ(top_negatives_caught({cosines.data(), 0, 5}, active, {}, 3), 1);
}

TEST(TopNegativesCaught, TiesGoToTheLowerIdentity) {
  const std::vector<float> cosines = {0.5F, 0.5F, 0.5F, 0.5F};
  const std::vector<std::int64_t> own = {1};
  EXPECT_EQ(top_negatives_caught({cosines.data(), 1, 4}, std::vector<std::int64_t>{0}, own, 1), 1);
  EXPECT_EQ(top_negatives_caught({cosines.data(), 1, 4}, std::vector<std::int64_t>{2, 3}, own, 1), 0);
}

class Worth : public testing::Test {
 protected:
  static constexpr std::size_t kIdentities = 600, kDim = 16, kBatch = 12;

  Worth() : prototypes_(clustered_unit_rows(kIdentities, kDim, 40, 0.7, 81)) {
    Random random(82);
    for (int b = 0; b < 30; ++b) {
      WorthBatch batch;
      for (std::size_t i = 0; i < kBatch; ++i) {
        const std::int64_t identity = random.below(kIdentities);
        batch.identities.push_back(identity);
        double squares = 0;
        const std::size_t begin = batch.unit_embeddings.size();
        for (std::size_t d = 0; d < kDim; ++d) {
          const double value = prototypes_[std::size_t(identity) * kDim + d] + 0.2 * random.normal();
          batch.unit_embeddings.push_back(float(value));
          squares += value * value;
        }
        for (std::size_t d = begin; d < begin + kDim; ++d) batch.unit_embeddings[d] /= float(std::sqrt(squares));
      }
      batches_.push_back(batch);
    }
  }
  RowMatrix prototypes() const { return {prototypes_.data(), kIdentities, kDim}; }
  std::unique_ptr<ClassSelector> selector(const std::string& kind, std::int64_t budget) const {
    MinerOptions options;
    options.kind = kind;
    options.budget = budget;
    auto made = make_class_selector(options, kIdentities, 7, 1);
    if (made->wants_rebuild(0)) made->rebuild(0, unit_rows_of(prototypes()));
    return made;
  }

  std::vector<float> prototypes_;
  std::vector<WorthBatch> batches_;
};

TEST_F(Worth, AllCatchesEverythingAndRandomItsShare) {
  std::vector<std::unique_ptr<ClassSelector>> selectors;
  selectors.push_back(selector("all", 0));
  selectors.push_back(selector("random", 120));
  const auto worth = worth_of(selectors, batches_, prototypes(), 20, 2);
  EXPECT_EQ(worth[0].active.value, kIdentities);
  EXPECT_NEAR(worth[0].wrong_mass.value, 1, 1e-12);
  EXPECT_NEAR(worth[0].all_mass.value, 1, 1e-12);
  EXPECT_NEAR(worth[0].top_negatives.value, 1, 1e-12);
  // A fifth of the identities, drawn evenly: a fifth of the ten nearest, within five standard errors of their means.
  EXPECT_EQ(worth[1].active.value, 120);
  EXPECT_GT(worth[1].top_negatives.error, 0);
  EXPECT_NEAR(worth[1].top_negatives.value, 0.2, 5 * worth[1].top_negatives.error);
  EXPECT_NEAR(worth[1].wrong_mass.value, 0.2, 5 * worth[1].wrong_mass.error);
  EXPECT_GT(worth[1].all_mass.value, worth[1].wrong_mass.value);
}

TEST_F(Worth, QueriesWithTheEmbeddingsFindAllHardOnesThatTheBudgetHasRoomFor) {
  std::vector<std::unique_ptr<ClassSelector>> selectors;
  selectors.push_back(selector("feature_query", 12 * 12));  // ten neighbours of each and the own ones
  selectors.push_back(selector("random", 12 * 12));
  const auto worth = worth_of(selectors, batches_, prototypes(), 20, 1);
  EXPECT_GT(worth[0].top_negatives.value, 0.98);
  EXPECT_GT(worth[0].wrong_mass.value, 2 * worth[1].wrong_mass.value);
}

}  // namespace
}  // namespace aface
