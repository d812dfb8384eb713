#include "aface/synth/face_renderer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "aface/image/resample.h"
#include "aface/synth/camera.h"

namespace aface::synth {
namespace {

Image photo_of(std::int64_t identity, std::uint64_t photo, double hardness, int size) {
  Random random(1, static_cast<std::uint64_t>(identity), photo);
  return render_face(draw_identity(1, identity), draw_conditions(random, hardness), size);
}

// Mean difference per channel, 0..255.
double difference(const Image& a, const Image& b) {
  EXPECT_EQ(a.pixels.size(), b.pixels.size());
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(int{a.pixels[i]} - int{b.pixels[i]});
  return sum / static_cast<double>(a.pixels.size());
}

TEST(FaceRenderer, IsAPureFunction) {
  EXPECT_EQ(photo_of(3, 2, 0.7, 64).pixels, photo_of(3, 2, 0.7, 64).pixels);
  EXPECT_NE(photo_of(3, 2, 0.7, 64).pixels, photo_of(3, 3, 0.7, 64).pixels);
}

TEST(FaceRenderer, PassportPhotosOfOnePersonAreCloserThanThoseOfAnyOther) {
  constexpr int kPeople = 12, kPhotos = 4;
  std::vector<std::vector<Image>> photos(kPeople);
  for (int person = 0; person < kPeople; ++person) {
    for (int i = 0; i < kPhotos; ++i)
      photos[person].push_back(photo_of(person, static_cast<std::uint64_t>(i), 0, 64));
  }
  for (int p = 0; p < kPeople; ++p) {
    for (int i = 0; i < kPhotos; ++i) {
      std::vector<double> mean_to(kPeople);
      for (int q = 0; q < kPeople; ++q) {
        for (int j = 0; j < kPhotos; ++j)
          mean_to[q] += difference(photos[p][i], photos[q][j]) / (p == q ? kPhotos - 1 : kPhotos);
      }
      const double own = mean_to[p];
      mean_to[p] = 1e9;
      EXPECT_LT(1.3 * own, *std::min_element(mean_to.begin(), mean_to.end()))
          << "person " << p << " photo " << i;
    }
  }
}

TEST(FaceRenderer, HardnessSpreadsThePhotosOfAPerson) {
  double easy = 0, hard = 0;
  for (std::uint64_t i = 1; i < 12; ++i) {
    easy += difference(photo_of(5, 0, 0, 64), photo_of(5, i, 0, 64));
    hard += difference(photo_of(5, 0, 1, 64), photo_of(5, i, 1, 64));
  }
  EXPECT_LT(4 * easy, hard);
}

TEST(FaceRenderer, SizesShowTheSameScene) {
  for (std::int64_t person = 0; person < 4; ++person) {
    const Image small = photo_of(person, 1, 0.2, 64), middle = photo_of(person, 1, 0.2, 112),
                large = photo_of(person, 1, 0.2, 224);
    EXPECT_EQ(small.width, 64);
    EXPECT_EQ(small.height, 64);
    // Another person differs far more.
    const double other = difference(small, photo_of(person + 4, 1, 0.2, 64));
    EXPECT_LT(3 * difference(resize(large, 64, 64), small), other);
    EXPECT_LT(3 * difference(resize(middle, 64, 64), small), other);
  }
}

TEST(FaceRenderer, TurningTheOtherWayMirrorsASymmetricFace) {
  FaceIdentity face = draw_identity(1, 2);
  face.skew = face.eye_skew = face.freckles = 0;
  face.hair.parting = face.hair.curl = 0;
  face.marks.clear();
  PhotoConditions photo;
  photo.yaw_deg = 30;
  photo.background = photo.background_far = {0.5f, 0.5f, 0.5f};
  const Image right = render_face(face, photo, 112);
  photo.yaw_deg = -30;
  const Image left = render_face(face, photo, 112);
  EXPECT_LT(4 * difference(mirror_left_right(left), right), difference(left, right));
}

TEST(FaceRenderer, LightFromOneSideBrightensThatSide) {
  PhotoConditions photo;
  photo.light_azimuth_deg = 70;
  const Image chip = render_face(draw_identity(1, 2), photo, 112);
  double left = 0, right = 0;
  for (int y = 55; y < 85; ++y) {
    for (int x = 30; x < 45; ++x) {
      left += chip.at(x, y)[0];
      right += chip.at(111 - x, y)[0];
    }
  }
  EXPECT_GT(right, 1.3 * left);
}

TEST(Camera, PutsTheLandmarksNearTheTemplateInAnyPose) {
  const Landmarks target = chip_template(112);
  for (const float yaw : {-40.0f, 0.0f, 40.0f}) {
    Point left_eye{}, right_eye{};
    constexpr int kPeople = 40;
    for (int person = 0; person < kPeople; ++person) {
      const FaceIdentity face = draw_identity(1, person);
      PhotoConditions photo;
      photo.yaw_deg = yaw;
      const HeadSurface surface(face, photo.expression);
      const Camera camera(face, photo, surface, 112);
      const auto seen = [&](float u, float v) { return camera.place(camera.turn(surface.front(u, v))); };
      const Point left = seen(-face.eyes.spacing, face.eyes.level),
                  right = seen(face.eyes.spacing, face.eyes.level);
      EXPECT_LT(std::hypot(left.x - target[0].x, left.y - target[0].y), 14)
          << "person " << person << " yaw " << yaw;
      left_eye = {left_eye.x + left.x / kPeople, left_eye.y + left.y / kPeople};
      right_eye = {right_eye.x + right.x / kPeople, right_eye.y + right.y / kPeople};
    }
    if (yaw != 0) continue;
    EXPECT_LT(std::hypot(left_eye.x - target[0].x, left_eye.y - target[0].y), 1.5);
    EXPECT_LT(std::hypot(right_eye.x - target[1].x, right_eye.y - target[1].y), 1.5);
  }
}

TEST(Camera, OnPlaneUndoesTheProjection) {
  const FaceIdentity face = draw_identity(1, 7);
  PhotoConditions photo;
  photo.yaw_deg = 25;
  photo.pitch_deg = -12;
  photo.roll_deg = 8;
  photo.scale = 1.1f;
  photo.shift_x = 3;
  const HeadSurface surface(face, photo.expression);
  const Camera camera(face, photo, surface, 64);
  const Vec3 p{-11, 17, 40};
  const Vec3 back = camera.on_plane(camera.place(camera.turn(p)), p.z);
  EXPECT_NEAR(back.x, p.x, 1e-3);
  EXPECT_NEAR(back.y, p.y, 1e-3);
}

TEST(PhotoConditions, HardnessZeroIsAPassportPhoto) {
  for (std::uint64_t i = 0; i < 200; ++i) {
    Random random(9, i);
    const PhotoConditions photo = draw_conditions(random, 0);
    EXPECT_LT(std::fabs(photo.yaw_deg), 5);
    EXPECT_EQ(photo.occluder, Occluder::kNone);
    EXPECT_EQ(photo.resolution, 1);
    EXPECT_GE(photo.jpeg_quality, 95);
  }
}

// The cosine of shrunk grey pictures, with the best threshold in hindsight: what light and pose alone must
// spoil.
TEST(SyntheticFaces, GreyPixelsAloneDoNotVerify) {
  constexpr int kPeople = 40, kPhotos = 4;
  std::vector<std::vector<double>> grey;
  for (int i = 0; i < kPeople * kPhotos; ++i) {
    const Image small =
        resize(photo_of(100 + i / kPhotos, static_cast<std::uint64_t>(i % kPhotos), 0.4, 64), 16, 16);
    std::vector<double> values;
    double norm = 0;
    for (int k = 0; k < 256; ++k) {
      values.push_back(0.299 * small.pixels[3 * k] + 0.587 * small.pixels[3 * k + 1] +
                       0.114 * small.pixels[3 * k + 2]);
      norm += values.back() * values.back();
    }
    for (double& value : values) value /= std::sqrt(norm);
    grey.push_back(std::move(values));
  }
  std::vector<double> same, other;
  const auto cosine = [&](int i, int j) {
    double sum = 0;
    for (int k = 0; k < 256; ++k) sum += grey[i][k] * grey[j][k];
    return sum;
  };
  for (int i = 0; i < kPeople * kPhotos; ++i) {
    for (int j = i + 1; j < kPeople * kPhotos; ++j)
      (i / kPhotos == j / kPhotos ? same : other).push_back(cosine(i, j));
  }
  std::sort(other.begin(), other.end());
  double best = 0;
  for (const double threshold : same) {
    const auto accepted = std::count_if(same.begin(), same.end(), [&](double s) { return s >= threshold; });
    const auto refused = std::lower_bound(other.begin(), other.end(), threshold) - other.begin();
    best = std::max(best, 0.5 * (static_cast<double>(accepted) / static_cast<double>(same.size()) +
                                 static_cast<double>(refused) / static_cast<double>(other.size())));
  }
  EXPECT_GT(best, 0.55);
  EXPECT_LT(best, 0.82);
}

}  // namespace
}  // namespace aface::synth
