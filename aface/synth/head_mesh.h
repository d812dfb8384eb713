#pragma once

#include <cstdint>
#include <vector>

#include "aface/synth/head_surface.h"

namespace aface::synth {

enum class Part : std::uint8_t { kNone, kNeck, kSkin, kEar, kHair };

struct Vertex {
  Vec3 position;
  Vec3 normal;  // unit length, outwards
  float a = 0;  // where on the part: skin (u, v), hair (angle, v), ear (-1..1, -1..1), neck (angle, v)
  float b = 0;
  float mask = 1;  // the part exists where this is positive
};

// A grid of rows x columns vertices, neighbours joined by two triangles.
struct Mesh {
  Part part = Part::kNone;
  int rows = 0;
  int columns = 0;
  std::vector<Vertex> vertices;  // [rows, columns]
};

// Head, ears, hair and neck of a person in this photo, in the head's frame.
std::vector<Mesh> build_meshes(const FaceIdentity& face, const PhotoConditions& photo,
                               const HeadSurface& surface);

}  // namespace aface::synth
