#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "aface/core/span.h"
#include "aface/kernel/quantised_rows.h"
#include "aface/kernel/rivals.h"
#include "aface/kernel/unit_batch.h"

namespace aface {

// One pass over all prototypes in eight bits: the softmax's denominator, and the few entries of the [batch, prototypes]
// matrix that hold almost all of the gradient, with their cosines in float32. What is under the filter enters the
// denominator by its eight-bit score (off by about 1e-3 in the cosine, at random) and the gradient not at all; how much
// that is, is measured. Any number of threads gives the same bits.
class ScreenedSoftmax {
 public:
  struct Entry {
    std::int32_t column = 0;
    std::int32_t sample = 0;
    float cosine = 0;  // float32 products
  };
  // Scores of eight bits are too coarse for larger scales (and their exponentials leave float32).
  static constexpr float kLargestScale = 80.0F;

  // `batch` and `prototypes` must outlive it.
  ScreenedSoftmax(const UnitBatch& batch, RowMatrix prototypes, float logit_scale, int threads);

  // own_logits[i]: s times the own cosine after its margin. Entries with p >= filter are kept.
  // Throws an UnusableRow on a prototype that is not finite or has length 0.
  //   log_others[i] = log sum over all columns j but the own one of exp(s cosine[i, j])
  //   rivals, unless null: as of DenseSoftmax::score(), but only those among the kept entries
  //   has_rival[i]: whether a kept entry, or the prototype with the best eight-bit score, is a rival
  void score(Span<const double> own_logits, double filter, std::vector<double>& log_others, Rivals* rivals,
             std::vector<std::uint8_t>& has_rival);

  // Kept entries, by column, then by sample; without own columns.
  const std::vector<Entry>& entries() const { return entries_; }
  // [batch] samples with so many entries above the filter that not all were collected: to be computed in full.
  Span<const std::uint8_t> crowded() const { return crowded_; }
  Span<const float> inverse_lengths() const { return inverse_lengths_; }

 private:
  struct Slice;
  // Fills inverse_lengths_ and inverse[0, count).
  void measure_rows(std::size_t first, std::size_t count, double* inverse);
  // Up to prototype `stop`. log_known[i]: logarithm of what is known of the denominator so far, no more than the whole.
  void score_slice(Span<const double> log_known, double log_filter, std::size_t stop, Slice& slice);
  // What all slices know together; lets go of entries that have turned out to be under the filter.
  void bring_together(Span<const double> own_logits, double log_filter, std::vector<Slice>& slices,
                      std::vector<double>& log_others, std::vector<double>& log_known);
  void collect_rivals(Rivals* rivals, std::vector<std::uint8_t>& has_rival) const;

  const UnitBatch& batch_;
  RowMatrix prototypes_;
  float scale_;
  int threads_;
  QuantisedProbes probes_;
  std::vector<float> inverse_lengths_;  // [prototypes]
  std::vector<Entry> entries_;
  std::vector<std::uint8_t> crowded_;
};

}  // namespace aface
