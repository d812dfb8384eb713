#include "aface/nearest/neighbour_index.h"

#include <fmt/core.h>

#include "aface/core/error.h"
#include "aface/nearest/exact_index.h"
#include "aface/nearest/graph_index.h"
#include "aface/nearest/inverted_file.h"

namespace aface {

NeighbourLists no_neighbours(std::size_t queries, std::size_t count) {
  NeighbourLists lists;
  lists.queries = queries;
  lists.count = count;
  lists.ids.assign(queries * count, NeighbourLists::kNone);
  lists.similarities.assign(lists.ids.size(), -1.0F);
  return lists;
}

void NeighbourIndex::build(const RowBlocks& rows) {
  std::vector<float> values(rows.rows * rows.dim);
  if (rows.rows > 0) rows.read(0, rows.rows, values.data());
  build(RowMatrix{values.data(), rows.rows, rows.dim});
}

void NeighbourIndex::set_search_effort(std::int64_t /*effort*/) {}

std::unique_ptr<NeighbourIndex> make_neighbour_index(const IndexOptions& options, std::size_t rows) {
  const bool is_auto = options.kind == "auto";
  if (options.kind == "exact" || (is_auto && static_cast<std::int64_t>(rows) <= options.exact_below)) {
    return std::make_unique<ExactIndex>(options.threads);
  }
  if (options.kind == "inverted" || is_auto) return std::make_unique<InvertedFile>(options);
  if (options.kind == "graph") return std::make_unique<GraphIndex>(options);
  throw Error(ErrorKind::kUsage, fmt::format("neighbour index: unknown kind '{}' (expected auto, exact, graph or inverted)",
                                             options.kind));
}

}  // namespace aface
