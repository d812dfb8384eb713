#include "aface/synth/camera.h"

#include <cmath>

namespace aface::synth {
namespace {

constexpr float kDegree = 3.14159265f / 180;

// `first`, then turned about `centre`, scaled and shifted as the photo says.
Similarity misalign(const Similarity& first, Point centre, const PhotoConditions& photo, double chip) {
  const double turn_a = photo.scale * std::cos(photo.roll_deg * kDegree);
  const double turn_b = photo.scale * std::sin(photo.roll_deg * kDegree);
  const double dx = first.tx - centre.x, dy = first.ty - centre.y;
  Similarity both;
  both.a = turn_a * first.a - turn_b * first.b;
  both.b = turn_a * first.b + turn_b * first.a;
  both.tx = centre.x + turn_a * dx - turn_b * dy + photo.shift_x * chip;
  both.ty = centre.y + turn_b * dx + turn_a * dy + photo.shift_y * chip;
  return both;
}

}  // namespace

Camera::Camera(const FaceIdentity& face, const PhotoConditions& photo, const HeadSurface& surface, int size)
    : cos_yaw_(std::cos(photo.yaw_deg * kDegree)),
      sin_yaw_(std::sin(photo.yaw_deg * kDegree)),
      cos_pitch_(std::cos(photo.pitch_deg * kDegree)),
      sin_pitch_(std::sin(photo.pitch_deg * kDegree)) {
  const auto seen = [&](float u, float v) -> Point {
    const Vec3 turned = turn(surface.front(u, v));
    return {turned.x, turned.y};
  };
  const EyeShape& eyes = face.eyes;
  const MouthShape& mouth = face.mouth;
  const Landmarks landmarks = {seen(-eyes.spacing, eyes.level), seen(eyes.spacing, eyes.level),
                               seen(0, face.nose.tip), seen(-mouth.half_width, mouth.level),
                               seen(mouth.half_width, mouth.level)};
  const Landmarks target = chip_template(size);
  similarity_ = misalign(fit_similarity(landmarks, target).value(), target[2], photo, size / 112.0);
  pixels_per_unit_ = static_cast<float>(std::sqrt(similarity_.determinant()));
}

Vec3 Camera::turn(Vec3 p) const {
  const float x = p.x * cos_yaw_ + p.z * sin_yaw_;
  const float z = p.z * cos_yaw_ - p.x * sin_yaw_;
  return {x, p.y * cos_pitch_ - z * sin_pitch_, p.y * sin_pitch_ + z * cos_pitch_};
}

Point Camera::place(Vec3 turned) const { return similarity_.apply({turned.x, turned.y}); }

Vec3 Camera::on_plane(Point p, float plane) const {
  const double dx = p.x - similarity_.tx, dy = p.y - similarity_.ty, scale = similarity_.determinant();
  const auto x = static_cast<float>((similarity_.a * dx + similarity_.b * dy) / scale);
  const auto y = static_cast<float>((similarity_.a * dy - similarity_.b * dx) / scale);
  // Undo turn() with z known: first yaw gives u, then pitch gives v.
  const float u = (x - plane * sin_yaw_) / cos_yaw_;
  const float turned_z = plane * cos_yaw_ - u * sin_yaw_;
  return {u, (y + turned_z * sin_pitch_) / cos_pitch_, plane};
}

}  // namespace aface::synth
