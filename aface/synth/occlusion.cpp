#include "aface/synth/occlusion.h"

#include <algorithm>
#include <cmath>

#include "aface/synth/value_noise.h"

namespace aface::synth {
namespace {

// Distance to a rectangle with rounded corners around the origin.
float rounded_box(float u, float v, float half_u, float half_v, float radius) {
  const float du = std::fabs(u) - half_u + radius, dv = std::fabs(v) - half_v + radius;
  return std::hypot(std::max(du, 0.0f), std::max(dv, 0.0f)) + std::min(std::max(du, dv), 0.0f) - radius;
}

// Distance to a finger from p to q.
float capsule(Vec3 at, Vec3 p, Vec3 q, float radius) {
  const float du = q.x - p.x, dv = q.y - p.y;
  const float t = clamp01(((at.x - p.x) * du + (at.y - p.y) * dv) / (du * du + dv * dv));
  return std::hypot(at.x - p.x - t * du, at.y - p.y - t * dv) - radius;
}

Rgb paint_glasses(Rgb below, Vec3 p, const FaceIdentity& face, const PhotoConditions& photo, Rgb shade,
                  float soft) {
  const bool dark = photo.occluder == Occluder::kSunglasses;
  const float form = photo.occluder_place;
  const float centre = 17.6f, side = std::fabs(p.x);
  const float v = p.y - face.eyes.level - 1.5f;
  const float half_u = 12.5f + 2 * form, half_v = 8 + (dark ? 2.0f : 0.0f) + 2.5f * form;
  const float lens = rounded_box(side - centre, v, half_u, half_v, mix(3, half_v, form));
  const float frame_half = dark ? 1.1f : 0.6f + 0.7f * form;
  const Rgb frame = photo.occluder_colour * 0.5f * shade;
  const float in_lens = coverage(lens, soft);
  below = dark
              ? mix(below, photo.occluder_colour * 0.06f * shade + Rgb{0.01f, 0.01f, 0.012f}, 0.93f * in_lens)
              : mix(below, Rgb{0.9f, 0.93f, 0.95f}, 0.07f * in_lens);
  // A streak of reflected light across the lens.
  const float streak = coverage(std::fabs(side - centre + 0.6f * v - 3) - 1.2f, 1.2f) * in_lens;
  below = mix(below, shade, (dark ? 0.12f : 0.16f) * streak);
  const float rim = coverage(std::fabs(lens) - frame_half, soft);
  const float bridge = coverage(std::fabs(v + 2.5f - 0.03f * p.x * p.x) - frame_half, soft) *
                       coverage(side - (centre - half_u), soft);
  const float temple = coverage(std::fabs(v + 3) - frame_half, soft) *
                       coverage(centre + half_u - side, soft) * coverage(side - 44, soft);
  return mix(below, frame, std::max({rim, bridge, temple}));
}

Rgb paint_scarf(Rgb below, Vec3 p, const PhotoConditions& photo, Rgb shade, float soft) {
  const float edge = 18 + 14 * photo.occluder_place + 0.006f * p.x * p.x +
                     2 * std::sin(p.x * 0.15f + 6 * photo.occluder_place);
  const float inside = coverage(edge - p.y, soft);
  if (inside == 0) return below;
  const float fold =
      std::sin(p.y * 0.45f + 0.05f * p.x + 3 * value_noise(p.x * 0.08f, p.y * 0.08f, photo.texture_seed));
  const float stripe = value_noise(p.y * 0.3f, 0, photo.texture_seed + 1) > 0.55f ? 0.6f : 1.0f;
  return mix(below, photo.occluder_colour * shade * (stripe * (0.85f + 0.18f * fold)), inside);
}

Rgb paint_mask(Rgb below, Vec3 p, const FaceIdentity& face, const PhotoConditions& photo,
               const HeadSurface& surface, Rgb shade, float soft) {
  const float top = face.nose.tip - 6 + 0.012f * p.x * p.x, bottom = surface.chin() + 2;
  const float width = std::max(10.0f, surface.half_width(std::min(p.y, surface.chin() - 6)) + 1);
  const float inside = coverage(std::max({top - p.y, p.y - bottom, std::fabs(p.x) - width}), soft);
  if (inside == 0) return below;
  const Rgb cloth = mix(photo.occluder_colour, painted(0.78f, 0.86f, 0.92f), 0.6f);
  const float pleat = 0.93f + 0.07f * std::cos((p.y - top) * 0.7f);
  const float round = 1 - 0.3f * square(p.x / 45) - 0.15f * square((p.y - 28) / 30);
  return mix(below, cloth * shade * (pleat * round), inside);
}

Rgb paint_hand(Rgb below, Vec3 p, const FaceIdentity& face, const PhotoConditions& photo, Rgb shade,
               float soft) {
  // Three or four fingers from below, on one cheek or over the mouth.
  const float side = photo.occluder_place < 0.5f ? -1.0f : 1.0f;
  const float reach = 4 + 24 * std::fabs(photo.occluder_place - 0.5f);
  float distance = 1e9f, shading = 1;
  for (int finger = 0; finger < 4; ++finger) {
    const float along = static_cast<float>(finger);
    const Vec3 knuckle = {side * (10 + 9.5f * along), 52.0f, 0};
    const float middle = std::fabs(along - 1.4f);
    const Vec3 tip = {side * (4 + 9 * along), reach + 5 * middle, 0};
    const float d = capsule(p, knuckle, tip, 4.6f);
    if (d < distance) {
      distance = d;
      shading = 1 - 0.45f * square(clamp01(1 + d / 4.6f));
    }
  }
  const float palm = rounded_box(p.x - side * 24, p.y - 62, 21, 16, 8);
  if (palm < distance) {
    distance = palm;
    shading = 0.92f;
  }
  const float shadow = coverage(distance - 2, 3);
  below = mix(below, below * 0.55f, shadow);
  return mix(below, face.skin * Rgb{1, 0.9f, 0.88f} * shade * shading, coverage(distance, soft));
}

}  // namespace

Rgb paint_occluder(Rgb below, Point at, const FaceIdentity& face, const PhotoConditions& photo,
                   const HeadSurface& surface, const Camera& camera, Rgb shade) {
  const float soft = 0.7f / camera.pixels_per_unit();
  switch (photo.occluder) {
    case Occluder::kNone:
      return below;
    case Occluder::kGlasses:
    case Occluder::kSunglasses:
      return paint_glasses(below, camera.on_plane(at, face.head.depth + 2), face, photo, shade, soft);
    case Occluder::kScarf:
      return paint_scarf(below, camera.on_plane(at, face.head.depth), photo, shade, soft);
    case Occluder::kMask:
      return paint_mask(below, camera.on_plane(at, 0.85f * face.head.depth), face, photo, surface, shade,
                        soft);
    case Occluder::kHand:
      return paint_hand(below, camera.on_plane(at, face.head.depth + 4), face, photo, shade, soft);
  }
  return below;
}

Rgb paint_background(float x, float y, const PhotoConditions& photo) {
  Rgb colour = mix(photo.background, photo.background_far, y);
  if (photo.background_detail > 0) {
    const float blob = value_noise(x * 4, y * 3, photo.texture_seed) - 0.5f;
    const float stripe = value_noise(x * 9, 0.5f, photo.texture_seed + 9) > 0.6f ? 0.25f : 0.0f;
    colour = colour * std::max(0.1f, 1 + photo.background_detail * (1.2f * blob - stripe));
  }
  return colour;
}

}  // namespace aface::synth
