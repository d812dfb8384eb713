#include <algorithm>
#include <cmath>

#include "aface/synth/paint.h"
#include "aface/synth/value_noise.h"

namespace aface::synth {

void FacePaint::paint_mouth(Material& m, float u, float v) const {
  const MouthShape& mouth = face.mouth;
  const float smile = expression.smile, open = expression.open;
  const float half = mouth.half_width + 2.2f * smile - 0.15f * open;
  const float x = u - face.skew;
  if (std::fabs(x) > half + 3 || std::fabs(v - mouth.level) > 16 + open) return;
  const float t = x / half, inside = std::max(0.0f, 1 - t * t);
  const float corner = mouth.corner + 2.6f * smile;
  const float line = mouth.level + 0.45f * corner - corner * t * t;  // where the lips meet
  const float gap_top = line - 0.2f * open * inside, gap_bottom = line + open * std::sqrt(inside);
  const float notch = 1 - mouth.bow * bell(square(t / 0.28f));
  const float top = gap_top - mouth.upper * (1 - 0.2f * smile) * std::pow(inside, 0.8f) * notch;
  const float bottom = gap_bottom + mouth.lower * (1 - 0.15f * smile) * std::pow(inside, 0.65f);

  const float ends = coverage(std::fabs(x) - half, soft);
  const float lips = ends * coverage(std::max(top - v, v - bottom), soft);
  const bool is_upper = v < 0.5f * (gap_top + gap_bottom);
  const float roundness =
      is_upper ? 0.66f : 1 + 0.16f * bell(square((v - mix(gap_bottom, bottom, 0.45f)) / 2));
  lay_over(m, mouth.colour * roundness, 0.9f * lips);
  m.gloss = mix(m.gloss, 0.06f, is_upper ? lips : 0.0f);

  const float gap = ends * coverage(std::max(gap_top - v, v - gap_bottom), soft);
  if (open > 0.3f && gap > 0) {
    lay_over(m, painted(0.27f, 0.08f, 0.08f), gap);
    // The upper teeth, and a tongue when the mouth is wide open.
    const float teeth_end = gap_top + std::min(0.6f * open + 0.6f, 3.4f);
    const float teeth = coverage(std::fabs(t) - 0.78f, 0.12f) * coverage(v - teeth_end, soft);
    lay_over(m, painted(0.90f, 0.87f, 0.82f), 0.95f * gap * teeth);
    const float tongue = coverage(std::hypot(x / (0.55f * half), (v - gap_bottom) / (0.4f * open)) - 1, 0.3f);
    if (open > 4) lay_over(m, painted(0.62f, 0.28f, 0.28f), 0.8f * gap * tongue);
  } else {
    const float seam = coverage(std::fabs(v - line) - 0.45f, soft) * coverage(std::fabs(x) - half - 0.6f, 1);
    lay_over(m, mouth.colour * Rgb{0.16f, 0.10f, 0.10f}, 0.85f * seam);
  }
  // Small shadows at the corners and below the lower lip.
  const Rgb shade = face.skin * Rgb{0.5f, 0.38f, 0.35f};
  lay_over(m, shade, 0.6f * bell((square(std::fabs(x) - half - 0.5f) + square(v - line)) / 5));
  if (v > bottom)
    lay_over(m, shade, 0.5f * bell(square(x / (0.8f * half)) + square((v - bottom - 1.6f) / 2.6f)));
}

void FacePaint::paint_eye(Material& m, float u, float v) const {
  const EyeShape& eyes = face.eyes;
  const float side = u < 0 ? -1.0f : 1.0f;
  const float x = side * u - eyes.spacing;  // positive towards the ear
  const float half = eyes.half_length;
  if (std::fabs(x) > half + 5) return;
  const float y = v - eyes.level - side * face.eye_skew - eyes.tilt * x;
  if (y < -14 || y > 9) return;
  const float t = x / half;
  const float inside = std::max(0.0f, 1 - t * t);
  const float open = expression.eyes_open * (1 - 0.12f * std::max(0.0f, expression.smile));
  // The upper lid's arch peaks towards the nose, the lower lid's towards the ear.
  const float rest = 0.5f * (eyes.lower - 0.4f);  // where the lids meet when shut
  const float upper = mix(rest, -eyes.upper * (1 - 0.12f * t), open) * std::pow(inside, 0.75f);
  const float lower = mix(rest, eyes.lower * (1 + 0.15f * t), std::min(1.0f, open + 0.25f)) * inside;

  // Lid, its make-up and its fold.
  const float fold = upper - (0.5f + eyes.crease) * std::pow(std::max(0.0f, 1 - square(t / 1.15f)), 0.6f);
  const float lid = coverage(std::max(fold - y, y - upper), soft) * coverage(std::fabs(t) - 1.1f, 0.1f);
  lay_over(m, mix(face.skin * 0.82f, eyes.shadow, 0.7f * eyes.liner), 0.7f * lid);
  const float crease = coverage(std::fabs(y - fold) - 0.25f, soft) * coverage(std::fabs(t) - 1.05f, 0.15f);
  lay_over(m, face.skin * Rgb{0.28f, 0.19f, 0.17f}, 0.62f * crease);

  const float ball =
      coverage(std::fabs(x) - half, soft) * coverage(std::max(upper - y, y - lower), 0.8f * soft);
  if (ball > 0) {
    const float roundness = 1 - 0.25f * t * t - 0.3f * bell(square((y - upper) / 2.2f));
    lay_over(m, painted(0.84f, 0.81f, 0.79f) * roundness, ball);
    const float gaze_x = x - side * expression.gaze_u, gaze_y = y - expression.gaze_v + 0.35f;
    const float radius = std::hypot(gaze_x, gaze_y);
    const float iris = coverage(radius - eyes.iris_radius, soft);
    const float ring = smooth_step(0.55f, 1, radius / eyes.iris_radius);
    lay_over(m, eyes.iris * (1.25f - 0.85f * ring), ball * iris);
    lay_over(m, painted(0.04f, 0.035f, 0.035f), ball * coverage(radius - 0.42f * eyes.iris_radius, soft));
    m.gloss += 0.3f * ball;
    const float glint = coverage(std::hypot(gaze_x * side + 1.3f, gaze_y + 1.4f) - 0.55f, soft);
    lay_over(m, Rgb{1.1f, 1.1f, 1.1f}, 0.85f * ball * glint);
  }
  // Lashes: a dark line that thickens outwards; the lower one is faint.
  const float thick = 0.35f + 0.35f * eyes.liner + 0.2f * clamp01(t);
  const float lash = coverage(std::fabs(y - upper + 0.2f) - thick, soft) *
                     coverage(std::fabs(t) - 1.02f - 0.06f * eyes.liner, 0.06f);
  lay_over(m, painted(0.11f, 0.08f, 0.075f), 0.9f * lash);
  const float lower_lash =
      coverage(std::fabs(y - lower - 0.1f) - 0.2f, soft) * coverage(std::fabs(t) - 0.95f, 0.1f);
  lay_over(m, face.skin * Rgb{0.25f, 0.16f, 0.15f}, (0.4f + 0.4f * eyes.liner) * lower_lash);
}

void FacePaint::paint_brow(Material& m, float u, float v) const {
  const BrowShape& brows = face.brows;
  const float side = u < 0 ? -1.0f : 1.0f;
  const float x = side * u - face.eyes.spacing - brows.gap;
  const float level = face.eyes.level - brows.distance - expression.brow_raise;
  if (std::fabs(x) > brows.half_length + 2 || std::fabs(v - level) > 12) return;
  const float t = x / brows.half_length;
  const float curve = level + brows.angle * x - brows.arch * (1 - square((t - 0.25f) / 1.1f));
  const float taper = 1 - 0.65f * smooth_step(0.1f, 1, t) - 0.25f * smooth_step(-0.7f, -1, t);
  const float distance = std::fabs(v - curve) - brows.thickness * taper;
  const float body = coverage(distance, soft + 0.45f) * coverage(std::fabs(t) - 0.96f, 0.08f);
  const float strands = 0.75f + 0.5f * value_noise(u * 1.1f + v * 0.7f, v * 0.4f, face.texture_seed + 5);
  lay_over(m, mix(face.hair.colour * 0.5f, painted(0.14f, 0.10f, 0.08f), 0.35f),
           std::min(0.95f, brows.density * strands * body));
}

}  // namespace aface::synth
