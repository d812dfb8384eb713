#pragma once

#include <ATen/core/Tensor.h>

#include "aface/head/head.h"
#include "aface/head/margins.h"

namespace aface {

// What a head makes of a batch's own cosines, before it is applied.
struct OwnMargins {
  MarginFunction function = nullptr;
  at::Tensor values;  // [batch] float64 on the CPU; may require grad
};

// Throws Error{kInternal} when shapes or types of `input` do not fit together or a target is no row of `prototypes`.
void check_input(const HeadInput& input);

// Classifies checked input by
//   logits[i, j] = s cosine[i, j],  but  s margin(cosine[i, y], values[i])  at the own column y = targets[i]
//   loss = -mean_i log softmax(logits)[i, y]
// With p the softmax of the logits, the gradients are
//   d loss / d cosine[i, j] = s / batch p[i, j]                                for j != y
//   d loss / d cosine[i, y] = s / batch (p[i, y] - 1) d margin / d cosine
//   d loss / d values[i]    = s / batch (p[i, y] - 1) d margin / d value
// First derivatives only. By the fused kernels (float32 on the CPU) or by LibTorch operations, as options.engine says.
HeadOutput classify(const HeadInput& input, const OwnMargins& margins, const HeadOptions& options);

// The smallest angle that cosines of this type tell from 0, see margins.h.
double angle_floor_of(at::ScalarType type);

}  // namespace aface
