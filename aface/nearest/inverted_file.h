#pragma once

#include <vector>

#include "aface/nearest/centroids.h"
#include "aface/nearest/coded_lists.h"
#include "aface/nearest/neighbour_index.h"
#include "aface/nearest/row_blocks.h"

namespace aface {

// Approximate search in an inverted file (Sivic and Zisserman, 2003; Jegou, Douze and Schmid, 2011): rows lie in lists by
// their nearest centroid, and a query looks only into the lists of its nearest centroids. Made for rows that drift:
// update() re-codes a row and moves it to another list when another centroid has become the nearest. Centroids stay as
// build() trained them. Most rows move too little for that: similarities to two centroids cannot come nearer to each other
// than by twice the way that the row went (times the length of a centroid), so as long as that is less than the lead of its
// own centroid nothing need be compared.
//
// Rows are held in eight bits alone (dim bytes a row) and all similarities are eight-bit ones: within
// |e_a| + (1 + |e_a|) |e_b| of the cosine (quantised_rows.h), for rows of 512 normal values within 0.03 and with a
// standard deviation of 0.001. That costs about 1 % of recall.
//
// What search() answers depends on the centroids and the rows as they are now, neither on the way they came about nor
// on threads or on how queries are cut into calls.
class InvertedFile : public NeighbourIndex {
 public:
  explicit InvertedFile(const IndexOptions& options) : options_(options) {}

  void build(RowMatrix rows) override { build(row_blocks_of(rows)); }
  void build(const RowBlocks& rows) override;
  void update(Span<const std::int32_t> ids, RowMatrix rows) override;
  std::size_t size() const override { return lists_.rows(); }
  std::size_t dim() const override { return dim_; }
  NeighbourLists search(RowMatrix queries, std::size_t neighbours) const override;

  // Centroids, the eight-bit rows and their lists: dim + 12 bytes a row.
  void save(NamedArrays& state) const override;
  void restore(const NamedArrays& state) override;

  void set_search_effort(std::int64_t probes) override { options_.probes = probes; }

  std::size_t list_count() const { return lists_.lists(); }
  std::size_t list_size(std::size_t list) const { return lists_.size(list); }

 private:
  struct Assignment {
    std::int32_t list = 0;
    float lead = 0;
  };
  // Of the coded rows `chosen`, into assigned[chosen[i]].
  void assign(const Centroids& centroids, const QuantisedGallery& codes, Span<const std::size_t> chosen,
              Assignment* assigned) const;

  IndexOptions options_;
  std::size_t dim_ = 0;
  Centroids centroids_;
  CodedLists lists_;
  std::vector<float> leads_;  // [rows] no less does a row's own centroid lead over all others; 0: not known
};

}  // namespace aface
