#pragma once

#include <ATen/core/Tensor.h>

#include "aface/head/head.h"
#include "aface/head/margins.h"

namespace aface {

// Throws Error{kInternal} when shapes or types of `input` do not fit together or a target is no row of `prototypes`.
void check_input(const HeadInput& input);

// cosines [batch, active] between all embeddings and prototypes, differentiable. Throws Error{kNumeric} when an
// embedding or prototype is not finite or has length 0.
at::Tensor cosines_of(const HeadInput& input);

// From cosines to loss and statistics, in the type of `cosines`:
//   logits[i, j] = s cosines[i, j],  but  s margin(cosines[i, y], own_margins[i])  at the own column y = targets[i]
//   loss = -mean_i log softmax(logits)[i, y]
// cosines      [batch, active], may require grad
// targets      [batch] int64, own column of each sample
// own_margins  [batch] float64 on the CPU; may require grad
// With p the softmax of the logits, the gradients are
//   d loss / d cosines[i, j]  = s / batch p[i, j]                   for j != y
//   d loss / d cosines[i, y]  = s / batch (p[i, y] - 1) d value / d cosine
//   d loss / d own_margins[i] = s / batch (p[i, y] - 1) d value / d margin
// First derivatives only.
HeadOutput margin_softmax(const at::Tensor& cosines, const at::Tensor& targets, const at::Tensor& own_margins,
                          MarginFunction margin, double logit_scale);

}  // namespace aface
