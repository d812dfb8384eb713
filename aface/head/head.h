#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "aface/core/across_ranks.h"
#include "aface/core/named_arrays.h"
#include "aface/head/head_options.h"
#include "aface/kernel/filter_report.h"
#include "aface/kernel/rivals.h"
#include "aface/kernel/row_gradient.h"

namespace aface {

// One classification. Only some identities take part: the "active" ones, whose prototype rows are given.
struct HeadInput {
  at::Tensor embeddings;  // [batch, dim], any length > 0; may require grad
  at::Tensor prototypes;  // [active, dim], any length > 0; may require grad, see HeadOutput::prototype_gradient
  at::Tensor active_ids;  // [active] int64, identity of each row, as this head numbers them
  at::Tensor targets;     // [batch] int64, ROW of the own prototype in `prototypes` (not the identity)
  // Null: all active prototypes are here. Else every rank classifies the same embeddings against its own identities'
  // prototypes, of which none may be active; targets are -1 where another rank has the own prototype. Then the loss and
  // all that is told of samples are those over all ranks' prototypes, but rivals and gradients this rank's share: the
  // embeddings' gradient is to be summed over ranks.
  AcrossRanks* ranks = nullptr;
  // Rows of `prototypes` at which parts of them begin that are summed over by themselves, see FusedSoftmaxOptions; none: as is
  // fastest, which the plain engine and precision "fast" always do.
  std::vector<std::size_t> part_begins;
  std::int64_t step = 0;  // for warm-up and freezing
  bool want_rivals = false;
};

struct HeadOutput {
  at::Tensor loss;             // scalar, differentiable: mean cross entropy over the batch, margin and scale applied
  at::Tensor own_cosine;       // [batch], detached plain cosine; rounding may carry it past +-1
  at::Tensor own_probability;  // [batch], detached softmax probability of the own identity, margin and scale applied
  at::Tensor correct;          // [batch] bool: no other prototype has a higher plain cosine
  Rivals rivals;                       // when wanted: those prototypes; columns are rows of `prototypes`
  std::vector<float> inverse_lengths;  // when rivals are wanted: [active], 1 / length of each prototype
  FilterReport filter;                 // of precision "fast"; zeros otherwise

  // d loss / d prototypes by blocks, to be asked for after loss.backward(), while `prototypes` are unchanged. Set when
  // they do not require grad and the embeddings do; float32 on the CPU. Otherwise the gradient is in their grad().
  RowGradient prototype_gradient;
};

// A margin softmax. Owns its margins, not the prototypes (see prototypes.h), so that any subset can be active.
class Head {
 public:
  virtual ~Head() = default;

  // Gradients for embeddings, prototypes and margins, finite at cosine +-1 (see margins.h). Float or double.
  // Throws an UnusableRow (Error{kNumeric}) when an embedding or prototype is not finite or has length 0, with the number
  // of the sample or identity; Error{kInternal} when the shapes do not fit or a target is out of range.
  virtual HeadOutput forward(const HeadInput& input) = 0;

  // Called after backward(): heads with parameters of their own update them. `learning_rate_share` is the schedule's
  // current rate / its highest rate.
  virtual void update(std::int64_t step, double learning_rate_share) = 0;

  // One margin per identity of this head, float32 on the CPU; empty for heads with one for all.
  virtual at::Tensor margins() const = 0;

  virtual void save(NamedArrays& state) const = 0;     // under "head.*"
  virtual void restore(const NamedArrays& state) = 0;  // throws Error{kFormat} when it does not fit

  // Numbers for the log, by name ("margin_mean", "margin_smallest", "margin_largest", ...).
  virtual std::map<std::string, double> report() const = 0;
};

// Throws Error{kUsage} on an unknown kind or options that contradict each other; options of other kinds are ignored.
// Any device may classify: `device` says which; the margins themselves stay on the CPU. Of a run on several ranks
// `num_identities` are those of this rank, and `of_all_ranks` (0: the same) all of them. `relative_images`
// [num_identities]: images of each / mean images of an identity over all ranks, above 0; empty: all have as many.
std::unique_ptr<Head> make_head(const HeadOptions& options, std::int64_t num_identities, at::Device device,
                                std::int64_t of_all_ranks = 0, const std::vector<double>& relative_images = {});

// For Head::restore(): throws Error{kFormat} when `state` was saved by a head of another kind.
void require_kind(const NamedArrays& state, const std::string& kind);

}  // namespace aface
