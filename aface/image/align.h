#pragma once

#include "aface/core/result.h"
#include "aface/image/image.h"
#include "aface/image/landmarks.h"

namespace aface {

// Turn, scale and shift without mirroring:
//   x' = a x - b y + tx,  y' = b x + a y + ty;  scale = sqrt(a^2 + b^2), angle = atan2(b, a).
// The determinant a^2 + b^2 cannot be negative, so no solution is ever a mirror image.
struct Similarity {
  double a = 1;
  double b = 0;
  double tx = 0;
  double ty = 0;

  double determinant() const { return a * a + b * b; }
  Point apply(const Point& p) const { return {a * p.x - b * p.y + tx, b * p.x + a * p.y + ty}; }
};

// The similarity that takes `from` closest to `to` in the sum of squared distances (Umeyama 1991 restricted
// to rotations; in the plane this is linear regression over complex numbers). Error{kData} when a coordinate
// is not finite, when the `from` points coincide, or when the best scale is 0.
Result<Similarity> fit_similarity(const Landmarks& from, const Landmarks& to);

// Where the five points lie on a face chip of size_px x size_px: the ArcFace template of 112 px scaled by
// size_px/112; a multiple of 128 (and not of 112) scales by size_px/128 and moves 8 * size_px/128 to the
// right. Throws Error{kUsage} when size_px is not 16..1024.
Landmarks chip_template(int size_px);

// The size_px x size_px face chip of one face: bilinear, black outside the photo. A face that shrinks to half
// its size or less is first reduced by means over whole squares of pixels, so that no pixel is passed over.
// Error{kData} as fit_similarity(), or when all five points lie outside the photo.
Result<Image> align_face(const Image& photo, const Landmarks& landmarks, int size_px);

// The same for a chip on which the five points lie at `on_chip`, as a model's card may say.
Result<Image> align_face(const Image& photo, const Landmarks& landmarks, const Landmarks& on_chip,
                         int size_px);

}  // namespace aface
