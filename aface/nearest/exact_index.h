#pragma once

#include <vector>

#include "aface/nearest/neighbour_index.h"

namespace aface {

// The k best rows of each query by blocked matrix products; nothing is approximated. `rows` and `queries` are only
// read. Similarities are float32 sums, so rows that would tie in exact arithmetic may differ in the last bit.
NeighbourLists nearest_rows(RowMatrix rows, RowMatrix queries, std::size_t neighbours, int threads);

// nearest_rows() over a copy of the rows.
class ExactIndex : public NeighbourIndex {
 public:
  explicit ExactIndex(int threads) : threads_(threads) {}

  using NeighbourIndex::build;
  void build(RowMatrix rows) override;
  void update(Span<const std::int32_t> ids, RowMatrix rows) override;
  std::size_t size() const override { return size_; }
  std::size_t dim() const override { return dim_; }
  NeighbourLists search(RowMatrix queries, std::size_t neighbours) const override;

 private:
  int threads_;
  std::size_t size_ = 0;
  std::size_t dim_ = 0;
  std::vector<float> rows_;
};

}  // namespace aface
