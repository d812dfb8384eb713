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

// From the moments of this rank's `rows` to those of all ranks' rows together; returns how many these are.
std::int64_t join_moments(ChannelMoments& moments, std::int64_t rows, AcrossRanks& ranks);

}  // namespace aface
