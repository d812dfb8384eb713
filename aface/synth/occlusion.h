#pragma once

#include "aface/synth/camera.h"

namespace aface::synth {

// Glasses, scarf, mask or hand in front of the face at chip point `at`: blends its colour over `below`
// (linear light). `shade` is how bright a surface that faces the viewer is in this light.
Rgb paint_occluder(Rgb below, Point at, const FaceIdentity& face, const PhotoConditions& photo,
                   const HeadSurface& surface, const Camera& camera, Rgb shade);

// What stands behind the person at chip point (x, y), both as shares of the side.
Rgb paint_background(float x, float y, const PhotoConditions& photo);

}  // namespace aface::synth
