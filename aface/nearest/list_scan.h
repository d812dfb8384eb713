#pragma once

#include "aface/nearest/centroids.h"
#include "aface/nearest/coded_lists.h"
#include "aface/nearest/neighbour_index.h"

namespace aface {

// The best rows for each unit query among the lists of its `probes` nearest centroids, by eight-bit similarities, into
// `found` (sized by no_neighbours()). A list is read once for all the queries that look into it.
void scan_lists(const Centroids& centroids, const CodedLists& lists, RowMatrix queries, std::size_t probes, int threads,
                NeighbourLists& found);

}  // namespace aface
