#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aface/core/result.h"
#include "aface/core/span.h"
#include "aface/image/image.h"

namespace aface {

// The PNG half of image_file.h, by the same rules. `bytes` begins with the PNG signature; the width and
// height that its header claims have been checked by png_size().
Result<Image> decode_png(Span<const unsigned char> bytes, const std::string& place, Image reuse);

struct PngSize {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
};

// What the header claims; 0 x 0 when it is cut short.
PngSize png_size(Span<const unsigned char> bytes);

// `image` is not empty.
std::vector<unsigned char> encode_png_pixels(const Image& image);

}  // namespace aface
