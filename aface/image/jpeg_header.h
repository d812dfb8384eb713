#pragma once

#include <functional>
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

// Visits the segments of a JPEG from its begin to the first scan, until `visit` returns false or something is
// not as it should be. `body` does not have the segment's length in it.
void for_each_jpeg_segment(
    Span<const unsigned char> bytes,
    const std::function<bool(unsigned char marker, Span<const unsigned char> body)>& visit);

}  // namespace aface
