#pragma once

#include <cstddef>
#include <string>

#include "aface/core/named_arrays.h"

namespace aface {

// What every saved sampler says about itself: its kind (metadata "sampler.kind") and "sampler.num_samples".
void put_sampler_header(NamedArrays& state, const std::string& kind, std::size_t num_samples);

// Throws Error{kFormat} when `state` was written by another kind or for another number of samples.
void check_sampler_header(const NamedArrays& state, const std::string& kind, std::size_t num_samples);

}  // namespace aface
