#pragma once

#include <cstddef>
#include <vector>

#include "aface/kernel/quantised_rows.h"
#include "aface/nearest/neighbour_index.h"

namespace aface {

// Rows of length 1 that come and go, in float32 and in eight bits (5 dim bytes a row), and the exact search
// among them. Segments of fixed size, so that growing never copies what is there.
class RowStore {
 public:
  explicit RowStore(std::size_t dim) : dim_(dim) {}

  std::size_t size() const {
    return segments_.empty() ? 0 : (segments_.size() - 1) * kSegment + segments_.back().codes.rows;
  }
  std::size_t dim() const { return dim_; }
  const float* row(std::size_t i) const { return segments_[i / kSegment].rows.data() + i % kSegment * dim_; }
  void append(const float* row);
  // Row `i` goes and the last one takes its place.
  void remove(std::size_t i);

  // Exactly the best `count` (or all) rows of each query, as nearest_rows() gives them. `threads` 0: all
  // cores. Throws Error{kNumeric} for a query without direction.
  NeighbourLists search(RowMatrix queries, std::size_t count, int threads) const;

 private:
  static constexpr std::size_t kSegment = 1 << 16;
  struct Segment {
    std::vector<float> rows;
    QuantisedGallery codes;
  };
  NeighbourLists search_segment(std::size_t segment, RowMatrix queries, std::size_t count, int threads) const;

  std::size_t dim_;
  std::vector<Segment> segments_;
};

}  // namespace aface
