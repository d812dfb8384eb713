#include "aface/image/resample_strips.h"

#ifdef __AVX512VBMI__
#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 takes the "undefined" operand in its own header for a mistake (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"  // what it calls it under the sanitizer
#endif
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

namespace aface {
namespace {

constexpr int kColumns = 16;  // of a strip: a register of floats a channel
constexpr int kChannels = 3;
constexpr int kStripValues = kChannels * kColumns;

// The columns of a strip are picked from so many registers of 64 bytes, of each line the same ones. A line
// must hold them when they begin at its second or third byte too, for the other channels.
constexpr int bytes_of(int registers) { return 64 * registers; }
constexpr int fewest_bytes(int registers) { return bytes_of(registers) + kChannels - 1; }

// Where the columns of a strip find their taps.
template <int kTaps>
struct Strip {
  int begin = 0;                                                   // first byte of a line
  std::array<std::array<std::uint32_t, kColumns>, kTaps> index{};  // bytes from there to the pixel
  std::array<std::array<float, kColumns>, kTaps> weight{};
};

int source_column(const ResampleTask& task, int x) {
  const int last = task.width - 1;
  const int inside = std::min(x, last);  // the last strip may be filled up with the last column
  return task.mirror == Mirror::kLeftRight ? last - inside : inside;
}

template <int kTaps>
Strip<kTaps> make_strip(const ResampleTask& task, int registers, int x0) {
  const Taps& columns = task.columns;
  Strip<kTaps> strip;
  const auto first_of = [&](int x) {
    return columns.first[static_cast<std::size_t>(source_column(task, x))];
  };
  strip.begin = std::min(kChannels * std::min(first_of(x0), first_of(x0 + kColumns - 1)),
                         kChannels * task.source.width - fewest_bytes(registers));
  for (int lane = 0; lane < kColumns; ++lane) {
    const auto column = static_cast<std::size_t>(source_column(task, x0 + lane));
    for (int k = 0; k < kTaps; ++k) {
      const auto tap = static_cast<std::size_t>(k), at = static_cast<std::size_t>(lane);
      // A tap of weight 0 may lie beyond the line.
      strip.index[tap][at] = static_cast<std::uint32_t>(
          std::min(kChannels * (columns.first[column] + k) - strip.begin, bytes_of(registers) - 1));
      strip.weight[tap][at] = columns.weights[column * static_cast<std::size_t>(columns.stride) + tap];
    }
  }
  return strip;
}

// Source pixels from the first to the last of the strip that has most.
int widest_strip_of(const ResampleTask& task) {
  const Taps& columns = task.columns;
  int widest = 0;
  for (int x = 0; x < task.width; x += kColumns) {
    const int one = source_column(task, x), other = source_column(task, x + kColumns - 1);
    const auto first = static_cast<std::size_t>(std::min(one, other)),
               last = static_cast<std::size_t>(std::max(one, other));
    widest = std::max(widest, columns.first[last] + columns.count[last] - 1 - columns.first[first]);
  }
  return widest;
}

// Bytes index 0, 4, 8, ... of `kRegisters` registers from `bytes` on, as numbers.
template <int kRegisters>
__m512 pick(const std::uint8_t* bytes, __m512i index) {
  constexpr __mmask64 kLowestBytes = 0x1111111111111111;
  const auto load = [&](int i) { return _mm512_loadu_si512(bytes + 64 * i); };
  if constexpr (kRegisters == 1) {
    return _mm512_cvtepi32_ps(_mm512_maskz_permutexvar_epi8(kLowestBytes, index, load(0)));
  } else if constexpr (kRegisters == 2) {
    return _mm512_cvtepi32_ps(_mm512_maskz_permutex2var_epi8(kLowestBytes, load(0), index, load(1)));
  } else {
    static_assert(kRegisters == 4);
    const __mmask64 is_upper = _mm512_movepi8_mask(index);
    const __m512i lower = _mm512_maskz_permutex2var_epi8(kLowestBytes & ~is_upper, load(0), index, load(1));
    const __m512i upper = _mm512_maskz_permutex2var_epi8(kLowestBytes & is_upper, load(2), index, load(3));
    return _mm512_cvtepi32_ps(_mm512_or_si512(lower, upper));
  }
}

// Columns x0 ... x0 + 15 of source rows begin ... end-1, [row, channel, column].
template <int kTaps, int kRegisters>
void sum_columns(const ResampleTask& task, int x0, int begin, int end, float* sums) {
  const Strip<kTaps> strip = make_strip<kTaps>(task, kRegisters, x0);
  __m512i index[kTaps];
  __m512 weight[kTaps];
  for (std::size_t k = 0; k < kTaps; ++k) {
    index[k] = _mm512_loadu_si512(strip.index[k].data());
    weight[k] = _mm512_loadu_ps(strip.weight[k].data());
  }
  const std::size_t line = static_cast<std::size_t>(task.source.width) * kChannels;
  const std::uint8_t* bytes = task.source.at(0, begin) + strip.begin;
  for (int row = begin; row < end; ++row, bytes += line) {
    for (int c = 0; c < kChannels; ++c, sums += kColumns) {
      __m512 sum = _mm512_mul_ps(weight[0], pick<kRegisters>(bytes + c, index[0]));
      for (int k = 1; k < kTaps; ++k)
        sum = _mm512_fmadd_ps(weight[k], pick<kRegisters>(bytes + c, index[k]), sum);
      _mm512_storeu_ps(sums, sum);
    }
  }
}

// Half more than the values meant, so that cutting off rounds.
struct Colours {
  __m512 value[kChannels];
};
constexpr float kHalf = 0.5f;

// `in` without the half.
Colours mix(const ColourMap& map, const Colours& in) {
  Colours out;
  for (std::size_t c = 0; c < kChannels; ++c) {
    __m512 sum = _mm512_set1_ps(map.offset[c] + kHalf);
    for (std::size_t k = 0; k < kChannels; ++k) {
      sum = _mm512_fmadd_ps(_mm512_set1_ps(map.matrix[c * kChannels + k]), in.value[k], sum);
    }
    sum = _mm512_min_ps(_mm512_max_ps(sum, _mm512_setzero_ps()), _mm512_set1_ps(255));
    out.value[c] = sum;
  }
  return out;
}

// Sixteen pixels of three bytes, from values 0..255, rounded to the nearest; the first `pixels` of them are
// stored.
void store_pixels(const Colours& colours, int pixels, std::uint8_t* out) {
  __m512i rounded[kChannels];
  for (int c = 0; c < kChannels; ++c) {
    rounded[c] = _mm512_cvttps_epi32(colours.value[c]);
  }
  const __m512i four_byte_pixels = _mm512_or_si512(
      rounded[0], _mm512_or_si512(_mm512_slli_epi32(rounded[1], 8), _mm512_slli_epi32(rounded[2], 16)));
  alignas(64) static constexpr std::array<std::uint8_t, 64> kThreeOfFour = [] {
    std::array<std::uint8_t, 64> index{};
    for (std::size_t i = 0; i < kStripValues; ++i) index[i] = static_cast<std::uint8_t>(i / 3 * 4 + i % 3);
    return index;
  }();
  const __m512i bytes = _mm512_permutexvar_epi8(_mm512_load_si512(kThreeOfFour.data()), four_byte_pixels);
  if (pixels ==
      kColumns) {  // by two whole registers: stores of chosen bytes take tens of cycles on some processors
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm512_castsi512_si256(bytes));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 32), _mm512_extracti32x4_epi32(bytes, 2));
  } else {
    alignas(64) std::uint8_t all[64];
    _mm512_store_si512(all, bytes);
    std::memcpy(out, all, static_cast<std::size_t>(pixels) * kChannels);
  }
}

template <int kTaps>
void sum_rows(const ResampleTask& task, const float* sums, int first_row, int x0) {
  const int pixels = std::min(kColumns, task.width - x0);
  const std::size_t line = static_cast<std::size_t>(task.width) * kChannels;
  // Copies, as bytes that are stored might be these for all the compiler knows.
  const auto height = static_cast<std::size_t>(task.height);
  const int* const first = task.rows.first.data();
  const float* weights = task.rows.weights.data();
  const ColourMap* const colour = task.colour;
  const __m512 half = _mm512_set1_ps(colour == nullptr ? kHalf : 0.0f);
  std::uint8_t* out = task.out + x0 * kChannels;
  for (std::size_t y = 0; y < height; ++y, out += line, weights += kTaps) {
    const float* in = sums + (first[y] - first_row) * kStripValues;
    Colours colours;
    for (int c = 0; c < kChannels; ++c) {
      __m512 sum = half;
      for (int k = 0; k < kTaps; ++k) {
        sum = _mm512_fmadd_ps(_mm512_set1_ps(weights[k]),
                              _mm512_loadu_ps(in + k * kStripValues + c * kColumns), sum);
      }
      colours.value[c] = sum;
    }
    if (colour != nullptr) colours = mix(*colour, colours);
    store_pixels(colours, pixels, out);
  }
}

using SumColumns = void (*)(const ResampleTask& task, int x0, int begin, int end, float* sums);
using SumRows = void (*)(const ResampleTask& task, const float* sums, int first_row, int x0);

// Null where the columns are too far apart.
SumColumns sum_columns_for(const ResampleTask& task) {
  const int widest = widest_strip_of(task);
  const auto fit = [&](int registers) {
    return kChannels * widest < bytes_of(registers) &&
           kChannels * task.source.width >= fewest_bytes(registers);
  };
  switch (task.columns.stride) {
    case 1:
      return fit(1) ? sum_columns<1, 1> : nullptr;
    case 2:
      return fit(1) ? sum_columns<2, 1> : nullptr;
    case 3:
      return fit(1) ? sum_columns<3, 1> : fit(2) ? sum_columns<3, 2> : nullptr;
    case 4:
      return fit(2) ? sum_columns<4, 2> : fit(4) ? sum_columns<4, 4> : nullptr;
    case 5:
      return fit(4) ? sum_columns<5, 4> : nullptr;
    default:
      return nullptr;
  }
}

SumRows sum_rows_for(const ResampleTask& task) {
  switch (task.rows.stride) {
    case 1:
      return sum_rows<1>;
    case 2:
      return sum_rows<2>;
    case 3:
      return sum_rows<3>;
    case 4:
      return sum_rows<4>;
    case 5:
      return sum_rows<5>;
    default:
      return nullptr;
  }
}

}  // namespace

bool resample_by_strips(const ResampleTask& task, std::vector<float>& sums) {
  const SumColumns sum_columns_here = sum_columns_for(task);
  const SumRows sum_rows_here = sum_rows_for(task);
  if (sum_columns_here == nullptr || sum_rows_here == nullptr) return false;
  const int first_row = task.rows.first.front();
  const int end_row = task.rows.first.back() + task.rows.count.back();
  // Rows of weight 0 may follow the last.
  const std::size_t values = static_cast<std::size_t>(end_row - first_row) * kStripValues;
  const std::size_t values_after = static_cast<std::size_t>(task.rows.stride) * kStripValues;
  sums.resize(values + values_after);
  std::fill_n(sums.data() + values, values_after, 0.0f);
  for (int x0 = 0; x0 < task.width; x0 += kColumns) {
    sum_columns_here(task, x0, first_row, end_row, sums.data());
    sum_rows_here(task, sums.data(), first_row, x0);
  }
  return true;
}

}  // namespace aface
#else
namespace aface {

bool resample_by_strips(const ResampleTask&, std::vector<float>&) { return false; }

}  // namespace aface
#endif
