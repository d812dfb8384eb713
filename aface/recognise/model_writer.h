#pragma once

#include <string>

#include "aface/core/named_arrays.h"
#include "aface/model/model_card.h"

namespace aface {

// Writes a whole model file (model/model_file.h) for a network: the reference chip is a built-in face, its
// embedding is computed here. Written atomically. Throws Error{kFormat} when the arrays are not those of the
// network that the card names, Error{kData} when the reference has no embedding (weights that are damaged or
// diverged), Error{kIo}.
void write_whole_model(const std::string& path, const NamedArrays& network, const ModelCard& card);

}  // namespace aface
