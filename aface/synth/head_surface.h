#pragma once

#include "aface/synth/face_identity.h"
#include "aface/synth/photo_conditions.h"

namespace aface::synth {

struct Vec3 {
  float x = 0;  // right in the picture
  float y = 0;  // down
  float z = 0;  // towards the viewer
};

// The head of a person with an expression, in its own frame (face_identity.h; z = 0 in the plane of the
// ears). Each level v is half an ellipse (half_width, depth) plus the relief of nose, brows, cheeks, lips and
// chin.
class HeadSurface {
 public:
  HeadSurface(const FaceIdentity& face, const Expression& expression);

  float chin() const { return chin_; }  // v, lower when the mouth is open
  float half_width(float v) const;
  float depth(float v) const;
  float relief(float u, float v) const;  // extra z at (u, v) on the front
  Vec3 front(float u, float v) const;    // the point of the face seen at (u, v) from straight ahead

 private:
  const FaceIdentity& face_;
  Expression expression_;
  float chin_;
};

}  // namespace aface::synth
