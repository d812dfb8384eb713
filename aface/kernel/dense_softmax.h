#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "aface/core/span.h"
#include "aface/kernel/bf16_products.h"
#include "aface/kernel/cosine_cache.h"
#include "aface/kernel/rivals.h"
#include "aface/kernel/unit_batch.h"

namespace aface {

// What the classification of a batch needs to know of its samples before the gradients can be told.
struct SampleWeights {
  std::vector<float> log_total;  // [batch] logarithm of the softmax's denominator
  std::vector<float> own;        // [batch] (p - 1) times the slope of the margin: d loss / d own cosine, up to s / batch
};

// All cosines of a batch with all prototypes, in blocks of prototypes; of the [batch, prototypes] matrix only
// a 24-bit copy stays. Three passes of matrix products: score(), add_embedding_gradient() and prototype_gradient(). Without
// the copy two more, which make the cosines again; all numbers are the same.
// Any number of threads gives the same bits. The prototypes must stay as they are until the last pass is through.
class DenseSoftmax {
 public:
  // `batch` and `prototypes` must outlive it.
  DenseSoftmax(const UnitBatch& batch, RowMatrix prototypes, float logit_scale, const RowProducts& products,
               bool keep_cosines, int threads);

  // The first pass. Throws an UnusableRow on a prototype that is not finite or has length 0.
  //   log_others[i] = log sum over all columns j but the own one of exp(s cosine[i, j])      (-inf without any)
  //   rivals, unless null: the columns whose cosine is higher than the own one by more than float32 rounding
  void score(std::vector<double>& log_others, Rivals* rivals, std::vector<std::uint8_t>& has_rival);

  // out[i] += sum_j g[i, j] v_j - (sum_j g[i, j] cosine[i, j]) u_i   with u, v the unit rows and g = p, at the own column
  // weights.own: the gradient by an embedding of length 1, up to the factor s / batch. out [batch, dim].
  void add_embedding_gradient(const SampleWeights& weights, float* out) const;

  // The same by prototypes [first, first + count), divided by their lengths, times `factor`; replaces out [count, dim].
  void prototype_gradient(const SampleWeights& weights, std::size_t first, std::size_t count, double factor,
                          float* out) const;

  Span<const float> inverse_lengths() const { return inverse_lengths_; }

 private:
  struct BlockSums;
  void score_block(std::size_t first, std::size_t count, float* cosines, BlockSums& sums, Rivals* rivals);
  // Float32 products of the whole batch with the block of `count` prototypes from `first`, [batch, count].
  void multiply(std::size_t first, std::size_t count, float* cosines) const;
  // The rounded cosines of the columns [first, first + count), which lie in one block, [batch, count].
  void cosines_of(std::size_t first, std::size_t count, float* cosines) const;
  // Of one sample and those columns: `row` comes with the cosines and gets g; `cosines` gets the cosines.
  void weigh(const SampleWeights& weights, std::size_t sample, std::size_t first, std::size_t count, float* row,
             float* cosines) const;

  const UnitBatch& batch_;
  RowMatrix prototypes_;
  float scale_;
  RowProducts products_;
  int threads_;
  std::vector<float> inverse_lengths_;  // [prototypes]
  bool keeps_cosines_;
  CosineCache cache_;  // empty unless they are kept
};

}  // namespace aface
