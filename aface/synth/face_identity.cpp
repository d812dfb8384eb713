#include "aface/synth/face_identity.h"

#include <algorithm>
#include <cmath>

#include "aface/core/random.h"

namespace aface::synth {
namespace {

// The photo streams use (seed, identity, photo); this one stays clear of any photo number.
constexpr std::uint64_t kIdentityStream = ~std::uint64_t{0};

class Draw {
 public:
  Draw(std::uint64_t seed, std::int64_t identity)
      : random_(seed, static_cast<std::uint64_t>(identity), kIdentityStream) {}

  float between(float low, float high) { return static_cast<float>(random_.uniform(low, high)); }
  // Normal, cut off at two and a half deviations so that nobody becomes a monster.
  float around(float mean, float deviation) {
    return mean + deviation * std::clamp(static_cast<float>(random_.normal()), -2.5f, 2.5f);
  }
  float share() { return static_cast<float>(random_.uniform()); }
  bool chance(float p) { return random_.chance(p); }
  std::uint32_t bits() { return static_cast<std::uint32_t>(random_.next() >> 32); }

 private:
  Random random_;
};

// Three traits that many others lean on, so that the parts of a face fit together.
struct Traits {
  float male = 0.5f;
  float age = 0.3f;  // 0 young, 1 old
  float melanin = 0.4f;
};

HeadShape draw_head(Draw& draw, const Traits& traits) {
  HeadShape head;
  head.half_width = draw.around(38.5f + 1.2f * traits.male, 2.4f);
  head.depth = draw.around(49, 2.5f);
  head.top = draw.around(-71, 3);
  head.chin = draw.around(48.5f + 3.5f * traits.male, 3.2f);
  head.forehead = draw.around(0.92f, 0.045f);
  head.cheek = draw.around(0, 0.04f);
  head.jaw = std::max(1.65f, draw.around(2.05f + 0.9f * traits.male, 0.5f));
  head.chin_round = std::max(1.2f, draw.around(1.4f + 0.4f * traits.male, 0.25f));
  head.brow_ridge = draw.around(0.6f + 1.8f * traits.male, 0.6f);
  head.cheekbone = draw.around(3, 1.2f);
  head.chin_relief = draw.around(3.5f, 1.2f);
  head.socket = draw.around(3.2f, 1);
  return head;
}

Rgb draw_iris(Draw& draw, float melanin) {
  const float brown = smooth_step(0.1f, 0.55f, melanin + draw.between(-0.25f, 0.3f));
  const Rgb light = mix(painted(0.42f, 0.58f, 0.72f), painted(0.44f, 0.55f, 0.36f), draw.share());
  const Rgb dark = mix(painted(0.42f, 0.26f, 0.13f), painted(0.17f, 0.11f, 0.08f), draw.share());
  return mix(light, dark, brown);
}

EyeShape draw_eyes(Draw& draw, const Traits& traits) {
  EyeShape eyes;
  eyes.spacing = draw.around(17.6f, 1.25f);
  eyes.level = draw.around(-10.4f, 1.2f);
  eyes.half_length = draw.around(8.2f, 0.8f);
  eyes.upper = std::max(1.65f, draw.around(3.7f - 0.7f * traits.male, 0.7f));
  eyes.lower = std::max(1.0f, draw.around(2.1f, 0.4f));
  eyes.tilt = draw.around(-0.04f, 0.075f);
  eyes.crease = std::max(0.6f, draw.around(2.3f - 0.7f * traits.age, 0.8f));
  eyes.iris_radius = draw.around(3.7f, 0.25f);
  eyes.iris = draw_iris(draw, traits.melanin);
  eyes.bags = clamp01(draw.around(0.1f + 0.5f * traits.age, 0.2f));
  eyes.liner = clamp01(draw.around(0.7f - traits.male, 0.3f));
  eyes.shadow = painted(draw.between(0.3f, 0.6f), draw.between(0.2f, 0.4f), draw.between(0.25f, 0.55f));
  return eyes;
}

BrowShape draw_brows(Draw& draw, const Traits& traits) {
  BrowShape brows;
  brows.distance = draw.around(10.2f - 1.6f * traits.male, 1.1f);
  brows.half_length = draw.around(10.3f, 1);
  brows.thickness = std::max(0.6f, draw.around(1.1f + 0.9f * traits.male, 0.45f));
  brows.arch = draw.around(2.4f - 1.2f * traits.male, 1.1f);
  brows.angle = draw.around(0, 0.075f);
  brows.gap = draw.around(0.3f, 1.1f);
  brows.density = clamp01(draw.around(0.82f, 0.12f));
  return brows;
}

NoseShape draw_nose(Draw& draw, const Traits& traits) {
  NoseShape nose;
  nose.tip = draw.around(9.7f, 2);
  nose.half_width = draw.around(7.4f + 1.0f * traits.male + 1.6f * traits.melanin, 1.1f);
  nose.bridge = draw.around(4.2f - 1.5f * traits.melanin, 1.1f);
  nose.tip_height = draw.around(10.5f, 1.6f);
  nose.bridge_width = draw.around(5.4f, 0.9f);
  nose.nostril = draw.around(1, 0.17f);
  return nose;
}

MouthShape draw_mouth(Draw& draw, const Traits& traits, Rgb skin) {
  MouthShape mouth;
  mouth.level = draw.around(30.3f, 1.7f);
  mouth.half_width = draw.around(14.0f + 0.8f * traits.male, 1.6f);
  const float full = draw.around(0.9f + 0.35f * traits.melanin - 0.25f * traits.age, 0.25f);
  mouth.upper = std::max(1.0f, 2.9f * full * draw.between(0.8f, 1.2f));
  mouth.lower = std::max(1.6f, 4.0f * full * draw.between(0.8f, 1.2f));
  mouth.corner = draw.around(0.3f, 0.8f);
  mouth.bow = clamp01(draw.around(0.35f, 0.2f));
  const Rgb natural = skin * Rgb{0.74f, 0.44f, 0.46f};
  const Rgb stick = painted(draw.between(0.6f, 0.8f), draw.between(0.1f, 0.35f), draw.between(0.2f, 0.42f));
  mouth.colour = mix(natural, stick, clamp01(draw.around(0.45f - 0.8f * traits.male, 0.3f)));
  return mouth;
}

Rgb draw_hair_colour(Draw& draw, const Traits& traits) {
  const float dark = clamp01(draw.around(0.35f + 0.9f * traits.melanin, 0.28f));
  const float red = clamp01(draw.around(0.2f, 0.25f)) * (1 - 0.6f * traits.melanin);
  const Rgb fair = mix(painted(0.80f, 0.66f, 0.42f), painted(0.66f, 0.33f, 0.15f), red);
  const Rgb brown = mix(painted(0.36f, 0.24f, 0.15f), painted(0.40f, 0.19f, 0.11f), red);
  const Rgb natural =
      dark < 0.5f ? mix(fair, brown, dark * 2) : mix(brown, painted(0.10f, 0.085f, 0.08f), dark * 2 - 1);
  const float grey = smooth_step(0.55f, 1.0f, traits.age + draw.between(-0.2f, 0.2f));
  return mix(natural, painted(0.70f, 0.69f, 0.68f), grey);
}

HairStyle draw_hair(Draw& draw, const Traits& traits) {
  HairStyle hair;
  hair.line = draw.around(-35 - 4 * traits.age * traits.male, 3);
  hair.peak = draw.around(1, 2);
  hair.recess = std::max(0.0f, draw.around(4 + 10 * traits.male * traits.age, 4));
  hair.parting = draw.between(-1, 1);
  const bool has_fringe = draw.chance(0.45f - 0.25f * traits.male);
  hair.fringe = has_fringe ? draw.between(3, 16) : draw.between(0, 2);
  const float longness = draw.share() - 0.75f * (traits.male - 0.35f);
  hair.length = mix(2, 75, smooth_step(0.15f, 0.75f, longness));
  hair.temple = std::min(hair.length, draw.around(4, 5));
  hair.top_volume = std::max(1.2f, draw.around(5, 2));
  hair.side_volume = std::max(0.8f, draw.around(2.2f + 3 * smooth_step(20, 60, hair.length), 1.2f));
  hair.curl = square(draw.share());
  hair.bald =
      draw.chance(0.10f * traits.male + 0.25f * traits.male * traits.age) ? draw.between(0.5f, 1) : 0.0f;
  if (hair.bald > 0) hair.length = std::min(hair.length, 10.0f);
  hair.colour = draw_hair_colour(draw, traits);
  return hair;
}

BeardStyle draw_beard(Draw& draw, const Traits& traits, Rgb hair) {
  BeardStyle beard;
  beard.colour = hair * draw.between(0.55f, 0.95f);
  const float growth = smooth_step(0.5f, 0.75f, traits.male);
  if (growth == 0) return beard;
  if (draw.chance(0.45f)) {
    beard.beard = growth * draw.between(0.1f, 1);
    beard.moustache = beard.beard;
  } else if (draw.chance(0.3f)) {
    beard.goatee = growth * draw.between(0.4f, 1);
    beard.moustache = draw.chance(0.6f) ? beard.goatee : 0.0f;
  } else if (draw.chance(0.25f)) {
    beard.moustache = growth * draw.between(0.5f, 1);
  }
  beard.reach = draw.between(-5, 5);
  return beard;
}

// From pale to dark through tan, with a warm or a cool undertone.
Rgb draw_skin(Draw& draw, float melanin) {
  const Rgb pale = painted(0.93f, 0.78f, 0.69f), tan = painted(0.80f, 0.60f, 0.46f),
            dark = painted(0.40f, 0.26f, 0.19f);
  const Rgb tone = melanin < 0.5f ? mix(pale, tan, melanin * 2) : mix(tan, dark, melanin * 2 - 1);
  const float warmth = draw.around(0, 0.05f);
  return tone * Rgb{1 + 0.4f * warmth, 1 + 0.2f * warmth, 1 - warmth};
}

}  // namespace

FaceIdentity draw_identity(std::uint64_t seed, std::int64_t identity) {
  Draw draw(seed, identity);
  Traits traits;
  traits.male = draw.share();
  traits.age = draw.share();
  traits.melanin = square(draw.share());

  FaceIdentity face;
  face.skin = draw_skin(draw, traits.melanin);
  face.head = draw_head(draw, traits);
  face.eyes = draw_eyes(draw, traits);
  face.brows = draw_brows(draw, traits);
  face.nose = draw_nose(draw, traits);
  face.mouth = draw_mouth(draw, traits, face.skin);
  face.hair = draw_hair(draw, traits);
  face.beard = draw_beard(draw, traits, face.hair.colour);
  face.blush = clamp01(draw.around(0.45f - 0.2f * traits.male, 0.2f));
  face.freckles = draw.chance(0.18f) ? (1 - traits.melanin) * draw.between(0.2f, 0.8f) : 0.0f;
  face.wrinkles = clamp01(draw.around(0.9f * traits.age - 0.25f, 0.15f));
  face.folds = clamp01(draw.around(0.15f + 0.5f * traits.age, 0.15f));
  face.ear_size = draw.around(1, 0.12f);
  face.ear_angle = draw.around(0.45f, 0.16f);
  face.skew = draw.around(0, 0.6f);
  face.eye_skew = draw.around(0, 0.35f);
  const int marks = draw.chance(0.45f) ? 1 + (draw.chance(0.4f) ? 1 : 0) + (draw.chance(0.3f) ? 1 : 0) : 0;
  for (int i = 0; i < marks; ++i) {
    SkinMark mark;
    mark.u = draw.between(-28, 28);
    mark.v = draw.between(-28, 42);
    mark.radius = draw.between(0.8f, 1.7f);
    mark.darkness = draw.between(0.4f, 0.85f);
    face.marks.push_back(mark);
  }
  face.texture_seed = draw.bits();
  return face;
}

}  // namespace aface::synth
