#pragma once

#include <cstdint>
#include <functional>

#include "aface/model/model_card.h"

namespace aface {

// A network: inputs [count, 3, size, size] to outputs [count, dim].
using RunNetwork = std::function<void(const float* inputs, std::int64_t count, float* outputs)>;

// What a card says about the way from pixels [count, size, size, 3], RGB, to embeddings, rows [count, dim],
// in any scale: colour order, mean and scale before the network, which is run for every view, and the sum
// over views after it. `threads` prepare the numbers; run is called by the caller's.
void embed_views(const ModelCard& card, const std::uint8_t* pixels, std::int64_t count, int threads,
                 float* rows, const RunNetwork& run);

}  // namespace aface
