#include "aface/image/resample_strips.h"

#ifdef __AVX512VBMI__
#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 takes the "undefined" operand in its own header for a mistake (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace aface {
namespace {

constexpr int kColumns = 16;          // of a strip: a register of floats a channel
constexpr int kChannels = 3;
constexpr int kStripValues = kChannels * kColumns;
constexpr int kWidestStep = 63 / kChannels;  // pixels between the first and the last source column of a strip
constexpr int kNarrowest = 22;        // 64 bytes from the third channel of some pixel on are within a line

// Where the columns of a strip find their taps.
template <int kTaps>
struct Strip {
  int base = 0;                                         // source column of the first byte
  std::array<std::array<std::uint32_t, kColumns>, kTaps> index{};  // bytes from there to the pixel
  std::array<std::array<float, kColumns>, kTaps> weight{};
};

int source_column(const ResampleTask& task, int x) {
  const int last = task.width - 1;
  const int inside = std::min(x, last);  // the last strip may be filled up with the last column
  return task.mirror == Mirror::kLeftRight ? last - inside : inside;
}

template <int kTaps>
Strip<kTaps> make_strip(const ResampleTask& task, int x0) {
  const Taps& columns = task.columns;
  Strip<kTaps> strip;
  const auto first_of = [&](int x) { return columns.first[static_cast<std::size_t>(source_column(task, x))]; };
  strip.base = std::min(std::min(first_of(x0), first_of(x0 + kColumns - 1)), task.source.width - kNarrowest);
  for (int lane = 0; lane < kColumns; ++lane) {
    const auto column = static_cast<std::size_t>(source_column(task, x0 + lane));
    for (int k = 0; k < kTaps; ++k) {
      const auto tap = static_cast<std::size_t>(k), at = static_cast<std::size_t>(lane);
      // A tap of weight 0 may lie beyond the line.
      strip.index[tap][at] =
          static_cast<std::uint32_t>(kChannels * std::min(columns.first[column] + k - strip.base, kWidestStep));
      strip.weight[tap][at] = columns.weights[column * static_cast<std::size_t>(columns.stride) + tap];
    }
  }
  return strip;
}

bool strips_fit(const ResampleTask& task) {
  const Taps& columns = task.columns;
  const auto fits = [](const Taps& taps) { return taps.stride == 2 || taps.stride == 3; };
  if (!fits(columns) || !fits(task.rows) || task.source.width < kNarrowest) return false;
  for (int x = 0; x < task.width; x += kColumns) {
    const int one = source_column(task, x), other = source_column(task, x + kColumns - 1);
    const auto first = static_cast<std::size_t>(std::min(one, other)), last = static_cast<std::size_t>(std::max(one, other));
    if (columns.first[last] + columns.count[last] - 1 - columns.first[first] > kWidestStep) return false;
  }
  return true;
}

// Columns of source rows begin ... end-1, [row, channel, column].
template <int kTaps>
void sum_columns(const Image& source, const Strip<kTaps>& strip, int begin, int end, float* sums) {
  constexpr __mmask64 kLowestBytes = 0x1111111111111111;
  __m512i index[kTaps];
  __m512 weight[kTaps];
  for (std::size_t k = 0; k < kTaps; ++k) {
    index[k] = _mm512_loadu_si512(strip.index[k].data());
    weight[k] = _mm512_loadu_ps(strip.weight[k].data());
  }
  for (int row = begin; row < end; ++row) {
    const std::uint8_t* line = source.at(strip.base, row);
    for (int c = 0; c < kChannels; ++c, ++line, sums += kColumns) {
      const __m512i bytes = _mm512_loadu_si512(line);
      __m512 sum = _mm512_setzero_ps();
      for (int k = 0; k < kTaps; ++k) {
        const __m512i tap = _mm512_maskz_permutexvar_epi8(kLowestBytes, index[k], bytes);
        sum = _mm512_fmadd_ps(weight[k], _mm512_cvtepi32_ps(tap), sum);
      }
      _mm512_storeu_ps(sums, sum);
    }
  }
}

struct Colours {
  __m512 value[kChannels];
};

Colours mix(const ColourMap& map, const Colours& in) {
  Colours out;
  for (std::size_t c = 0; c < kChannels; ++c) {
    __m512 sum = _mm512_set1_ps(map.offset[c]);
    for (std::size_t k = 0; k < kChannels; ++k) {
      sum = _mm512_fmadd_ps(_mm512_set1_ps(map.matrix[c * kChannels + k]), in.value[k], sum);
    }
    sum = _mm512_min_ps(_mm512_max_ps(sum, _mm512_setzero_ps()), _mm512_set1_ps(255));
    out.value[c] = sum;
  }
  return out;
}

// Sixteen pixels of three bytes, from values 0..255, rounded to the nearest.
void store_pixels(const Colours& colours, __mmask64 bytes, std::uint8_t* out) {
  __m512i rounded[kChannels];
  for (int c = 0; c < kChannels; ++c) {
    rounded[c] = _mm512_cvttps_epi32(_mm512_add_ps(colours.value[c], _mm512_set1_ps(0.5f)));
  }
  const __m512i pixels = _mm512_or_si512(
      rounded[0], _mm512_or_si512(_mm512_slli_epi32(rounded[1], 8), _mm512_slli_epi32(rounded[2], 16)));
  alignas(64) static constexpr std::array<std::uint8_t, 64> kThreeOfFour = [] {
    std::array<std::uint8_t, 64> index{};
    for (std::size_t i = 0; i < kStripValues; ++i) index[i] = static_cast<std::uint8_t>(i / 3 * 4 + i % 3);
    return index;
  }();
  _mm512_mask_storeu_epi8(out, bytes, _mm512_permutexvar_epi8(_mm512_load_si512(kThreeOfFour.data()), pixels));
}

template <int kTaps>
void sum_rows(const ResampleTask& task, const float* sums, int first_row, int x0) {
  const int pixels = std::min(kColumns, task.width - x0);
  const __mmask64 bytes = (std::uint64_t{1} << (pixels * kChannels)) - 1;
  const std::size_t line = static_cast<std::size_t>(task.width) * kChannels;
  std::uint8_t* out = task.out + x0 * kChannels;
  for (std::size_t y = 0; y < static_cast<std::size_t>(task.height); ++y, out += line) {
    const float* in = sums + (task.rows.first[y] - first_row) * kStripValues;
    const float* weights = &task.rows.weights[y * kTaps];
    Colours colours;
    for (int c = 0; c < kChannels; ++c) {
      __m512 sum = _mm512_mul_ps(_mm512_set1_ps(weights[0]), _mm512_loadu_ps(in + c * kColumns));
      for (int k = 1; k < kTaps; ++k) {
        sum = _mm512_fmadd_ps(_mm512_set1_ps(weights[k]), _mm512_loadu_ps(in + k * kStripValues + c * kColumns), sum);
      }
      colours.value[c] = sum;
    }
    if (task.colour != nullptr) colours = mix(*task.colour, colours);
    store_pixels(colours, bytes, out);
  }
}

template <int kTaps>
void resample_strips(const ResampleTask& task, std::vector<float>& sums) {
  const int first_row = task.rows.first.front();
  const int end_row = task.rows.first.back() + task.rows.count.back();
  // Rows of weight 0 may follow the last.
  sums.assign(static_cast<std::size_t>(end_row - first_row + task.rows.stride) * kStripValues, 0.0f);
  for (int x0 = 0; x0 < task.width; x0 += kColumns) {
    sum_columns(task.source, make_strip<kTaps>(task, x0), first_row, end_row, sums.data());
    if (task.rows.stride == 2) {
      sum_rows<2>(task, sums.data(), first_row, x0);
    } else {
      sum_rows<3>(task, sums.data(), first_row, x0);
    }
  }
}

}  // namespace

bool resample_by_strips(const ResampleTask& task, std::vector<float>& sums) {
  if (!strips_fit(task)) return false;
  if (task.columns.stride == 2) {
    resample_strips<2>(task, sums);
  } else {
    resample_strips<3>(task, sums);
  }
  return true;
}

}  // namespace aface
#else
namespace aface {

bool resample_by_strips(const ResampleTask&, std::vector<float>&) { return false; }

}  // namespace aface
#endif
