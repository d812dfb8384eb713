#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "aface/kernel/quantised_rows.h"
#include "aface/kernel/top_k.h"
#include "aface/nearest/row_blocks.h"

namespace aface {

// Directions that stand for groups of rows, in eight bits, and in two levels: neighbouring centroids form groups with a
// centroid of their own, and a search looks into the groups nearest to a row until they hold kLookedAt of all centroids.
// So it may miss the very nearest one now and then, at a fraction of the cost. What it finds is decided by eight-bit
// products alone: it is the same for any number of threads and any way of cutting rows into blocks.
class Centroids {
 public:
  static constexpr double kLookedAt = 0.25;

  Centroids() = default;
  // `groups` 1: one level, the search is exact. `begins` [groups + 1]: where in `codes` the members of each group lie.
  Centroids(QuantisedGallery codes, QuantisedGallery groups, std::vector<std::int32_t> begins);
  explicit Centroids(RowMatrix unit_rows);

  std::size_t count() const { return codes_.rows; }
  std::size_t dim() const { return codes_.dim; }
  const QuantisedGallery& codes() const { return codes_; }
  const QuantisedGallery& groups() const { return groups_; }
  const std::vector<std::int32_t>& begins() const { return begins_; }

  // The `wanted` <= count() nearest of each probe in [begin, end), into nearest [end - begin, wanted] by ranks_before().
  // Scores lack the factor of the probe's scale. One thread; dozens of probes at a time are best.
  void nearest_of(const QuantisedProbes& probes, std::size_t begin, std::size_t end, std::size_t wanted,
                  ScoredId* nearest) const;

 private:
  std::vector<std::vector<std::size_t>> visits(const QuantisedProbes& probes, std::size_t begin, std::size_t end,
                                               std::size_t wanted) const;

  QuantisedGallery codes_;
  QuantisedGallery groups_;
  std::vector<std::int32_t> begins_;
};

struct CentroidOptions {
  std::size_t count = 1;
  std::size_t two_levels_from = 128;  // so many centroids or more get groups
  std::size_t sample = 64;  // rows a centroid that are looked at
  int iterations = 8;
  std::uint64_t seed = 1;
  int threads = 0;
  std::function<void()> give_up;  // asked now and then; what it throws ends the training
};

// Spherical k-means (Dhillon and Modha, 2001) on a sample of the unit rows: each centroid is the direction of the sum of
// the rows nearest to it. A centroid that lost all its rows starts again from the worst placed row of the largest group.
Centroids train_centroids(const RowBlocks& rows, const CentroidOptions& options);

}  // namespace aface
