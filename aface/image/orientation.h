#pragma once

#include "aface/core/span.h"
#include "aface/image/image.h"

namespace aface {

// Which way up a picture was taken: the orientation tag (0x0112) of its EXIF block, in a JPEG's APP1 segment
// or a PNG's eXIf chunk. 1: as stored, 2: mirrored left to right, 3: upside down, 4: mirrored top to bottom,
// 5: transposed, 6: to be turned right by a quarter, 7: transposed along the other diagonal, 8: to be turned
// left by a quarter. 1 when there is no such tag or what should hold it is damaged: a photo is not lost for
// it.
int orientation_of(Span<const unsigned char> picture);

// The picture as it was seen, of a picture stored under `orientation`, 1..8. Quarter turns exchange width and
// height.
Image turned_upright(Image stored, int orientation);

}  // namespace aface
