#pragma once

#include <vector>

#include "aface/kernel/quantised_rows.h"
#include "aface/nearest/neighbour_index.h"

namespace aface {

// The k best rows of each query; nothing is approximated. Similarities are those of inner_product(), equal ones by the
// lower id: what scoring every row in float32 and sorting would answer, bit by bit. Unit rows and unit queries only.
NeighbourLists nearest_rows(RowMatrix rows, RowMatrix queries, std::size_t neighbours, int threads);

// nearest_rows() over a copy of the rows, held in float32 and in eight bits (5 dim bytes a row).
class ExactIndex : public NeighbourIndex {
 public:
  explicit ExactIndex(int threads) : threads_(threads) {}

  using NeighbourIndex::build;
  void build(RowMatrix rows) override;
  void update(Span<const std::int32_t> ids, RowMatrix rows) override;
  std::size_t size() const override { return codes_.rows; }
  std::size_t dim() const override { return codes_.dim; }
  NeighbourLists search(RowMatrix queries, std::size_t neighbours) const override;
  void save(NamedArrays& state) const override;
  void restore(const NamedArrays& state) override;

 private:
  RowMatrix rows() const { return {rows_.data(), codes_.rows, codes_.dim}; }

  int threads_;
  std::vector<float> rows_;
  QuantisedGallery codes_;
};

}  // namespace aface
