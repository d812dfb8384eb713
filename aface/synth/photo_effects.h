#pragma once

#include <vector>

#include "aface/image/image.h"
#include "aface/synth/photo_conditions.h"

namespace aface::synth {

// From linear light [size, size] to the picture that the camera delivers: lens blur and low resolution,
// gamma, contrast, sensor noise, 8 bits.
Image develop(std::vector<Rgb> light, int size, const PhotoConditions& photo);

}  // namespace aface::synth
