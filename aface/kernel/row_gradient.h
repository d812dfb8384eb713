#pragma once

#include <cstddef>
#include <functional>

namespace aface {

// The gradient of the loss by the active prototypes, a block of rows at a time, so that an optimiser can use it up in
// the block that produced it: writes d loss / d row for rows [first, first + count) into out [count, dim]. Threads may
// ask for different blocks at the same time. A row may be changed once its block has been asked for.
using RowGradient = std::function<void(std::size_t first, std::size_t count, float* out)>;

// Blocks of this many rows, the first at row 0, cost least.
constexpr std::size_t kGradientBlock = 1024;

}  // namespace aface
