#ifdef __AVX2__
#include <immintrin.h>

#include "aface/core/check.h"
#include "aface/kernel/eight_bit_products.h"

namespace aface {
namespace {

constexpr std::size_t kColumns = 4;  // with eight, registers run out

__m256i load(const void* values) { return _mm256_loadu_si256(static_cast<const __m256i*>(values)); }

// The sum of each of four vectors, side by side.
__m128i sums(const __m256i (&v)[kColumns]) {
  const __m256i halves = _mm256_hadd_epi32(_mm256_hadd_epi32(v[0], v[1]), _mm256_hadd_epi32(v[2], v[3]));
  return _mm_add_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
}

}  // namespace

void eight_bit_products_avx2(const std::uint8_t* a, std::size_t rows, const std::int8_t* b,
                             std::size_t columns, std::size_t stride, std::int32_t* out) {
  AFACE_CHECK(columns % kColumns == 0 && stride % kEightBitPadding == 0, "{} columns of {} values", columns,
              stride);
  const __m256i ones = _mm256_set1_epi16(1);
  for (std::size_t i = 0; i < rows; ++i, a += stride, out += columns) {
    for (std::size_t j = 0; j < columns; j += kColumns) {
      const std::int8_t* rows_b = b + j * stride;
      __m256i total[kColumns] = {};
      for (std::size_t k = 0; k < stride; k += kEightBitPadding) {
        const __m256i a0 = load(a + k), a1 = load(a + k + 32);
        for (std::size_t c = 0; c < kColumns; ++c) {
          const std::int8_t* at = rows_b + c * stride + k;
          // At most 4 x 127 x 63 = 32,004 a lane: no saturation.
          const __m256i pairs =
              _mm256_add_epi16(_mm256_maddubs_epi16(a0, load(at)), _mm256_maddubs_epi16(a1, load(at + 32)));
          total[c] = _mm256_add_epi32(total[c], _mm256_madd_epi16(pairs, ones));
        }
      }
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + j), sums(total));
    }
  }
}

}  // namespace aface
#endif
