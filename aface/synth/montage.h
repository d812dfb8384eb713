#pragma once

#include <cstdint>

#include "aface/image/image.h"
#include "aface/synth/synth_options.h"

namespace aface {

// One row per identity, its first photos side by side, as write_synthetic_faces() draws them but without
// JPEG. identities, photos > 0. Throws Error{kUsage} as check_synth_options().
Image draw_montage(const SynthOptions& options, std::int64_t identities, std::int64_t photos, int threads);

}  // namespace aface
