#pragma once

#include <cstdint>

#include "aface/image/image.h"
#include "aface/synth/photo_conditions.h"
#include "aface/synth/synth_options.h"

namespace aface::synth {

// Raise this when the same options would give other pixels, so that old folders and runs are not taken for
// new ones.
constexpr int kDrawingVersion = 1;

// What is special about photo number `photo` of a person, and the photo itself, options.size pixels square
// and not yet compressed. Both depend on (seed, hardness, identity, photo) alone; the photo on the size too.
PhotoConditions conditions_of(const SynthOptions& options, std::int64_t identity, std::int64_t photo);
Image draw_photo(const SynthOptions& options, std::int64_t identity, std::int64_t photo);

}  // namespace aface::synth
