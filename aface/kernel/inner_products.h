#pragma once

#include <cstddef>

#include "aface/core/span.h"

namespace aface {

// Matrix products in float32 (oneDNN). Each runs on the calling thread alone, so that callers split large products over
// their own threads: blocks of fixed size give the same bits whatever the number of threads. Different threads may call
// them at the same time.

// out[i * stride + j] = <a_i, b_j> for a [a.rows, dim] and b [b.rows, dim], stride >= b.rows; a.dim must equal b.dim.
void inner_products(RowMatrix a, RowMatrix b, float* out, std::size_t stride);

// out[i] += sum_j weights[i * stride + j] rows_j for weights [count, rows.rows], out [count, dim].
void add_weighted_rows(const float* weights, std::size_t stride, std::size_t count, RowMatrix rows, float* out);

// out[j] = sum_i weights[i * stride + j] rows_i for weights [rows.rows, count], out [count, dim]: the same with the
// weights transposed.
void transposed_weighted_rows(const float* weights, std::size_t stride, std::size_t count, RowMatrix rows, float* out);

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
