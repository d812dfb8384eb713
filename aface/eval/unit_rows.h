#pragma once

#include <cstddef>
#include <cstdint>

#include "aface/core/span.h"

namespace aface {

// Embeddings of length 1, so that products are cosines. Rows with no_match[i] != 0 (an image that could not
// be embedded) score kNoMatchScore with everything; an empty `no_match` means that there are none.
struct UnitRows {
  RowMatrix rows;
  Span<const std::uint8_t> no_match;
};

constexpr float kNoMatchScore = -1.0F;

// out[(i - a_begin) * stride + (j - b_begin)] = cosine of row i of `a` and row j of `b`, in float32, for a
// block of each. One thread; the same block gives the same bits on any number of threads.
void cosine_block(const UnitRows& a, std::size_t a_begin, std::size_t a_end, const UnitRows& b,
                  std::size_t b_begin, std::size_t b_end, float* out, std::size_t stride);

}  // namespace aface
