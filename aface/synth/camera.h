#pragma once

#include "aface/image/align.h"
#include "aface/synth/head_surface.h"

namespace aface::synth {

// From the head's frame to chip pixels, orthographic: turn by yaw and pitch, then the similarity that brings
// the five landmarks of this person and pose closest to the ArcFace template (as an aligner would), then what
// is left of roll, shift and scale.
class Camera {
 public:
  Camera(const FaceIdentity& face, const PhotoConditions& photo, const HeadSurface& surface, int size);

  Vec3 turn(Vec3 p) const;         // head frame to camera frame: directions and depth, without the similarity
  Point place(Vec3 turned) const;  // camera frame to chip pixels; the centre of the first pixel is (0, 0)
  // The point in the head's frame that chip point `p` shows on the plane z = `plane`.
  Vec3 on_plane(Point p, float plane) const;
  float pixels_per_unit() const { return pixels_per_unit_; }

 private:
  float cos_yaw_, sin_yaw_, cos_pitch_, sin_pitch_;
  Similarity similarity_;
  float pixels_per_unit_ = 1;
};

}  // namespace aface::synth
