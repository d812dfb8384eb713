#pragma once

#include <vector>

#include "aface/synth/camera.h"
#include "aface/synth/head_mesh.h"

namespace aface::synth {

// What one sample of the picture sees.
struct Fragment {
  Part part = Part::kNone;
  bool inside_out = false;  // the back of a sheet: the inner side of hair
  float a = 0;              // place on the part, see Vertex
  float b = 0;
  Vec3 normal;  // camera frame, not renormalised
};

// Samples per pixel and side: edges of parts are smoothed by averaging.
constexpr int kSamplesPerSide = 2;

// Draws the meshes, nearest first wins. Returns [size * 2, size * 2] fragments, row-major.
std::vector<Fragment> rasterize(const std::vector<Mesh>& meshes, const Camera& camera, int size);

}  // namespace aface::synth
