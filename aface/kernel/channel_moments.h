#pragma once

#include <cstdint>
#include <vector>

#include "aface/core/across_ranks.h"
#include "aface/kernel/bf16.h"
#include "aface/kernel/row_slices.h"

namespace aface {

struct ChannelMoments {
  std::vector<double> mean;      // [channels]
  std::vector<double> variance;  // [channels], the mean square distance from the mean (divided by rows)
};

// Mean and variance of every channel of x [rows, channels], read from memory once. Values are centred on the
// mean of some of them before they are squared, and blocks joined in float64 (Chan, Golub and LeVeque 1983),
// so that a mean that is large beside the spread costs no digits. The same bits on any number of threads.
// Value is float or Bf16.
template <class Value>
ChannelMoments channel_moments(const Value* x, std::int64_t rows, std::int64_t channels,
                               const ForEachSlice& for_each_slice);

// Moments of so many rows.
struct PartMoments {
  ChannelMoments moments;
  std::int64_t rows = 0;
};

// From the moments of the parts of this rank's rows to those of all rows, of all ranks unless `ranks` is null: a single one is
// left. Sums are made pair by pair (core/parts.h).
PartMoments join_moments(std::vector<PartMoments> parts, AcrossRanks* ranks);

}  // namespace aface
