#pragma once

#include <cstdint>

#include "aface/core/across_ranks.h"
#include "aface/kernel/bf16.h"
#include "aface/kernel/row_slices.h"

namespace aface {

// Batch normalisation, an addition and a leaky activation, in one pass over memory, x as [rows, channels]:
//   pre = gamma (x - mean) inverse_std + beta + residual
//   y   = pre where pre > 0, slope pre elsewhere
// Storage is float or Bf16, arithmetic float32. The same bits on any number of threads.
template <class Value>
struct NormActInput {
  std::int64_t rows = 0;
  std::int64_t channels = 0;
  const Value* x = nullptr;
  const Value* residual = nullptr;  // null: nothing is added
  const float* mean = nullptr;      // this and the next: [channels]
  const float* inverse_std = nullptr;
  const float* gamma = nullptr;
  const float* beta = nullptr;
  const float* slope = nullptr;  // null: no activation; all 0: ReLU
};

// What the backward pass fills.
template <class Value>
struct NormActGradients {
  Value* x = nullptr;
  Value* residual = nullptr;  // null: not wanted; without an activation it is the gradient of y itself
  float* gamma = nullptr;     // this and the next: [channels]
  float* beta = nullptr;
  float* slope = nullptr;  // null: not wanted
};

// Whether mean and inverse_std were those of x, and so depend on it, or were given (running statistics).
enum class NormStatistics { kOfInput, kGiven };

template <class Value>
void norm_act_forward(const NormActInput<Value>& in, Value* y, const ForEachSlice& for_each_slice);

// From `in` as in the forward pass and the loss's gradient to y. Pre-activations are computed again, which
// costs less than to store and load them. With `ranks` the statistics were those of all ranks' inputs together, and so
// is what x's gradient owes to them; the other gradients are this rank's share. Sums over rows are made in `parts` parts of as
// many rows, as far as these come out even, which are added pair by pair (core/parts.h).
template <class Value>
void norm_act_backward(const NormActInput<Value>& in, NormStatistics statistics, const Value* y_gradient,
                       const NormActGradients<Value>& gradients, const ForEachSlice& for_each_slice,
                       AcrossRanks* ranks = nullptr, int parts = 1);

}  // namespace aface
