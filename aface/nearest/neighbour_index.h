#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "aface/core/named_arrays.h"
#include "aface/core/span.h"
#include "aface/nearest/index_options.h"
#include "aface/nearest/row_blocks.h"

namespace aface {

// Answers to a block of queries: row q of both is query q, most similar first, equal similarities by lower id.
struct NeighbourLists {
  static constexpr std::int32_t kNone = -1;  // fills a row when an approximate search found fewer

  std::size_t queries = 0;
  std::size_t count = 0;            // neighbours a query: what was asked for, at most the number of rows
  std::vector<std::int32_t> ids;    // [queries, count]
  std::vector<float> similarities;  // [queries, count], inner products; -1 beside kNone

  Span<const std::int32_t> ids_of(std::size_t query) const { return {ids.data() + query * count, count}; }
  Span<const float> similarities_of(std::size_t query) const { return {similarities.data() + query * count, count}; }
};

// Answers of the right size that hold nothing yet.
NeighbourLists no_neighbours(std::size_t queries, std::size_t count);

// Finds the rows with the largest inner products. Rows and queries must have length 1 (to 1e-4): these are cosines, and
// the bounds of the searches hold. Rows or queries without direction (not finite, length 0) are refused with
// Error{kNumeric} that names the row; the index is then as it was before.
class NeighbourIndex {
 public:
  virtual ~NeighbourIndex() = default;

  // Replaces the content by copies of `rows` [size, dim]; row i gets id i. At most 2^31 - 1 rows.
  virtual void build(RowMatrix rows) = 0;
  // The same of rows that are read in blocks; kinds that keep a float32 copy read them all first.
  virtual void build(const RowBlocks& rows);
  // Puts rows[i] [ids.size(), dim()] in the place of row ids[i]. No id twice, all of them in [0, size()).
  virtual void update(Span<const std::int32_t> ids, RowMatrix rows) = 0;
  virtual std::size_t size() const = 0;
  virtual std::size_t dim() const = 0;

  // `queries` [queries, dim()]. Same answer for any number of threads. Not while build() or update() runs.
  virtual NeighbourLists search(RowMatrix queries, std::size_t neighbours) const = 0;

  // How much searches look at from now on: rows kept in view (HNSW ef, raised to the number of neighbours asked for),
  // or lists of an inverted file. Exact searches have none. Not while search() runs.
  virtual void set_search_effort(std::int64_t effort);

  // Everything that answers depend on, the rows as the index holds them included, under "nearest.*". Large arrays of
  // `state` may be views of the index: valid until it changes.
  virtual void save(NamedArrays& state) const = 0;
  // The index as it was saved. Throws Error{kData} when that was another kind, Error{kFormat} when `state` is damaged;
  // the index is then as it was before.
  virtual void restore(const NamedArrays& state) = 0;
};

// The index of options.kind for so many rows; "auto" is an exact one up to options.exact_below rows. Throws
// Error{kUsage} on an unknown kind.
std::unique_ptr<NeighbourIndex> make_neighbour_index(const IndexOptions& options, std::size_t rows);

}  // namespace aface
