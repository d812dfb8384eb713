#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "aface/core/across_ranks.h"
#include "aface/core/span.h"
#include "aface/kernel/filter_report.h"
#include "aface/kernel/rivals.h"
#include "aface/kernel/row_gradient.h"
#include "aface/kernel/unit_batch.h"
#include "aface/kernel/unusable_row.h"

namespace aface {

class DenseSoftmax;
class ScreenedSoftmax;

struct FusedSoftmaxOptions {
  double logit_scale = 32;
  // Products in bfloat16 with float32 sums (bf16_products.h), for CPUs that have them. With a filter only for
  // many samples: for a few, float32 is faster.
  bool bf16 = false;
  // With a filter all scores are first made in eight bits, entries whose probability reaches it are computed in float32
  // and get their gradient, and only samples for which more than `filter_tolerance` of the gradient would be lost
  // (relative to the batch's mean, or their own if that is larger) are computed in full. 0: none; and none above
  // ScreenedSoftmax::kLargestScale.
  double gradient_filter = 0;
  double filter_tolerance = 0.1;
  // Of samples that are computed in full: 3 bytes for each of [batch, prototypes] from the forward pass to the gradients, or
  // five products instead of three. The numbers are the same.
  bool keep_cosines = true;
  bool want_rivals = false;
  int threads = 0;  // 0: all cores
  // Null: all prototypes of the softmax are here. Else every rank classifies the same batch against its own prototypes:
  // the target is -1 where another rank has the own prototype, loss, probabilities and correct() are those over all
  // ranks' prototypes, while rivals and gradients are this rank's share: the embeddings' is to be summed over ranks.
  AcrossRanks* ranks = nullptr;
  // Rows at which parts of the prototypes begin, ascending, the first 0; as many as a power of two, parts may be empty. Sums over
  // prototypes are made part by part and added pair by pair (core/parts.h). None: as is fastest. Not with a filter.
  std::vector<std::size_t> part_begins;
};

// A margin softmax over cosines, without ever holding the [batch, prototypes] matrix in float32:
//   logits[i, j] = s cosine[i, j],  but  s value[i]  at the own column, where value[i] is the own cosine after its margin
//   loss = -mean_i log softmax(logits)[i, own]
// Which margin that is, the caller knows: classify() takes what the margin made of own_cosines(). In this order:
// own_cosines(), classify(), results, gradients. `prototypes` must outlive it and stay as they are until their gradients
// have been asked for. Any number of threads gives the same bits. The derivation is that of aface/head/margin_softmax.h.
class FusedSoftmax {
 public:
  // embeddings [batch, dim], prototypes [columns, dim], any length > 0; targets [batch], own column of each sample.
  // Throws an UnusableRow (Error{kNumeric}) on an embedding or own prototype that is not finite or has length 0. Of several
  // ranks all do, here and in classify(), when one of them finds one.
  FusedSoftmax(RowMatrix embeddings, RowMatrix prototypes, Span<const std::int64_t> targets,
               const FusedSoftmaxOptions& options);
  ~FusedSoftmax();

  Span<const float> own_cosines() const { return batch_.own_cosines; }

  // values[i], and slopes[i] = d value / d own cosine, of the samples whose target is here: what is given for others is
  // ignored. Throws an UnusableRow on any other unusable prototype.
  void classify(Span<const double> values, Span<const double> slopes);

  double loss() const { return loss_; }
  // d loss / d value[i] = (s / batch) (p_i - 1), of all samples
  Span<const double> value_gradients() const { return value_gradients_; }
  Span<const float> own_probabilities() const { return own_probabilities_; }
  // No other prototype has a higher cosine (by more than float32 rounding).
  Span<const std::uint8_t> correct() const { return correct_; }
  const Rivals& rivals() const { return rivals_; }
  Span<const float> inverse_lengths() const;  // [columns]
  const FilterReport& filter_report() const { return filter_; }

  // loss_gradient times d loss / d embedding, replaces out [batch, dim].
  void embedding_gradient(double loss_gradient, float* out) const;
  // loss_gradient times d loss / d prototype, for rows [first, first + count): see RowGradient.
  void prototype_gradient(double loss_gradient, std::size_t first, std::size_t count, float* out) const;

 private:
  struct Parts;
  // From the log sums of exponentials over the others' columns of this rank's parts to that of all parts of all ranks, and from
  // whether this rank has a rival to whether one of them has. All throw when one of them found an unusable row.
  std::vector<double> join(const std::vector<std::vector<double>>& log_of_parts, std::vector<std::uint8_t>& has_rival) const;
  // log_others: over the prototypes of all ranks, log_others_here: over those of this one.
  void choose_dense_samples(Span<const double> values, const std::vector<double>& log_others,
                            const std::vector<double>& log_others_here);
  // score(), which fills them; an unusable row is noted where there are other ranks to be told.
  template <class Score>
  void noting_unusable_rows(std::vector<std::vector<double>>& log_of_parts, const Score& score);
  // Replaces what `log_of_parts` says of them.
  void score_dense_samples(bool screened, std::vector<std::vector<double>>& log_of_parts);
  void finish_samples(Span<const double> values, Span<const double> slopes, const std::vector<double>& log_others);

  FusedSoftmaxOptions options_;
  RowMatrix prototypes_;
  UnitBatch batch_;
  std::unique_ptr<Parts> parts_;
  double loss_ = 0;
  std::vector<double> value_gradients_;
  std::vector<float> own_probabilities_;
  std::vector<std::uint8_t> correct_;
  Rivals rivals_;
  FilterReport filter_;
  std::optional<UnusableRow> unusable_;  // of several ranks: found since the last exchange
};

}  // namespace aface
