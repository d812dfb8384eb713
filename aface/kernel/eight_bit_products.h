#pragma once

#include <cstddef>
#include <cstdint>

namespace aface {

// Rows of both sides are this many values apart and filled up with zeros.
constexpr std::size_t kEightBitPadding = 64;

// out[i * columns + j] = <a_i, b_j> as integers, for a of `rows` rows with values 0 ... 127 and b of
// `columns` rows with values -63 ... 63; rows of `stride` values, a multiple of kEightBitPadding. Exact. One
// thread.
using EightBitProducts = void (*)(const std::uint8_t* a, std::size_t rows, const std::int8_t* b,
                                  std::size_t columns, std::size_t stride, std::int32_t* out);

// oneDNN's: twice the rate of float32 products with AVX2, four times with the dot products of newer machines.
void eight_bit_products_onednn(const std::uint8_t* a, std::size_t rows, const std::int8_t* b,
                               std::size_t columns, std::size_t stride, std::int32_t* out);

// Ours for AVX2, a good twice the rate of float32 products: 128 products meet in 16 bits before they are
// widened, which the ranges above keep from overflowing. Columns must be a multiple of 4, and b should stay
// in the first cache. Present when has_eight_bit_products_avx2().
void eight_bit_products_avx2(const std::uint8_t* a, std::size_t rows, const std::int8_t* b,
                             std::size_t columns, std::size_t stride, std::int32_t* out);
bool has_eight_bit_products_avx2();

// The faster of them on the machine that this was compiled for, with the number of columns it likes.
struct EightBitKernel {
  EightBitProducts products;
  std::size_t columns;
};
EightBitKernel eight_bit_kernel();

}  // namespace aface
