#pragma once

#include <memory>

#include "aface/nearest/neighbour_index.h"

namespace aface {

// Approximate search over a navigable small-world graph (HNSW, Malkov and Yashunin, 2018; library hnswlib). Built by
// one thread the same rows, options and seed give the same graph and the same answers; with
// options.parallel_build the order of insertion depends on timing, and a few answers with it.
class GraphIndex : public NeighbourIndex {
 public:
  explicit GraphIndex(const IndexOptions& options);
  ~GraphIndex() override;

  using NeighbourIndex::build;
  // Throws Error{kInternal} with hnswlib's words when memory runs out.
  void build(RowMatrix rows) override;
  // hnswlib's update in place, which costs more than an insertion: all links of the row and of its neighbours are
  // chosen anew.
  void update(Span<const std::int32_t> ids, RowMatrix rows) override;
  std::size_t size() const override;
  std::size_t dim() const override;
  NeighbourLists search(RowMatrix queries, std::size_t neighbours) const override;
  // The rows alone are saved, and the graph is built of them anew: the same one if one thread built it and nothing was
  // updated since.
  void save(NamedArrays& state) const override;
  void restore(const NamedArrays& state) override;
  void set_search_effort(std::int64_t effort) override;

 private:
  struct Graph;
  IndexOptions options_;
  std::unique_ptr<Graph> graph_;
};

}  // namespace aface
