#pragma once

#include "aface/image/image.h"
#include "aface/synth/face_identity.h"
#include "aface/synth/photo_conditions.h"

namespace aface::synth {

// A square chip of `size` pixels, aligned to the ArcFace template but for the misalignment in `photo`. A pure
// function of its arguments.
Image render_face(const FaceIdentity& face, const PhotoConditions& photo, int size);

}  // namespace aface::synth
