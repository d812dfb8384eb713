#pragma once

#include <array>
#include <cstdint>

#include "aface/image/image.h"

namespace aface {

// Part of an image in its pixel coordinates, pixel i covering [i, i+1). May have fractional borders and reach
// beyond the image; there the nearest edge pixel goes on.
struct Window {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;
};

inline Window whole(const Image& image) { return {0, 0, double(image.width), double(image.height)}; }

enum class Mirror { kNo, kLeftRight };

// out = matrix * rgb + offset, on values 0..255, row-major [3, 3].
struct ColourMap {
  std::array<float, 9> matrix = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  std::array<float, 3> offset = {0, 0, 0};
};

// Scales `window` of `source` to width x height, each axis by itself: mean over the covered area where it
// shrinks, bilinear where it grows, an exact copy at equal size. Mirroring, colour and the one rounding at
// the end happen on the way, so that a training chip takes a single pass. Writes width * height * 3 bytes to
// `out`. Needs a non-empty source, a window of positive size, and width, height >= 1.
void resample(const Image& source, const Window& window, Mirror mirror, const ColourMap* colour, int width,
              int height, std::uint8_t* out);

// The whole image at another size. Throws Error{kUsage} on an empty image or a size below 1.
Image resize(const Image& image, int width, int height);

Image mirror_left_right(const Image& image);

}  // namespace aface
