#pragma once

#include <cstdint>

#include "aface/core/random.h"
#include "aface/synth/colour.h"

namespace aface::synth {

enum class Occluder { kNone, kGlasses, kSunglasses, kScarf, kMask, kHand };
const char* occluder_name(Occluder occluder);

struct Expression {
  float smile = 0;       // -0.5 sad .. 1 broad
  float open = 0;        // gap of the lips in pixels
  float brow_raise = 0;  // pixels
  float eyes_open = 1;   // 0 shut, 1 normal, 1.2 wide
  float gaze_u = 0;      // pixels that the irises move
  float gaze_v = 0;
};

// What changes from photo to photo of the same person. Angles in degrees, lengths in pixels of a 112 x 112
// chip.
struct PhotoConditions {
  float yaw_deg = 0;    // + turns to the right of the picture
  float pitch_deg = 0;  // + looks up
  float roll_deg = 0;   // what the alignment left over
  float shift_x = 0;
  float shift_y = 0;
  float scale = 1;
  float light_azimuth_deg = 0;  // + from the right of the picture
  float light_elevation_deg = 30;
  float key = 0.8f;      // strength of the lamp
  float ambient = 0.5f;  // strength of the light from everywhere
  Rgb tint{1, 1, 1};     // colour of the light and of the camera
  float contrast = 1;
  Expression expression;
  Occluder occluder = Occluder::kNone;
  float occluder_place = 0;  // 0..1: where and which form
  Rgb occluder_colour;
  float hair_lift = 0;  // pixels that the hair is thicker today
  float fringe_shift = 0;
  Rgb background;
  Rgb background_far;
  float background_detail = 0;  // contrast of what stands behind, 0..1
  Rgb cloth;
  float blur_px = 0;     // standard deviation
  float noise = 0;       // standard deviation, share of full scale
  float resolution = 1;  // side that the camera saw, share of the chip
  int jpeg_quality = 95;
  std::uint32_t texture_seed = 0;
};

// hardness 0: passport photos; 1: strong pose, light, occlusion, blur.
PhotoConditions draw_conditions(Random& random, double hardness);

}  // namespace aface::synth
