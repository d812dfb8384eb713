#pragma once

#include <cstdint>
#include <optional>

#include "aface/core/random.h"
#include "aface/image/augment_options.h"
#include "aface/image/image.h"
#include "aface/image/resample.h"

namespace aface {

// What happens to one chip, drawn from AugmentOptions. Lengths are shares of the side, so that it holds at
// any size.
struct Augmentation {
  Mirror mirror = Mirror::kNo;
  Window window{0, 0, 1, 1};        // part of the chip that is shown
  double resolution = 1;            // the output is first made at this share of its size, then enlarged
  std::optional<ColourMap> colour;  // greying, then saturation, contrast about mid-grey, brightness
  double cutout_side = 0;           // 0: none
  double cutout_x = 0;              // left and upper border, as a share of what the square leaves free
  double cutout_y = 0;
};

// Draws the same number of values whatever the options, so that switching one part on leaves the others'
// draws as they were.
Augmentation draw_augmentation(const AugmentOptions& options, Random& random);

// Writes [size_px, size_px, 3] to `out`. The default Augmentation is a plain resize().
void augment(const Image& chip, const Augmentation& augmentation, int size_px, std::uint8_t* out);

}  // namespace aface
