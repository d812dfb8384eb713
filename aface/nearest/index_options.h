#pragma once

#include <cstdint>

namespace aface {

// How the rows nearest to a query are found. Filled from the options of whoever searches.
struct IndexOptions {
  std::int64_t exact_below = 50000;       // exact search up to so many rows, HNSW graph above
  std::int64_t graph_links = 16;          // HNSW M: links of a row on each level
  std::int64_t graph_build_effort = 100;  // HNSW efConstruction
  std::int64_t graph_search_effort = 64;  // HNSW ef; raised to the number of neighbours asked for
  std::uint64_t seed = 1;                 // levels of the graph
  bool parallel_build = false;            // graph built by all threads: faster, but not the same graph every time
  int threads = 0;                        // for searches (and a parallel build); 0: all cores
};

}  // namespace aface
