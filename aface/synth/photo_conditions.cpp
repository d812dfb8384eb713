#include "aface/synth/photo_conditions.h"

#include <algorithm>
#include <cmath>

#include "aface/core/check.h"

namespace aface::synth {
namespace {

float between(Random& random, float low, float high) { return static_cast<float>(random.uniform(low, high)); }

// Normal around 0, cut off at two and a half deviations.
float wobble(Random& random, float deviation) {
  return deviation * std::clamp(static_cast<float>(random.normal()), -2.5f, 2.5f);
}

Rgb any_colour(Random& random, float low, float high) {
  const float r = between(random, low, high), g = between(random, low, high), b = between(random, low, high);
  const float grey = (r + g + b) / 3;
  return painted(mix(grey, r, 0.45f), mix(grey, g, 0.45f), mix(grey, b, 0.45f));
}

Expression draw_expression(Random& random, float h) {
  Expression e;
  e.smile = std::max(-0.5f, wobble(random, 0.08f + 0.5f * h) + 0.25f * h);
  if (random.chance(0.5 * h)) e.open = between(random, 1, 2 + 7 * h);
  e.brow_raise = wobble(random, 0.15f + 1.3f * h);
  e.eyes_open = std::min(1.2f, 1 + wobble(random, 0.03f + 0.14f * h));
  if (random.chance(0.1 * h)) e.eyes_open = between(random, 0.05f, 0.5f);
  e.gaze_u = std::clamp(wobble(random, 0.1f + 1.8f * h), -3.0f, 3.0f);
  e.gaze_v = std::clamp(wobble(random, 0.1f + 0.5f * h), -1.0f, 1.0f);
  return e;
}

void draw_pose(Random& random, float h, PhotoConditions& photo) {
  photo.yaw_deg = std::clamp(wobble(random, 1.5f + 26 * h), -55.0f, 55.0f);
  photo.pitch_deg = std::clamp(wobble(random, 1 + 11 * h), -28.0f, 28.0f);
  photo.roll_deg = wobble(random, 0.4f + 4 * h);
  photo.shift_x = wobble(random, 0.2f + 1.6f * h);
  photo.shift_y = wobble(random, 0.2f + 1.6f * h);
  photo.scale = 1 + wobble(random, 0.004f + 0.035f * h);
}

void draw_light(Random& random, float h, PhotoConditions& photo) {
  photo.light_azimuth_deg = std::clamp(wobble(random, 4 + 55 * h), -95.0f, 95.0f);
  photo.light_elevation_deg = std::clamp(28 + wobble(random, 3 + 24 * h), -25.0f, 75.0f);
  photo.key = 0.62f * std::exp(wobble(random, 0.03f + 0.45f * h));
  photo.ambient = 0.42f * std::exp(wobble(random, 0.03f + 0.55f * h));
  const float warm = wobble(random, 0.01f + 0.16f * h), green = wobble(random, 0.005f + 0.05f * h);
  photo.tint = {1 + warm, 1 + green, 1 - warm};
  photo.contrast = 1 + wobble(random, 0.01f + 0.12f * h);
}

void draw_occluder(Random& random, float h, PhotoConditions& photo) {
  static constexpr Occluder kChoices[] = {Occluder::kGlasses, Occluder::kGlasses, Occluder::kSunglasses,
                                          Occluder::kScarf,   Occluder::kMask,    Occluder::kHand};
  const bool has_one = random.chance(0.45 * h);
  const Occluder choice = kChoices[random.below(6)];
  photo.occluder_place = between(random, 0, 1);
  photo.occluder_colour = any_colour(random, 0.1f, 0.9f);
  if (has_one) photo.occluder = choice;
}

void draw_camera(Random& random, float h, PhotoConditions& photo) {
  photo.blur_px = 0.35f + std::fabs(wobble(random, 0.9f * h));
  photo.noise = 0.004f + std::fabs(wobble(random, 0.035f * h));
  if (random.chance(0.35 * h)) photo.resolution = between(random, 1 - 0.65f * h, 1);
  photo.jpeg_quality = static_cast<int>(between(random, 95 - 55 * h, 96));
}

}  // namespace

const char* occluder_name(Occluder occluder) {
  switch (occluder) {
    case Occluder::kNone:
      return "none";
    case Occluder::kGlasses:
      return "glasses";
    case Occluder::kSunglasses:
      return "sunglasses";
    case Occluder::kScarf:
      return "scarf";
    case Occluder::kMask:
      return "mask";
    case Occluder::kHand:
      return "hand";
  }
  AFACE_CHECK(false, "occluder {}", static_cast<int>(occluder));
}

PhotoConditions draw_conditions(Random& random, double hardness) {
  const auto h = static_cast<float>(hardness);
  PhotoConditions photo;
  draw_pose(random, h, photo);
  draw_light(random, h, photo);
  photo.expression = draw_expression(random, h);
  draw_occluder(random, h, photo);
  photo.hair_lift = wobble(random, 0.1f + 1.2f * h);
  photo.fringe_shift = wobble(random, 0.2f + 2.5f * h);
  const Rgb studio = painted(0.75f, 0.78f, 0.82f);
  const float variety = std::min(1.0f, 2 * h);
  photo.background = mix(studio, any_colour(random, 0.1f, 0.95f), variety);
  photo.background_far = mix(studio, any_colour(random, 0.1f, 0.95f), variety);
  photo.background_detail = variety * between(random, 0, 1);
  photo.cloth = mix(painted(0.3f, 0.32f, 0.36f), any_colour(random, 0.1f, 0.9f), variety);
  draw_camera(random, h, photo);
  photo.texture_seed = static_cast<std::uint32_t>(random.next() >> 32);
  return photo;
}

}  // namespace aface::synth
