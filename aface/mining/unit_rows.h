#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "aface/core/span.h"
#include "aface/nearest/row_blocks.h"

namespace aface {

// Where a selector reads the prototypes as they are now, scaled to length 1, without anybody copying the table. Calls
// for different rows may run at the same time; none while the table is changed.
struct UnitRows {
  std::int64_t count = 0;  // num_identities
  std::int64_t dim = 0;
  // Rows first ... first + count - 1 into out [count, dim].
  std::function<void(std::int64_t first, std::int64_t count, float* out)> read_block;
  // The rows of ascending `ids` into out [ids.size(), dim].
  std::function<void(Span<const std::int64_t> ids, float* out)> read_rows;
};

// A source over a matrix of unit rows, which must outlive it.
UnitRows unit_rows_of(RowMatrix rows);

// For NeighbourIndex::build().
RowBlocks blocks_of(const UnitRows& source);

// All rows as one matrix [count, dim], for searches that need them so; `threads` 0: all cores.
std::vector<float> all_rows(const UnitRows& source, int threads);

}  // namespace aface
