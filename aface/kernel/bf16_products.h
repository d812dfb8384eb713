#pragma once

#include <cstddef>

#include "aface/core/span.h"
#include "aface/kernel/inner_products.h"

namespace aface {

// The products of inner_products.h with both factors rounded to bfloat16 (8 bits of mantissa, to nearest even) and sums
// in float32: twice the rate on CPUs that multiply bfloat16 (AVX512-BF16, AMX), through oneDNN. Elsewhere the same
// numbers by float32 products, which gains nothing.
void inner_products_bf16(RowMatrix a, RowMatrix b, float* out, std::size_t stride);
void add_weighted_rows_bf16(const float* weights, std::size_t stride, std::size_t count, RowMatrix rows, float* out);
void transposed_weighted_rows_bf16(const float* weights, std::size_t stride, std::size_t count, RowMatrix rows, float* out);

// Whether this CPU multiplies bfloat16.
bool has_bf16_products();

// The three products that a classification needs, in one of the precisions.
struct RowProducts {
  decltype(&inner_products) inner;
  decltype(&add_weighted_rows) add_weighted;
  decltype(&transposed_weighted_rows) transposed_weighted;
};
constexpr RowProducts kFloat32Products = {inner_products, add_weighted_rows, transposed_weighted_rows};
constexpr RowProducts kBf16Products = {inner_products_bf16, add_weighted_rows_bf16, transposed_weighted_rows_bf16};

// The nearest number that bfloat16 holds; ties to even. Infinities and NaNs stay what they are.
float round_to_bf16(float value);

}  // namespace aface
