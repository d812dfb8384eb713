#pragma once

// What loops over registers of bfloat16 share. Empty where AVX512-BF16 is not compiled for.
#ifdef __AVX512BF16__
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC bug 105593
#endif
#include <immintrin.h>

#include "aface/kernel/bf16.h"
#include "aface/kernel/rows_at_once.h"

// g++ 12 keeps an array of sums in registers only in a function of its own.
#define AFACE_KEEP_IN_REGISTERS __attribute__((noinline))

namespace aface {

// sum += the products of two neighbours each. In assembly for the reason that eight_bit_products_vnni.cpp
// has.
inline void add_products(__m512& sum, __m512i a, __m512i b) {
  asm("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
}

// Sixteen times the two values at `values`.
inline __m512i repeated_pair(const void* values) {
  int both = 0;
  __builtin_memcpy(&both, values, sizeof(both));
  return _mm512_set1_epi32(both);
}

// a0 b0 a1 b1 ...: `low` of the first sixteen of each, `high` of the others.
struct Interleaved {
  __m512i low, high;
};
inline Interleaved interleave(__m512i a, __m512i b) {
  alignas(64) static constexpr std::uint16_t kLow[32] = {0,  32, 1,  33, 2,  34, 3,  35, 4,  36, 5,
                                                         37, 6,  38, 7,  39, 8,  40, 9,  41, 10, 42,
                                                         11, 43, 12, 44, 13, 45, 14, 46, 15, 47};
  const __m512i low = _mm512_load_si512(kLow), high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
  return {_mm512_permutex2var_epi16(a, low, b), _mm512_permutex2var_epi16(a, high, b)};
}

// 32 float32 values to bfloat16, to nearest, ties to even.
inline __m512i rounded(__m512 first, __m512 second) {
  return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first));
}

}  // namespace aface
#endif
