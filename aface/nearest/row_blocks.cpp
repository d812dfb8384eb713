#include "aface/nearest/row_blocks.h"

#include <algorithm>

namespace aface {

RowBlocks row_blocks_of(RowMatrix rows) {
  RowBlocks blocks;
  blocks.rows = rows.rows;
  blocks.dim = rows.dim;
  blocks.read = [rows](std::size_t first, std::size_t count, float* out) {
    std::copy_n(rows.row(first), count * rows.dim, out);
  };
  return blocks;
}

}  // namespace aface
