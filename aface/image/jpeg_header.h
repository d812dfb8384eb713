#pragma once

#include <optional>

#include "aface/core/span.h"

namespace aface {

struct JpegSize {
  int width = 0;
  int height = 0;
};

// The size of a JPEG of the common kind: JFIF, eight bits, YCbCr with colour at half resolution both ways
// (4:2:0), segments one after the other without filling bytes. Nothing for any other, which may be as sound;
// libjpeg reads the same from a header that passes here, in thirty times the time.
std::optional<JpegSize> size_of_common_jpeg(Span<const unsigned char> bytes);

}  // namespace aface
