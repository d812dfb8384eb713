#include "aface/synth/head_surface.h"

#include <algorithm>
#include <cmath>

namespace aface::synth {
namespace {

float bump(float u, float v, float centre_u, float centre_v, float radius_u, float radius_v) {
  return bell(square((u - centre_u) / radius_u) + square((v - centre_v) / radius_v));
}

}  // namespace

HeadSurface::HeadSurface(const FaceIdentity& face, const Expression& expression)
    : face_(face), expression_(expression), chin_(face.head.chin + 0.7f * expression.open) {}

float HeadSurface::half_width(float v) const {
  const HeadShape& head = face_.head;
  if (v >= 0) {
    const float s = std::min(1.0f, v / chin_);
    const float outline = std::pow(std::max(0.0f, 1 - std::pow(s, head.jaw)), 1 / head.chin_round);
    return head.half_width * outline * (1 + head.cheek * bell(square((s - 0.45f) / 0.4f)));
  }
  const float s = std::min(1.0f, v / head.top);
  const float outline = std::pow(std::max(0.0f, 1 - square(s * s)), 1 / 2.2f);
  return head.half_width * outline * mix(1, head.forehead, smooth_step(0, 0.5f, s));
}

float HeadSurface::depth(float v) const {
  const HeadShape& head = face_.head;
  if (v >= 0) {
    const float s = std::min(1.0f, v / chin_);
    return head.depth * std::sqrt(std::max(0.0f, 1 - square(s * s * s))) * (1 - 0.08f * s);
  }
  const float s = std::min(1.0f, v / head.top);
  return head.depth * std::sqrt(std::max(0.0f, 1 - s * s * std::sqrt(s)));
}

float HeadSurface::relief(float u, float v) const {
  const HeadShape& head = face_.head;
  const EyeShape& eyes = face_.eyes;
  const NoseShape& nose = face_.nose;
  const MouthShape& mouth = face_.mouth;
  const float skew = face_.skew;
  const float side = std::fabs(u), level = mouth.level, smile = expression_.smile;
  float z = 0;
  // The nose: a ridge that rises from between the eyes to the tip and ends steeply, and two wings.
  const float along = clamp01((v - eyes.level + 4) / (nose.tip - eyes.level + 4));
  const float ridge = mix(nose.bridge, nose.tip_height, along * along);
  const float width = mix(nose.bridge_width, 0.75f * nose.half_width, along);
  const float ends =
      smooth_step(eyes.level - 10, eyes.level + 2, v) * smooth_step(nose.tip + 5.5f, nose.tip + 0.5f, v);
  z += ridge * ends * bell(square((u - skew * along) / (1.7f * width)));
  z += 5 * bump(side, v, 0.72f * nose.half_width, nose.tip + 0.8f, 0.55f * nose.half_width, 5);
  // Eyes: the socket, and the ball in it.
  z -= head.socket * bump(side, v, eyes.spacing - 1, eyes.level, 14, 9);
  z += 1.6f * bump(side, v, eyes.spacing, eyes.level, 8, 5.5f);
  z += head.brow_ridge * bump(side, v, 0.85f * eyes.spacing, eyes.level - 0.8f * face_.brows.distance, 17, 6);
  // Cheeks rise with a smile.
  z += (head.cheekbone + 1.8f * smile) * bump(side, v, 25, 8 - 2 * smile, 15, 13);
  // Lips, the groove below them, and the chin.
  z += 3 * bump(u, v, skew, level, 19, 13);
  z += 0.35f * mouth.upper * bump(u, v, skew, level - 0.6f * mouth.upper, mouth.half_width, mouth.upper);
  z += 0.4f * mouth.lower *
       bump(u, v, skew, level + expression_.open + 0.5f * mouth.lower, mouth.half_width, mouth.lower);
  z -= 1.6f * bump(u, v, 0, level + expression_.open + mouth.lower + 3.5f, 11, 4);
  z += head.chin_relief * bump(u, v, 0, chin_ - 8.5f, 13, 10);
  return z;
}

Vec3 HeadSurface::front(float u, float v) const {
  const float w = half_width(v);
  const float across = w > 0 ? std::min(1.0f, std::fabs(u) / w) : 1.0f;
  return {u, v, depth(v) * std::sqrt(1 - across * across) + relief(u, v)};
}

}  // namespace aface::synth
