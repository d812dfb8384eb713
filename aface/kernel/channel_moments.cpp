#include "aface/kernel/channel_moments.h"

#include <algorithm>
#include <cstddef>

#include "aface/core/check.h"
#include "aface/core/parts.h"
#include "aface/kernel/rows_at_once.h"

namespace aface {
namespace {

constexpr std::int64_t kBlockValues = 8 << 10;

// Count, mean and sum of squared distances of the rows seen so far, per channel.
struct RunningMoments {
  explicit RunningMoments(std::int64_t channels)
      : mean(static_cast<std::size_t>(channels)), squares(static_cast<std::size_t>(channels)) {}

  std::int64_t rows = 0;
  std::vector<double> mean, squares;

  // `mean` and `squares` of `rows` others, as functions of the channel.
  template <class Mean, class Squares>
  void join(std::int64_t others, const Mean& mean_of, const Squares& squares_of) {
    const double all = static_cast<double>(rows + others);
    const double share = static_cast<double>(others) / all;
    const double weight = static_cast<double>(rows) * share;
    const auto channels = static_cast<std::int64_t>(mean.size());
    double* __restrict to_mean = mean.data();
    double* __restrict to_squares = squares.data();
#pragma omp simd
    for (std::int64_t c = 0; c < channels; ++c) {
      const double distance = mean_of(c) - to_mean[c];
      to_mean[c] += distance * share;
      to_squares[c] += squares_of(c) + distance * distance * weight;
    }
    rows += others;
  }
};

// Scratch for one block: [channels] each.
struct BlockSums {
  explicit BlockSums(std::int64_t channels)
      : centre(static_cast<std::size_t>(channels)),
        sum(static_cast<std::size_t>(channels)),
        squares(static_cast<std::size_t>(channels)) {}
  std::vector<float> centre, sum, squares;
};

// The loops over channels are functions with plain pointers: inside a lambda that captures the pointers, g++ gathers and
// scatters instead of loading whole registers, which takes four times as long.
template <int kRows, class Value>
void sum_rows(const Value* row, std::int64_t channels, float* __restrict sum) {
#pragma omp simd
  for (std::int64_t c = 0; c < channels; ++c) {
    float total = 0;
    for_rows<kRows>([&](auto r) { total += to_float(row[r() * channels + c]); });
    sum[c] += total;
  }
}

template <int kRows, class Value>
void sum_distances(const Value* row, std::int64_t channels, const float* centre, float* __restrict sum,
                   float* __restrict squares) {
#pragma omp simd
  for (std::int64_t c = 0; c < channels; ++c) {
    float total = 0, total_squares = 0;
    for_rows<kRows>([&](auto r) {
      const float distance = to_float(row[r() * channels + c]) - centre[c];
      total += distance;
      total_squares += distance * distance;
    });
    sum[c] += total;
    squares[c] += total_squares;
  }
}

// The block's mean, rounded: what the slice's rows are centred on.
template <class Value>
void find_centre(const Value* x, std::int64_t rows, std::int64_t channels, BlockSums& block) {
  in_fours(0, rows, [&](std::int64_t first, auto count) {
    sum_rows<count()>(x + first * channels, channels, block.centre.data());
  });
  const float share = 1.0F / static_cast<float>(rows);
  for (float& value : block.centre) value *= share;
}

// The sums are of distances from the centre, of which a later block's mean may lie off: by no more than the
// spread of the whole, so that the digits lost in its squares are lost below those of the whole.
template <class Value>
void add_block(const Value* x, std::int64_t rows, std::int64_t channels, BlockSums& block,
               RunningMoments& moments) {
  const float *const centre = block.centre.data(), *const sum = block.sum.data(), *const squares = block.squares.data();
  std::fill(block.sum.begin(), block.sum.end(), 0.0F);
  std::fill(block.squares.begin(), block.squares.end(), 0.0F);
  in_fours(0, rows, [&](std::int64_t first, auto count) {
    sum_distances<count()>(x + first * channels, channels, centre, block.sum.data(), block.squares.data());
  });
  const double exact_share = 1.0 / static_cast<double>(rows);
  moments.join(
      rows,
      [&](std::int64_t c) {
        return static_cast<double>(centre[c]) + static_cast<double>(sum[c]) * exact_share;
      },
      [&](std::int64_t c) {
        const auto off = static_cast<double>(sum[c]);
        return static_cast<double>(squares[c]) - off * off * exact_share;
      });
}

}  // namespace

template <class Value>
ChannelMoments channel_moments(const Value* x, std::int64_t rows, std::int64_t channels,
                               const ForEachSlice& for_each_slice) {
  AFACE_CHECK(rows > 0 && channels > 0, "moments of {} rows and {} channels", rows, channels);
  const std::int64_t block_rows = std::max<std::int64_t>(16, kBlockValues / channels);
  const RowSlices slices(rows, channels);
  std::vector<RunningMoments> of_slices(static_cast<std::size_t>(slices.count()), RunningMoments(channels));
  for_each_slice(slices.count(), [&](std::int64_t slice) {
    BlockSums block(channels);
    const std::int64_t begin = slices.begin(slice), end = slices.end(slice);
    find_centre(x + begin * channels, std::min(block_rows, end - begin), channels, block);
    for (std::int64_t row = begin; row < end; row += block_rows) {
      add_block(x + row * channels, std::min(block_rows, end - row), channels, block,
                of_slices[static_cast<std::size_t>(slice)]);
    }
  });

  RunningMoments all(channels);
  for (const RunningMoments& one : of_slices) {
    all.join(
        one.rows, [&](std::int64_t c) { return one.mean[static_cast<std::size_t>(c)]; },
        [&](std::int64_t c) { return one.squares[static_cast<std::size_t>(c)]; });
  }
  ChannelMoments moments;
  moments.mean = std::move(all.mean);
  moments.variance = std::move(all.squares);
  for (double& value : moments.variance) value = std::max(0.0, value / static_cast<double>(rows));
  return moments;
}

template ChannelMoments channel_moments(const float*, std::int64_t, std::int64_t, const ForEachSlice&);
template ChannelMoments channel_moments(const Bf16*, std::int64_t, std::int64_t, const ForEachSlice&);

PartMoments join_moments(std::vector<PartMoments> parts, AcrossRanks* ranks) {
  AFACE_CHECK(!parts.empty(), "no moments");
  if (parts.size() == 1 && ranks == nullptr) return std::move(parts[0]);
  const std::size_t channels = parts[0].moments.mean.size();
  std::vector<std::vector<double>> sums;
  for (const PartMoments& part : parts) {
    const auto rows = static_cast<double>(part.rows);
    sums.emplace_back(channels + 1, rows);
    for (std::size_t c = 0; c < channels; ++c) sums.back()[c] = rows * part.moments.mean[c];
  }
  add_arrays_in_pairs(sums);
  if (ranks != nullptr) ranks->sum(sums[0]);
  const double all_rows = sums[0][channels];
  std::vector<double> mean(channels);
  for (std::size_t c = 0; c < channels; ++c) mean[c] = sums[0][c] / all_rows;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    sums[i].resize(channels);
    for (std::size_t c = 0; c < channels; ++c) {
      const double off = parts[i].moments.mean[c] - mean[c];
      sums[i][c] = static_cast<double>(parts[i].rows) * (parts[i].moments.variance[c] + off * off);
    }
  }
  add_arrays_in_pairs(sums);
  if (ranks != nullptr) ranks->sum(sums[0]);
  PartMoments joined;
  joined.rows = static_cast<std::int64_t>(all_rows);
  joined.moments.mean = std::move(mean);
  joined.moments.variance = std::move(sums[0]);
  for (double& value : joined.moments.variance) value /= all_rows;
  return joined;
}

}  // namespace aface
