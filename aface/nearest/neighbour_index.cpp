#include "aface/nearest/neighbour_index.h"

#include "aface/nearest/exact_index.h"
#include "aface/nearest/graph_index.h"

namespace aface {

std::unique_ptr<NeighbourIndex> make_neighbour_index(const IndexOptions& options, std::size_t rows) {
  if (static_cast<std::int64_t>(rows) <= options.exact_below) return std::make_unique<ExactIndex>(options.threads);
  return std::make_unique<GraphIndex>(options);
}

}  // namespace aface
