#pragma once

#include <cstddef>
#include <cstdint>

#include "aface/core/span.h"

namespace aface {

// Rows of both sides are this many values apart and filled up with zeros.
constexpr std::size_t kEightBitPadding = 64;

// out[i * columns + j] = <a_i, b_j> as integers, for a of `rows` rows with values 0 ... 127 and b of
// `columns` rows with values -63 ... 63; rows of `stride` values, a multiple of kEightBitPadding. Exact. One
// thread.
using EightBitProducts = void (*)(const std::uint8_t* a, std::size_t rows, const std::int8_t* b,
                                  std::size_t columns, std::size_t stride, std::int32_t* out);

// A way of making them, with the number of columns it likes; ours want a multiple of 4, and b in the first cache.
struct EightBitKernel {
  const char* name;
  EightBitProducts products;
  std::size_t columns;
};

// Those that this was compiled for, the fastest first, oneDNN's last.
//   vnni    AVX512-VNNI: 64 products an instruction, four sums of 16 rows beside each other
//   avx2    128 products meet in 16 bits before they are widened, which the ranges above keep from overflowing
//   onednn  anywhere, but slow for a few rows
Span<const EightBitKernel> eight_bit_kernels();
inline EightBitKernel eight_bit_kernel() { return *eight_bit_kernels().begin(); }

#ifdef __AVX512VNNI__
void eight_bit_products_vnni(const std::uint8_t* a, std::size_t rows, const std::int8_t* b, std::size_t columns,
                             std::size_t stride, std::int32_t* out);
#endif
#ifdef __AVX2__
void eight_bit_products_avx2(const std::uint8_t* a, std::size_t rows, const std::int8_t* b, std::size_t columns,
                             std::size_t stride, std::int32_t* out);
#endif

}  // namespace aface
