#include <cmath>

#include "aface/synth/paint.h"
#include "aface/synth/value_noise.h"

namespace aface::synth {
namespace {

// Distance from (u, v) to the segment p-q.
float segment_distance(float u, float v, float pu, float pv, float qu, float qv) {
  const float du = qu - pu, dv = qv - pv;
  const float t = clamp01(((u - pu) * du + (v - pv) * dv) / (du * du + dv * dv));
  return std::hypot(u - pu - t * du, v - pv - t * dv);
}

// One freckle in some of the cells of a 3 px grid.
float freckle(float u, float v, float density, std::uint32_t seed) {
  const float cell_u = std::floor(u / 3), cell_v = std::floor(v / 3);
  const int x = static_cast<int>(cell_u), y = static_cast<int>(cell_v);
  if (cell_noise(x, y, seed) > density) return 0;
  const float centre_u = 3 * cell_u + 0.8f + 1.4f * cell_noise(x, y, seed + 1);
  const float centre_v = 3 * cell_v + 0.8f + 1.4f * cell_noise(x, y, seed + 2);
  return bell((square(u - centre_u) + square(v - centre_v)) / 1.2f);
}

}  // namespace

Material FacePaint::at(float u, float v) const {
  Material m;
  paint_skin(m, u, v);
  paint_beard(m, u, v);
  paint_nose(m, u, v);
  paint_mouth(m, u, v);
  paint_eye(m, u, v);
  paint_brow(m, u, v);
  return m;
}

void FacePaint::paint_skin(Material& m, float u, float v) const {
  const float side = std::fabs(u);
  const EyeShape& eyes = face.eyes;
  const float mottle = value_noise(u * 0.11f, v * 0.11f, face.texture_seed);
  m.albedo = face.skin * (0.95f + 0.1f * mottle);
  const Rgb flushed = face.skin * Rgb{1.02f, 0.66f, 0.62f};
  lay_over(m, flushed, 0.6f * face.blush * bell(square((side - 23) / 15) + square((v - 10) / 13)));
  // Little light reaches the eye sockets and the fold between nose and cheek.
  const Rgb shade = face.skin * Rgb{0.60f, 0.48f, 0.46f};
  const float socket = bell(square((side - eyes.spacing + 3) / 14) + square((v - eyes.level) / 9));
  lay_over(m, shade, (0.30f + 0.07f * face.head.socket) * socket);
  lay_over(
      m, shade,
      0.5f * eyes.bags * bell(square((side - eyes.spacing) / 9) + square((v - eyes.level - 6.5f) / 3.5f)));
  if (face.freckles > 0 && v > -16 && v < 24) {
    const float where = smooth_step(-16, -8, v) * smooth_step(24, 14, v);
    lay_over(m, face.skin * Rgb{0.55f, 0.38f, 0.28f},
             0.8f * where * freckle(u, v, face.freckles, face.texture_seed + 7));
  }
  for (const SkinMark& mark : face.marks) {
    const float distance = std::hypot(u - mark.u, v - mark.v) - mark.radius;
    lay_over(m, face.skin * Rgb{0.20f, 0.13f, 0.11f}, mark.darkness * coverage(distance, soft));
  }
  const float lines = clamp01(face.wrinkles + 0.15f * expression.brow_raise);
  if (lines > 0 && v < eyes.level - 14) {
    const float bend = v + 0.004f * u * u - 0.6f * expression.brow_raise;
    const float wave = std::cos(bend * 1.05f);
    const float where = smooth_step(24, 14, side) * smooth_step(eyes.level - 14, eyes.level - 18, v) *
                        smooth_step(-38, -32, v);
    lay_over(m, shade, 0.55f * lines * where * smooth_step(0.6f, 1, wave));
  }
  const float folds = clamp01(face.folds + 0.5f * expression.smile);
  if (folds > 0 && side > 5 && side < 28 && v > 0) {
    const float nose_u = face.nose.half_width + 1.5f,
                mouth_u = face.mouth.half_width + 3.5f + 1.5f * expression.smile;
    const float distance =
        segment_distance(side, v, nose_u, face.nose.tip - 1, mouth_u, face.mouth.level - 1.5f);
    lay_over(m, shade, 0.5f * folds * bell(square(distance / 3)));
  }
}

void FacePaint::paint_beard(Material& m, float u, float v) const {
  const BeardStyle& beard = face.beard;
  if (v < -12 || beard.beard + beard.moustache + beard.goatee == 0) return;
  const float side = std::fabs(u);
  const MouthShape& mouth = face.mouth;
  const float lip = mouth.level + expression.open + mouth.lower;
  const float grain = 0.55f + 0.9f * value_noise(u * 0.9f, v * 0.6f, face.texture_seed + 3);
  // The cheek line falls from the sideburns to the mouth corners.
  const float cheek_line = mix(mouth.level - 2, 8 - beard.reach, smooth_step(14, 34, side));
  const float around_mouth = smooth_step(
      0.8f, 1.1f, square(u / (mouth.half_width + 2)) + square((v - mouth.level) / (mouth.lower + 4)));
  float density = beard.beard * smooth_step(cheek_line - 2.5f, cheek_line + 3, v) * around_mouth;
  const float goatee = smooth_step(13.5f, 10, side) * smooth_step(lip + 1, lip + 3.5f, v);
  density = std::max(density, beard.goatee * goatee);
  const float centre = 0.5f * (face.nose.tip + 5 + mouth.level - mouth.upper) + 0.012f * u * u;
  const float moustache = smooth_step(mouth.half_width + 3, mouth.half_width - 2, side) *
                          smooth_step(3.8f, 1.8f, std::fabs(v - centre));
  density = std::max(density, beard.moustache * moustache);
  lay_over(m, beard.colour, std::min(0.93f, density * grain * 1.1f));
  m.gloss *= 1 - 0.7f * density;
}

void FacePaint::paint_nose(Material& m, float u, float v) const {
  const NoseShape& nose = face.nose;
  const float side = std::fabs(u - face.skew);
  if (side > nose.half_width + 6 || v < face.eyes.level - 4 || v > nose.tip + 12) return;
  const Rgb shade = face.skin * Rgb{0.42f, 0.29f, 0.26f};
  // The flank of the ridge, the crease round the wing, the shadow below, the nostril.
  const float along = clamp01((v - face.eyes.level) / (nose.tip - face.eyes.level));
  const float flank = mix(nose.bridge_width, 0.7f * nose.half_width, along);
  lay_over(
      m, shade,
      0.24f * smooth_step(0, 0.25f, along) * smooth_step(1, 0.8f, along) * bell(square((side - flank) / 3)));
  const float wing =
      std::hypot((side - 0.62f * nose.half_width) / (0.42f * nose.half_width), (v - nose.tip - 0.5f) / 4.2f);
  if (side > 0.6f * nose.half_width) lay_over(m, shade, 0.55f * bell(square((wing - 1) * 2.6f)));
  lay_over(m, shade,
           0.55f * bell(square(side / (1.05f * nose.half_width)) + square((v - nose.tip - 4.6f) / 2.6f)));
  const float nostril_u = 0.47f * nose.half_width;
  const float hole = std::hypot((side - nostril_u) / (2.1f * nose.nostril),
                                (v - nose.tip - 3.2f + 0.12f * (side - nostril_u)) / 1.15f);
  lay_over(m, face.skin * Rgb{0.08f, 0.04f, 0.04f}, 0.9f * coverage(hole - 1, 0.6f * soft));
  m.gloss += 0.25f * bell(square(side / 3) + square((v - nose.tip + 1) / 4));
}

}  // namespace aface::synth
