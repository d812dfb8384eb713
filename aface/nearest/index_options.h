#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace aface {

// How the rows nearest to a query are found. Filled from the options of whoever searches.
struct IndexOptions {
  std::string kind = "auto";              // auto | exact | graph | inverted
  std::int64_t exact_below = 50000;       // auto: exact search up to so many rows, inverted file above
  std::int64_t lists = 0;                 // inverted file: lists that rows are sorted into; 0: chosen from their number
  std::int64_t probes = 16;               // inverted file: lists that a query looks into
  std::int64_t graph_links = 16;          // HNSW M: links of a row on each level
  std::int64_t graph_build_effort = 100;  // HNSW efConstruction
  std::int64_t graph_search_effort = 64;  // HNSW ef; raised to the number of neighbours asked for
  std::uint64_t seed = 1;                 // levels of the graph, rows that centroids are trained on
  bool parallel_build = false;            // graph built by all threads: faster, but not the same graph every time
  std::function<void()> give_up;          // asked now and then by a build; what it throws ends it (no runtime_error but Error)
  int threads = 0;                        // for searches and builds (a graph's only with parallel_build); 0: all cores
};

}  // namespace aface
