#pragma once

#include "aface/head/classification.h"

namespace aface {

// classify() by aface/kernel/fused_softmax.h, as an autograd function of the embeddings, the prototypes (when they
// require grad; otherwise the gradient is handed out by blocks) and the margins. Float32 on the CPU.
HeadOutput fused_classification(const HeadInput& input, const OwnMargins& margins, const HeadOptions& options);

}  // namespace aface
