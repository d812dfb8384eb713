#pragma once

#include "aface/core/field.h"

namespace aface {

// [augment]: what happens to a training chip, in this order. A probability of 0 turns a part off. Every draw is
// seeded by (seed, step, sample id), so pixels do not depend on the number of workers.
struct AugmentOptions {
  double flip = 0.5;             // probability of a left-right mirror
  double crop = 0.0;             // probability of a random crop, resized back
  double crop_shift = 0.08;      // largest shift of the crop window, as a share of the side
  double crop_scale = 0.08;      // largest relative change of the crop window's side
  double low_resolution = 0.0;   // probability of shrinking and enlarging again
  double low_resolution_min = 0.3;  // smallest scale of that shrinking
  double grey = 0.0;             // probability of dropping the colour
  double colour = 0.0;           // probability of changed brightness, contrast and saturation
  double colour_strength = 0.2;  // largest relative change of each
  double cutout = 0.0;           // probability of one grey square
  double cutout_size = 0.3;      // largest side of that square, as a share of the side
};

template <class Visitor>
void describe(Visitor& v, AugmentOptions& o) {
  v.field("flip", o.flip, doc("probability of a left-right mirror").range(0, 1));
  v.field("crop", o.crop, doc("probability of a random crop, resized back").range(0, 1));
  v.field("crop_shift", o.crop_shift, doc("largest shift of the crop window, share of the side").range(0, 0.5));
  v.field("crop_scale", o.crop_scale, doc("largest relative change of the crop window's side").range(0, 0.5));
  v.field("low_resolution", o.low_resolution, doc("probability of shrinking and enlarging again").range(0, 1));
  v.field("low_resolution_min", o.low_resolution_min, doc("smallest scale of that shrinking").range(0.05, 1));
  v.field("grey", o.grey, doc("probability of dropping the colour").range(0, 1));
  v.field("colour", o.colour, doc("probability of changed brightness, contrast and saturation").range(0, 1));
  v.field("colour_strength", o.colour_strength, doc("largest relative change of each").range(0, 1));
  v.field("cutout", o.cutout, doc("probability of one grey square").range(0, 1));
  v.field("cutout_size", o.cutout_size, doc("largest side of that square, share of the side").range(0, 1));
}

}  // namespace aface
