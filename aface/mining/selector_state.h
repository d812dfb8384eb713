#pragma once

#include <cstdint>
#include <string>

#include "aface/core/named_arrays.h"

namespace aface {

// What every saved selector says about itself: its kind (metadata "miner.kind") and "miner.num_identities".
void put_selector_header(NamedArrays& state, const std::string& kind, std::int64_t num_identities);

// Throws Error{kFormat} when `state` was written by another kind or for another number of identities.
void check_selector_header(const NamedArrays& state, const std::string& kind, std::int64_t num_identities);

}  // namespace aface
