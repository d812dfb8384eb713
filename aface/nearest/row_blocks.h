#pragma once

#include <cstddef>
#include <functional>

#include "aface/core/span.h"

namespace aface {

// Rows that are read a block at a time, so that nobody needs a second copy of all of them.
struct RowBlocks {
  std::size_t rows = 0;
  std::size_t dim = 0;
  // Rows first ... first + count - 1 into out [count, dim]. Different threads may read at the same time.
  std::function<void(std::size_t first, std::size_t count, float* out)> read;
};

// A matrix, which must outlive the source.
RowBlocks row_blocks_of(RowMatrix rows);

}  // namespace aface
