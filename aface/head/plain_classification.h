#pragma once

#include "aface/head/classification.h"

namespace aface {

// classify() in LibTorch operations, any device, float or double. Works on options.plain_chunk prototypes at a time and
// computes the cosines again for the gradients, so that memory grows with batch times chunk and not with batch times
// prototypes.
HeadOutput plain_classification(const HeadInput& input, const OwnMargins& margins, const HeadOptions& options);

}  // namespace aface
