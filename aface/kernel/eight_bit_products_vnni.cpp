#ifdef __AVX512VNNI__
#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 takes the "undefined" operand in its own header for a mistake (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include "aface/core/check.h"
#include "aface/kernel/eight_bit_products.h"

namespace aface {
namespace {

constexpr std::size_t kRows = 4, kColumns = 4;  // sixteen sums and the rows they are made of fit the registers

__m512i load(const void* values) { return _mm512_loadu_si512(values); }

// sum += products of four neighbours each. In assembly because g++ 12 moves all sums about between the instructions of the
// intrinsic and loads b once for each: a third slower.
void add_products(__m512i& sum, __m512i a, __m512i b) { asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b)); }

// The sum of each of four vectors, side by side.
__m128i sums(const __m512i (&v)[kColumns]) {
  const __m512i first = _mm512_add_epi32(_mm512_unpacklo_epi32(v[0], v[1]), _mm512_unpackhi_epi32(v[0], v[1]));
  const __m512i second = _mm512_add_epi32(_mm512_unpacklo_epi32(v[2], v[3]), _mm512_unpackhi_epi32(v[2], v[3]));
  const __m512i quarters = _mm512_add_epi32(_mm512_unpacklo_epi64(first, second), _mm512_unpackhi_epi64(first, second));
  const __m256i halves = _mm256_add_epi32(_mm512_castsi512_si256(quarters), _mm512_extracti64x4_epi64(quarters, 1));
  return _mm_add_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
}

// `Rows` rows of a with all columns.
template <std::size_t Rows>
void some_rows(const std::uint8_t* a, const std::int8_t* b, std::size_t columns, std::size_t stride, std::int32_t* out) {
  for (std::size_t j = 0; j < columns; j += kColumns) {
    const std::int8_t* rows_b = b + j * stride;
    __m512i total[Rows][kColumns];
    for (auto& row : total) {
      for (__m512i& sum : row) sum = _mm512_setzero_si512();
    }
    for (std::size_t k = 0; k < stride; k += kEightBitPadding) {
      __m512i values_b[kColumns];
      for (std::size_t c = 0; c < kColumns; ++c) values_b[c] = load(rows_b + c * stride + k);
      for (std::size_t r = 0; r < Rows; ++r) {
        const __m512i values_a = load(a + r * stride + k);
        for (std::size_t c = 0; c < kColumns; ++c) add_products(total[r][c], values_a, values_b[c]);
      }
    }
    for (std::size_t r = 0; r < Rows; ++r) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + r * columns + j), sums(total[r]));
    }
  }
}

}  // namespace

void eight_bit_products_vnni(const std::uint8_t* a, std::size_t rows, const std::int8_t* b, std::size_t columns,
                             std::size_t stride, std::int32_t* out) {
  AFACE_CHECK(columns % kColumns == 0 && stride % kEightBitPadding == 0, "{} columns of {} values", columns, stride);
  for (; rows >= kRows; rows -= kRows, a += kRows * stride, out += kRows * columns) {
    some_rows<kRows>(a, b, columns, stride, out);
  }
  if (rows == 3) some_rows<3>(a, b, columns, stride, out);
  if (rows == 2) some_rows<2>(a, b, columns, stride, out);
  if (rows == 1) some_rows<1>(a, b, columns, stride, out);
}

}  // namespace aface
#endif
