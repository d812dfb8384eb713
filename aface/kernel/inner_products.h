#pragma once

#include <cstddef>

#include "aface/core/span.h"

namespace aface {

// out[i * stride + j] = <a_i, b_j> for a [a.rows, dim] and b [b.rows, dim], stride >= b.rows, in float32
// (oneDNN). Runs on the calling thread alone, so that callers split large products over their own threads:
// blocks of fixed size give the same bits whatever the number of threads. Different threads may call it at
// the same time. a.dim must equal b.dim.
void inner_products(RowMatrix a, RowMatrix b, float* out, std::size_t stride);

// <a, b> in float32, always summed in the same order; for a few products where a matrix product would not
// pay.
float inner_product(const float* a, const float* b, std::size_t dim);

// Calls a row into the caches ahead of its use.
inline void prefetch_row(const float* row, std::size_t dim) {
  constexpr std::size_t kLine = 16;  // values
  for (std::size_t i = 0; i < dim; i += kLine) __builtin_prefetch(row + i);
}

// The same summed in double, always in the same order: what an exact comparison of scores is made with.
double wide_inner_product(const float* a, const float* b, std::size_t dim);

}  // namespace aface
