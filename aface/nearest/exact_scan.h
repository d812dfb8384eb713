#pragma once

#include "aface/kernel/quantised_rows.h"
#include "aface/nearest/neighbour_index.h"

namespace aface {

// The best unit rows for each unit query into `found` (sized by no_neighbours()): exactly those, in the order and with
// the similarities, that inner_product() with every row and sorting by ranks_before() would give. `codes` are the rows
// in eight bits: they tell, with a proven bound, which rows can be among the best at all, and only those are computed in
// float32.
void exact_scan(RowMatrix rows, const QuantisedGallery& codes, RowMatrix queries, int threads, NeighbourLists& found);

}  // namespace aface
