#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "aface/kernel/quantised_rows.h"
#include "aface/kernel/top_k.h"
#include "aface/nearest/row_blocks.h"

namespace aface {

// Directions that stand for groups of rows, in eight bits. Which are nearest to a row is decided by eight-bit products
// alone: it is the same for any number of threads and any way of cutting rows into blocks.
class Centroids {
 public:
  Centroids() = default;
  // With room for three rows more than it has.
  explicit Centroids(QuantisedGallery codes);
  explicit Centroids(RowMatrix unit_rows);

  std::size_t count() const { return codes_.rows; }
  std::size_t dim() const { return codes_.dim; }
  const QuantisedGallery& codes() const { return codes_; }
  // Length of the longest centroid as the eight bits have it: about 1.
  double longest() const { return longest_; }

  // The `wanted` <= count() nearest of each probe in [begin, end), into nearest [end - begin, wanted] by ranks_before().
  // Scores lack the factor of the probe's scale. One thread; dozens of probes at a time are best.
  void nearest_of(const QuantisedProbes& probes, std::size_t begin, std::size_t end, std::size_t wanted,
                  ScoredId* nearest) const;

 private:
  QuantisedGallery codes_;
  double longest_ = 0;
};

struct CentroidOptions {
  std::size_t count = 1;
  std::size_t sample = 256;          // rows a centroid that are looked at,
  std::size_t most_sampled = 1 << 18;  // but in all no more than these (or one a centroid)
  int iterations = 8;
  std::uint64_t seed = 1;
  int threads = 0;
  std::function<void()> give_up;  // asked now and then; what it throws ends the training
};

// Spherical k-means (Dhillon and Modha, 2001) on a sample of the unit rows: each centroid is the direction of the sum of
// the rows nearest to it. A centroid that lost all its rows starts again from the worst placed row of the largest group.
Centroids train_centroids(const RowBlocks& rows, const CentroidOptions& options);

}  // namespace aface
