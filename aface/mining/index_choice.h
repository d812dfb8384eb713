#pragma once

#include <cstdint>

#include "aface/mining/miner_options.h"
#include "aface/nearest/index_options.h"

namespace aface {

// The search settings inside [mining].
inline IndexOptions index_options_of(const MinerOptions& options, std::uint64_t seed, int threads) {
  IndexOptions index;
  index.kind = options.index;
  index.exact_below = options.exact_below;
  index.lists = options.index_lists;
  index.probes = options.index_probes;
  index.graph_links = options.graph_links;
  index.graph_build_effort = options.graph_build_effort;
  index.graph_search_effort = options.graph_search_effort;
  index.parallel_build = options.graph_parallel_build;
  index.seed = seed;
  index.threads = threads;
  return index;
}

}  // namespace aface
