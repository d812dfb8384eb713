#include "aface/synth/head_mesh.h"

#include <algorithm>
#include <cmath>

#include "aface/synth/value_noise.h"

namespace aface::synth {
namespace {

constexpr float kPi = 3.14159265f;

Vec3 minus(Vec3 p, Vec3 q) { return {p.x - q.x, p.y - q.y, p.z - q.z}; }
Vec3 cross(Vec3 p, Vec3 q) { return {p.y * q.z - p.z * q.y, p.z * q.x - p.x * q.z, p.x * q.y - p.y * q.x}; }

// How far index `i` of `count` is along, 0..1.
float along(int i, int count) { return static_cast<float>(i) / static_cast<float>(count - 1); }

// make_vertex(row, column) gives position, a, b and mask; normals follow from the neighbours.
template <class MakeVertex>
Mesh make_grid(Part part, int rows, int columns, const MakeVertex& make_vertex) {
  Mesh mesh;
  mesh.part = part;
  mesh.rows = rows;
  mesh.columns = columns;
  mesh.vertices.reserve(static_cast<std::size_t>(rows) * columns);
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < columns; ++j) {
      mesh.vertices.push_back(make_vertex(i, j));
    }
  }
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < columns; ++j) {
      const auto at = [&](int row, int column) {
        return mesh
            .vertices[static_cast<std::size_t>(std::clamp(row, 0, rows - 1)) * columns +
                      std::clamp(column, 0, columns - 1)]
            .position;
      };
      // Columns run to the right and rows down, so this points out of the head.
      Vec3 n = cross(minus(at(i, j + 1), at(i, j - 1)), minus(at(i + 1, j), at(i - 1, j)));
      const float length = std::sqrt(n.x * n.x + n.y * n.y + n.z * n.z);
      const float scale = length > 1e-6f ? 1 / length : 0.0f;
      mesh.vertices[static_cast<std::size_t>(i) * columns + j].normal = {n.x * scale, n.y * scale,
                                                                         n.z * scale};
    }
  }
  return mesh;
}

Mesh build_skin(const HeadSurface& surface, float top) {
  constexpr int kRows = 52, kColumns = 49;
  // The outline only depends on the row, so it is worked out once for each.
  struct Level {
    float v, half_width, depth;
  };
  std::vector<Level> levels;
  for (int i = 0; i < kRows; ++i) {
    const float t = along(i, kRows);
    const float eased = 0.65f * t + 0.35f * (0.5f - 0.5f * std::cos(kPi * t));  // denser at both ends
    const float v = mix(top, surface.chin(), eased);
    levels.push_back({v, surface.half_width(v), surface.depth(v)});
  }
  return make_grid(Part::kSkin, kRows, kColumns, [&](int row, int column) {
    const Level& level = levels[static_cast<std::size_t>(row)];
    const float t = 2 * along(column, kColumns) - 1;
    const float angle = (0.55f * t + 0.45f * t * t * t) * 0.57f * kPi;  // denser around the nose
    Vertex vertex;
    vertex.a = level.half_width * std::sin(angle);
    vertex.b = level.v;
    const float facing = std::cos(angle);
    const float relief = facing > 0 ? surface.relief(vertex.a, level.v) * std::min(1.0f, 3 * facing) : 0.0f;
    vertex.position = {vertex.a, level.v, level.depth * facing + relief};
    return vertex;
  });
}

Mesh build_ear(const FaceIdentity& face, const HeadSurface& surface, float side) {
  const float centre_v = 0.5f * (face.eyes.level + face.nose.tip) + 1;
  const float tall = 12.5f * face.ear_size, wide = 7.5f * face.ear_size;
  const float c = std::cos(face.ear_angle), s = std::sin(face.ear_angle);
  const float base_x = surface.half_width(centre_v) - 1.5f;
  constexpr int kRows = 11, kColumns = 9;
  return make_grid(Part::kEar, kRows, kColumns, [&](int row, int column) {
    Vertex vertex;
    vertex.a =
        side * (2 * along(column, kColumns) - 1);  // mirrored with the side, so that both face outwards
    vertex.b = 2 * along(row, kRows) - 1;
    const float narrow =
        std::sqrt(std::max(0.0f, 1 - vertex.b * vertex.b)) * (vertex.b > 0 ? 1 - 0.3f * vertex.b : 1.0f);
    const float across = wide * narrow * vertex.a;  // from the hinge backwards and outwards
    const float rim = 1.5f * bell(square((vertex.a - 0.2f) / 1.2f));
    vertex.position = {side * (base_x + 0.5f * wide * s + s * across + c * rim), centre_v + tall * vertex.b,
                       -2 - c * (across + wide * 0.3f) + s * rim};
    return vertex;
  });
}

// v of the hair's edge at an angle from the front (0) to the back (pi): hair lies above it.
float hair_edge(const HairStyle& hair, float angle, float fringe) {
  const float from_front = std::fabs(angle);
  const float side = angle < 0 ? -1.0f : 1.0f;
  float front = hair.line + hair.peak * bell(square(angle / 0.5f)) -
                hair.recess * bell(square((from_front - 0.6f) / 0.6f));
  // The fringe falls on both sides of the parting, longer on the far side.
  const float fall = fringe * smooth_step(1.25f, 0.7f, from_front) *
                     (1 - 0.55f * bell(square((angle - 0.5f * hair.parting) / 0.3f)));
  front += fall * (1 - 0.25f * side * hair.parting);
  const float temple = hair.temple;
  const float behind = hair.length;
  const float to_temple = smooth_step(0.75f, 1.15f, from_front);
  const float to_back = smooth_step(1.4f, 1.62f, from_front);
  return mix(mix(front, temple, to_temple), behind, to_back);
}

Mesh build_hair(const FaceIdentity& face, const PhotoConditions& photo, const HeadSurface& surface) {
  const HairStyle& hair = face.hair;
  constexpr int kRows = 36, kColumns = 61;
  const float top = std::max(0.5f, hair.top_volume + photo.hair_lift) * (1 - 0.9f * hair.bald);
  const float sides = std::max(0.5f, hair.side_volume + 0.4f * photo.hair_lift);
  const float fringe = hair.fringe > 2 ? std::max(0.0f, hair.fringe + photo.fringe_shift) : hair.fringe;
  const float skull = face.head.top;
  const float bottom = std::max(20.0f, hair.length + 4);
  struct Level {
    float v, half_width, depth;
  };
  std::vector<Level> levels;
  for (int i = 0; i < kRows; ++i) {
    const float t = along(i, kRows);
    const float v = mix(skull, bottom, 0.6f * t + 0.4f * t * t);
    // Long hair hangs straight down from the widest place.
    const float width = v < 0 ? surface.half_width(v) : face.head.half_width * (1 - 0.0015f * v);
    levels.push_back({v, width, surface.depth(std::min(v, 0.0f))});
  }
  return make_grid(Part::kHair, kRows, kColumns, [&](int row, int column) {
    const Level& level = levels[static_cast<std::size_t>(row)];
    const float t = 2 * along(column, kColumns) - 1;
    const float angle = (0.5f * t + 0.5f * t * t * t) * kPi;  // denser in front, where the edge shows
    const float high = smooth_step(-20, skull, level.v);
    const float wave =
        hair.curl * 5 * (value_noise(angle * 4 + 20, level.v * 0.13f, face.texture_seed) - 0.5f);
    float mask = hair_edge(hair, angle, fringe) - level.v;
    if (hair.bald > 0) {
      // Only a wreath is left, higher towards the back.
      const float upper_edge = mix(skull, -14, hair.bald) + 12 * smooth_step(1.7f, 1.0f, std::fabs(angle));
      mask = std::min(mask, std::max(level.v - upper_edge, 20 * (std::fabs(angle) - 2.2f)));
    }
    // The hair is thin at its edge and grows to its full volume inside.
    const float inside = smooth_step(0, 10, mask);
    const float thick = 0.6f + (mix(sides, top, high) + wave) * inside;
    const float up = level.v - (top + wave) * high;
    Vertex vertex;
    vertex.a = angle;
    vertex.b = level.v;
    const float crown = 0.6f * top * high;  // keeps the top round instead of pointed
    vertex.position = {(level.half_width + thick + crown) * std::sin(angle), up,
                       (level.depth + thick + 0.5f * crown) * std::cos(angle)};
    vertex.mask = mask + (0.6f + hair.curl * 4) *
                             (value_noise(angle * 7, level.v * 0.3f, face.texture_seed + 1) - 0.5f);
    return vertex;
  });
}

Mesh build_neck(const FaceIdentity& face) {
  const float radius = 0.66f * face.head.half_width;
  constexpr int kRows = 14, kColumns = 25;
  return make_grid(Part::kNeck, kRows, kColumns, [&](int row, int column) {
    Vertex vertex;
    vertex.a = (2 * along(column, kColumns) - 1) * 0.6f * kPi;
    vertex.b = mix(25, 110, along(row, kRows));
    const float shoulders = 70 * square(smooth_step(62, 105, vertex.b));
    vertex.position = {(radius + shoulders) * std::sin(vertex.a), vertex.b,
                       (0.8f * radius + 0.2f * shoulders) * std::cos(vertex.a) - 8};
    return vertex;
  });
}

}  // namespace

std::vector<Mesh> build_meshes(const FaceIdentity& face, const PhotoConditions& photo,
                               const HeadSurface& surface) {
  // What tends to lie in front comes first, so that less is drawn twice.
  std::vector<Mesh> meshes;
  meshes.push_back(build_hair(face, photo, surface));
  meshes.push_back(build_skin(surface, face.head.top));
  meshes.push_back(build_ear(face, surface, 1));
  meshes.push_back(build_ear(face, surface, -1));
  meshes.push_back(build_neck(face));
  return meshes;
}

}  // namespace aface::synth
