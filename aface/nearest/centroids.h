#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "aface/kernel/quantised_rows.h"
#include "aface/kernel/top_k.h"
#include "aface/nearest/row_blocks.h"

namespace aface {

// Directions that stand for groups of rows, in eight bits; which one is nearest to a row is decided by the eight-bit
// products alone, so it is the same for any number of threads and any way of cutting rows into blocks.
class Centroids {
 public:
  Centroids() = default;
  explicit Centroids(RowMatrix unit_rows);

  std::size_t count() const { return codes_.rows; }
  std::size_t dim() const { return codes_.dim; }

  // nearest[i - begin] of probes [begin, end), equals by the lower id. One thread.
  void nearest_of(const QuantisedProbes& probes, std::size_t begin, std::size_t end, ScoredId* nearest) const;
  // The `count` nearest of each probe, into ids [end - begin, count], nearest first. One thread.
  void nearest_of(const QuantisedProbes& probes, std::size_t begin, std::size_t end, std::size_t count,
                  std::int32_t* ids) const;

  const QuantisedGallery& codes() const { return codes_; }
  explicit Centroids(QuantisedGallery codes) : codes_(std::move(codes)) {}

 private:
  GalleryBlock block(std::size_t first) const;

  QuantisedGallery codes_;
};

struct CentroidOptions {
  std::size_t count = 1;
  std::size_t sample = 64;  // rows a centroid that are looked at
  int iterations = 8;
  std::uint64_t seed = 1;
  int threads = 0;
};

// Spherical k-means (Dhillon and Modha, 2001) on a sample of the unit rows: each centroid is the direction of the sum of
// the rows nearest to it. A centroid that lost all its rows starts again from the worst placed row of the largest group.
Centroids train_centroids(const RowBlocks& rows, const CentroidOptions& options);

}  // namespace aface
