#include "aface/nearest/centroids.h"

#include <gtest/gtest.h>

#include <set>

#include "aface/kernel/inner_products.h"
#include "tests/support/brute_force.h"

namespace aface {
namespace {

constexpr std::size_t kDim = 40;

QuantisedProbes coded(RowMatrix rows) {
  QuantisedProbes probes;
  quantise(rows, std::vector<double>(rows.rows, 1.0), probes);
  return probes;
}

TEST(Centroids, NearestAreThoseOfFloatProductsUpToTheErrorOfEightBits) {
  const std::vector<float> centres = clustered_unit_rows(77, kDim, 77, 1, 1);
  const std::vector<float> rows = clustered_unit_rows(90, kDim, 20, 0.5, 2);
  const Centroids centroids(RowMatrix{centres.data(), 77, kDim});
  const QuantisedProbes probes = coded({rows.data(), 90, kDim});
  std::vector<ScoredId> one(90), five(90 * 5);
  centroids.nearest_of(probes, 0, 90, 1, one.data());
  centroids.nearest_of(probes, 0, 90, 5, five.data());
  for (std::size_t i = 0; i < 90; ++i) {
    EXPECT_EQ(one[i].id, five[i * 5].id);
    const auto best = brute_force_neighbours({centres.data(), 77, kDim}, &rows[i * kDim], 5);
    for (std::size_t rank = 0; rank < 5; ++rank) {
      const auto id = static_cast<std::size_t>(five[i * 5 + rank].id);
      EXPECT_NEAR(inner_product(&rows[i * kDim], &centres[id * kDim], kDim), best[rank].score, 0.02);
    }
  }
}

TEST(Centroids, FindWellSeparatedClusters) {
  constexpr std::size_t kClusters = 25, kRows = 2500;
  const std::vector<float> rows = clustered_unit_rows(kRows, kDim, kClusters, 0.15, 3);
  const std::vector<float> centres = clustered_unit_rows(kClusters * 40, kDim, kClusters, 0, 3);  // the same centres
  CentroidOptions options;
  options.count = kClusters * 2;
  const Centroids centroids = train_centroids(row_blocks_of({rows.data(), kRows, kDim}), options);
  std::vector<ScoredId> nearest(kClusters * 40);
  centroids.nearest_of(coded({centres.data(), kClusters * 40, kDim}), 0, kClusters * 40, 1, nearest.data());
  std::set<std::int32_t> used;
  for (std::size_t i = 0; i < nearest.size(); ++i) used.insert(nearest[i].id);
  EXPECT_EQ(used.size(), kClusters);  // no centroid serves two clusters
}

TEST(Centroids, AreTheSameForAnyNumberOfThreads) {
  const std::vector<float> rows = clustered_unit_rows(3000, kDim, 60, 0.8, 4);
  CentroidOptions options;
  options.count = 48;
  options.threads = 1;
  const Centroids one = train_centroids(row_blocks_of({rows.data(), 3000, kDim}), options);
  options.threads = 3;
  const Centroids three = train_centroids(row_blocks_of({rows.data(), 3000, kDim}), options);
  EXPECT_EQ(one.codes().values, three.codes().values);
  EXPECT_EQ(one.codes().scale, three.codes().scale);
  options.seed = 2;
  options.sample = 20;
  EXPECT_NE(train_centroids(row_blocks_of({rows.data(), 3000, kDim}), options).codes().values, one.codes().values);
}

TEST(Centroids, SurviveFewerDifferentRowsThanCentroids) {
  std::vector<float> rows(50 * kDim, 0.0F);
  for (std::size_t i = 0; i < 50; ++i) rows[i * kDim + i % 3] = 1;
  CentroidOptions options;
  options.count = 10;
  const Centroids centroids = train_centroids(row_blocks_of({rows.data(), 50, kDim}), options);
  std::vector<ScoredId> nearest(50);
  const QuantisedProbes probes = coded({rows.data(), 50, kDim});
  centroids.nearest_of(probes, 0, 50, 1, nearest.data());
  for (std::size_t i = 0; i < 50; ++i) EXPECT_NEAR(nearest[i].score * probes.scale[i], 1, 0.01);
}

}  // namespace
}  // namespace aface
