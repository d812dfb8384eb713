#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "aface/core/named_arrays.h"

namespace aface {

// What every saved sampler says about itself: its kind (metadata "sampler.kind") and "sampler.num_samples".
void put_sampler_header(NamedArrays& state, const std::string& kind, std::size_t num_samples);

// Throws Error{kFormat} when `state` was written by another kind or for another number of samples.
void check_sampler_header(const NamedArrays& state, const std::string& kind, std::size_t num_samples);

// 16-bit words, which not every reader of safetensors knows, as bytes [count, 2] (U8, little-endian). Not copied: the
// array is a view of `words`.
void put_words(NamedArrays& state, const std::string& name, const std::vector<std::uint16_t>& words);

// The bytes of such an array. Throws Error{kFormat} when it is missing or does not hold `count` words.
const ArrayBytes& word_bytes(const NamedArrays& state, const std::string& name, std::size_t count);

}  // namespace aface
