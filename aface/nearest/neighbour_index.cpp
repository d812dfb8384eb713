#include "aface/nearest/neighbour_index.h"

#include <fmt/core.h>

#include "aface/core/error.h"
#include "aface/nearest/exact_index.h"
#include "aface/nearest/graph_index.h"

namespace aface {

std::unique_ptr<NeighbourIndex> make_neighbour_index(const IndexOptions& options, std::size_t rows) {
  const bool is_auto = options.kind == "auto";
  if (options.kind == "exact" || (is_auto && static_cast<std::int64_t>(rows) <= options.exact_below)) {
    return std::make_unique<ExactIndex>(options.threads);
  }
  if (options.kind == "graph" || is_auto) return std::make_unique<GraphIndex>(options);
  throw Error(ErrorKind::kUsage, fmt::format("neighbour index: unknown kind '{}' (expected auto, exact or graph)",
                                             options.kind));
}

}  // namespace aface
