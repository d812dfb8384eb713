#include "aface/data/flip_labels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "aface/core/error.h"
#include "tests/support/chi_square.h"

namespace aface {
namespace {

// Identity i has i + 1 samples, in mixed order.
std::vector<std::int64_t> mixed(std::int64_t num_identities) {
  std::vector<std::int64_t> identities;
  for (std::int64_t round = 0; round < num_identities; ++round) {
    for (std::int64_t identity = round; identity < num_identities; ++identity) identities.push_back(identity);
  }
  return identities;
}

std::size_t changed(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) count += a[i] != b[i];
  return count;
}

TEST(FlipLabels, FlipsTheShareAskedForAndKeepsOneOfEveryIdentity) {
  const std::vector<std::int64_t> identities = mixed(30);  // 465 samples
  for (const double share : {0.0, 0.1, 0.5, 435.0 / 465}) {
    const std::vector<std::int64_t> labels = flip_labels(identities, 30, share, 3);
    EXPECT_EQ(changed(identities, labels), std::size_t(std::llround(share * 465)));
    std::set<std::int64_t> kept;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      EXPECT_TRUE(labels[i] >= 0 && labels[i] < 30);
      if (labels[i] == identities[i]) kept.insert(labels[i]);
    }
    EXPECT_EQ(kept.size(), 30U);
  }
}

TEST(FlipLabels, SeedDecides) {
  const std::vector<std::int64_t> identities = mixed(30);
  EXPECT_EQ(flip_labels(identities, 30, 0.2, 3), flip_labels(identities, 30, 0.2, 3));
  EXPECT_NE(flip_labels(identities, 30, 0.2, 3), flip_labels(identities, 30, 0.2, 4));
}

TEST(FlipLabels, OtherLabelsAreAllAsLikely) {
  std::vector<std::int64_t> identities(3000, 2);
  for (std::int64_t i = 0; i < 6; ++i) identities.push_back(i);
  std::vector<double> counts(6), expected(6, 0.0);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<std::int64_t> labels = flip_labels(identities, 6, 0.5, seed);
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] == identities[i]) continue;
      ++counts[std::size_t(labels[i])];
      for (std::size_t other = 0; other < 6; ++other) expected[other] += other == 2 ? 0 : 0.2;
    }
  }
  EXPECT_LT(std::abs(chi_square_deviation(counts, expected)), 4);
}

TEST(FlipLabels, ImpossibleWishesAreRefused) {
  const std::vector<std::int64_t> identities = {0, 0, 1, 1};
  EXPECT_EQ(changed(identities, flip_labels(identities, 2, 0.5, 1)), 2U);
  EXPECT_THROW(flip_labels(identities, 2, 0.75, 1), Error);
  EXPECT_THROW(flip_labels(identities, 2, 1.0, 1), Error);
  EXPECT_THROW(flip_labels(identities, 2, -0.1, 1), Error);
  const std::vector<std::int64_t> alone = {0, 0};
  EXPECT_THROW(flip_labels(alone, 1, 0.5, 1), Error);
}

}  // namespace
}  // namespace aface
