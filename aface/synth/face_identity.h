#pragma once

#include <cstdint>
#include <vector>

#include "aface/synth/colour.h"

namespace aface::synth {

// What makes a person, whatever the photo. Lengths are in pixels of a 112 x 112 chip; the origin lies between
// the eyes and the mouth on the middle line, u points right in the picture and v down: the ArcFace template
// puts the eyes at (+-17.6, -10.4), the tip of the nose at (0, 9.7) and the mouth corners at (+-14.6, 30.3).

struct HeadShape {
  float half_width = 39;    // at the cheekbones
  float depth = 50;         // from the ears to the brow
  float top = -72;          // v of the skull's highest point, without hair
  float chin = 52;          // v of the chin
  float forehead = 0.9f;    // width of the forehead, share of half_width
  float cheek = 1;          // extra width below the cheekbones
  float jaw = 2.5f;         // exponent of the jaw's outline: 1.8 pointed, 4 square
  float chin_round = 1.6f;  // 1.2 pointed chin, 2.4 broad chin
  float brow_ridge = 1.5f;
  float cheekbone = 3;
  float chin_relief = 4;
  float socket = 3.5f;  // how deep the eyes lie
};

struct EyeShape {
  float spacing = 17.6f;  // half the distance of the eyes
  float level = -10.4f;
  float half_length = 8.4f;
  float upper = 3.2f;  // height of the upper lid's arch
  float lower = 2;
  float tilt = 0;       // outer corner lower (+) or higher (-), slope
  float crease = 2.4f;  // distance of the lid's fold; small: hooded
  float iris_radius = 3.7f;
  Rgb iris;
  float bags = 0;
  float liner = 0;  // make-up, 0..1
  Rgb shadow;
};

struct BrowShape {
  float distance = 9.5f;  // above the eye
  float half_length = 10.5f;
  float thickness = 1.6f;
  float arch = 2;
  float angle = 0;
  float gap = 0;  // shift outwards
  float density = 0.85f;
};

struct NoseShape {
  float tip = 9.7f;
  float half_width = 8.5f;
  float bridge = 4;  // height of the bridge above the face
  float tip_height = 11;
  float bridge_width = 5;
  float nostril = 1;
};

struct MouthShape {
  float level = 30.3f;
  float half_width = 14.6f;
  float upper = 3;
  float lower = 4;
  float corner = 0;  // corners up (+) or down (-)
  float bow = 0.3f;  // depth of the upper lip's notch
  Rgb colour;
};

struct HairStyle {
  float line = -36;   // v of the hairline on the forehead
  float peak = 0;     // widow's peak, down (+)
  float recess = 0;   // receding temples
  float parting = 0;  // -1 left .. 1 right
  float fringe = 0;   // how far the fringe falls over the line
  float length = 8;   // v that the hair reaches behind the ears
  float temple = 8;   // v that the sideburns reach
  float top_volume = 5;
  float side_volume = 3;
  float curl = 0.2f;  // waviness, 0..1
  float bald = 0;     // 1: no hair on top
  Rgb colour;
};

struct BeardStyle {
  float beard = 0;  // 0 shaved, 0.3 stubble, 1 full
  float moustache = 0;
  float goatee = 0;
  float reach = 0;  // how high the beard grows on the cheeks
  Rgb colour;
};

struct SkinMark {
  float u = 0;
  float v = 0;
  float radius = 1;
  float darkness = 0.6f;
};

struct FaceIdentity {
  HeadShape head;
  EyeShape eyes;
  BrowShape brows;
  NoseShape nose;
  MouthShape mouth;
  HairStyle hair;
  BeardStyle beard;
  Rgb skin;
  float blush = 0.3f;
  float freckles = 0;
  float wrinkles = 0;  // forehead lines
  float folds = 0.2f;  // from the nose to the mouth corners
  float ear_size = 1;
  float ear_angle = 0.3f;  // how far they stand off, radians
  float skew = 0;          // asymmetry: mouth and nose off the middle, px
  float eye_skew = 0;      // one eye higher
  std::vector<SkinMark> marks;
  std::uint32_t texture_seed = 0;
};

// Draws a person from continuous distributions. Depends on (seed, identity) alone.
FaceIdentity draw_identity(std::uint64_t seed, std::int64_t identity);

}  // namespace aface::synth
