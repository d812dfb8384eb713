#include "aface/image/align.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "aface/core/random.h"
#include "tests/image/pictures.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

using testing::HasSubstr;

Landmarks mapped(const Landmarks& points, const Similarity& s) {
  Landmarks result;
  for (std::size_t i = 0; i < points.size(); ++i) result[i] = s.apply(points[i]);
  return result;
}

double squared_error(const Landmarks& from, const Landmarks& to, const Similarity& s) {
  double sum = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const Point p = s.apply(from[i]);
    sum += (p.x - to[i].x) * (p.x - to[i].x) + (p.y - to[i].y) * (p.y - to[i].y);
  }
  return sum;
}

Similarity random_similarity(Random& random) {
  const double scale = std::exp(random.uniform(-2, 2));
  const double angle = random.uniform(-3.14159, 3.14159);
  return {scale * std::cos(angle), scale * std::sin(angle), random.uniform(-500, 500),
          random.uniform(-500, 500)};
}

Landmarks noisy_face(Random& random) {
  Landmarks face = chip_template(112);
  for (auto& p : face) p = {p.x + 8 * random.normal(), p.y + 8 * random.normal()};
  return face;
}

TEST(Similarity, RecoversAKnownTransform) {
  Random random(1);
  for (int i = 0; i < 200; ++i) {
    const Landmarks face = noisy_face(random);
    const Similarity truth = random_similarity(random);
    const Similarity found = fit_similarity(face, mapped(face, truth)).value();
    EXPECT_NEAR(found.a, truth.a, 1e-10);
    EXPECT_NEAR(found.b, truth.b, 1e-10);
    EXPECT_NEAR(found.tx, truth.tx, 1e-8);
    EXPECT_NEAR(found.ty, truth.ty, 1e-8);
  }
}

TEST(Similarity, IsTheLeastSquaresOptimum) {
  Random random(2);
  for (int i = 0; i < 50; ++i) {
    const Landmarks from = noisy_face(random);
    const Landmarks to = noisy_face(random);
    const Similarity best = fit_similarity(from, to).value();
    const double smallest = squared_error(from, to, best);
    for (const double step : {1e-4, -1e-4}) {
      EXPECT_GT(squared_error(from, to, {best.a + step, best.b, best.tx, best.ty}), smallest);
      EXPECT_GT(squared_error(from, to, {best.a, best.b + step, best.tx, best.ty}), smallest);
      EXPECT_GT(squared_error(from, to, {best.a, best.b, best.tx + step, best.ty}), smallest);
      EXPECT_GT(squared_error(from, to, {best.a, best.b, best.tx, best.ty + step}), smallest);
    }
  }
}

TEST(Similarity, NeverMirrors) {
  Random random(3);
  for (int i = 0; i < 100; ++i) {
    Landmarks mirrored = noisy_face(random);
    for (auto& p : mirrored) p.x = -p.x;
    const Similarity found = fit_similarity(mirrored, chip_template(112)).value();
    EXPECT_GT(found.determinant(), 0);
    EXPECT_GT(squared_error(mirrored, chip_template(112), found), 100) << "a mirror image cannot fit";
  }
}

TEST(Similarity, RefusesDegenerateLandmarks) {
  const Landmarks face = chip_template(112);
  Landmarks one_point;
  one_point.fill({40, 50});
  const auto equal = fit_similarity(one_point, face);
  ASSERT_FALSE(equal.ok());
  EXPECT_THAT(equal.error().what(), HasSubstr("one point"));
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    Landmarks broken = face;
    broken[3].y = bad;
    EXPECT_THAT(fit_similarity(broken, face).error().what(), HasSubstr("not finite"));
  }
  Landmarks huge = face;
  for (auto& p : huge) p.x *= 1e200;
  EXPECT_FALSE(fit_similarity(huge, face).ok());
}

TEST(ChipTemplate, ScalesByTheTwoRules) {
  EXPECT_DOUBLE_EQ(chip_template(112)[0].x, 38.2946);
  EXPECT_DOUBLE_EQ(chip_template(224)[4].y, 2 * 92.2041);
  EXPECT_DOUBLE_EQ(chip_template(128)[0].x, 38.2946 + 8);
  EXPECT_DOUBLE_EQ(chip_template(128)[0].y, 51.6963);
  EXPECT_DOUBLE_EQ(chip_template(256)[2].x, 2 * (56.0252 + 8));
  EXPECT_DOUBLE_EQ(chip_template(64)[2].x, 56.0252 * 64 / 112);
  EXPECT_DOUBLE_EQ(chip_template(896)[1].x, 73.5318 * 8) << "a multiple of both goes by 112";
  EXPECT_THAT(test::error_of(ErrorKind::kUsage, [] { (void)chip_template(15); }), HasSubstr("15"));
}

TEST(AlignFace, AChipOnItsTemplateStaysAsItIs) {
  for (const int size : {112, 128}) {
    const Image chip = test::smooth_picture(size, size);
    EXPECT_EQ(align_face(chip, chip_template(size), size).value().pixels, chip.pixels);
  }
}

TEST(AlignFace, LandmarksLandOnTheTemplate) {
  // White dots of 3 x 3 px on black, at whole pixels of an enlarged, turned face: the chip is brightest
  // there.
  const Similarity placed{3 * std::cos(0.4), 3 * std::sin(0.4), 200, 60};
  Landmarks landmarks = mapped(chip_template(112), placed);
  Image photo(600, 600);
  for (auto& p : landmarks) {
    p = {std::round(p.x), std::round(p.y)};
    for (int dy = -3; dy <= 3; ++dy) {
      for (int dx = -3; dx <= 3; ++dx)
        std::fill_n(photo.at(int(p.x) + dx, int(p.y) + dy), 3, std::uint8_t{255});
    }
  }
  const Image chip = align_face(photo, landmarks, 112).value();
  for (const auto& p : chip_template(112)) {
    EXPECT_GT(chip.at(static_cast<int>(std::lround(p.x)), static_cast<int>(std::lround(p.y)))[0], 200);
  }
  double sum = 0;
  for (const auto value : chip.pixels) sum += value;
  EXPECT_LT(sum / 255 / 3, 5 * 12) << "and dark elsewhere";
}

TEST(AlignFace, TurningAndScalingThePhotoLeavesTheChip) {
  // The same smooth scene photographed by two cameras.
  const auto photograph = [](const Similarity& camera) {
    Image photo(500, 500);
    const double determinant = camera.determinant();
    for (int y = 0; y < photo.height; ++y) {
      for (int x = 0; x < photo.width; ++x) {
        const double dx = x - camera.tx, dy = y - camera.ty;
        const double u = (camera.a * dx + camera.b * dy) / determinant;
        const double v = (-camera.b * dx + camera.a * dy) / determinant;
        photo.at(x, y)[0] = static_cast<std::uint8_t>(128 + 100 * std::sin(u * 0.08) * std::cos(v * 0.06));
        photo.at(x, y)[1] = static_cast<std::uint8_t>(128 + 100 * std::sin(u * 0.05 + v * 0.04));
        photo.at(x, y)[2] = static_cast<std::uint8_t>(128 + 100 * std::cos(v * 0.09));
      }
    }
    return photo;
  };
  const Landmarks scene = chip_template(112);
  const Similarity straight{2, 0, 100, 100};
  const Similarity turned{1.5 * std::cos(0.6), 1.5 * std::sin(0.6), 250, 120};
  const Image first = align_face(photograph(straight), mapped(scene, straight), 112).value();
  const Image second = align_face(photograph(turned), mapped(scene, turned), 112).value();
  EXPECT_LE(test::max_difference(first, second), 6);
  EXPECT_LT(test::mean_difference(first, second), 1);
}

// Every pixel of a picture as a square of `times` x `times`.
Image enlarged(const Image& picture, int times) {
  Image large(picture.width * times, picture.height * times);
  for (int y = 0; y < large.height; ++y) {
    for (int x = 0; x < large.width; ++x) std::copy_n(picture.at(x / times, y / times), 3, large.at(x, y));
  }
  return large;
}

Landmarks landmarks_in_enlarged(Landmarks points, int times) {
  for (auto& p : points) p = {(p.x + 0.5) * times - 0.5, (p.y + 0.5) * times - 0.5};
  return points;
}

TEST(AlignFace, AnEnlargedPhotoGivesTheChipOfTheOriginal) {
  const Image chip = test::smooth_picture(112, 112);
  for (const int times : {2, 3, 7}) {
    const auto found =
        align_face(enlarged(chip, times), landmarks_in_enlarged(chip_template(112), times), 112);
    EXPECT_LE(test::max_difference(found.value(), chip), 1) << times;
  }
}

TEST(AlignFace, FinePatternsOfALargeFaceBecomeGreyInsteadOfCoarsePatterns) {
  Image stripes(1120, 1120);  // one pixel black, one white
  for (std::size_t i = 0; i < stripes.pixels.size(); ++i) stripes.pixels[i] = i / 3 % 2 == 0 ? 0 : 255;
  const Image chip = align_face(stripes, landmarks_in_enlarged(chip_template(112), 10), 112).value();
  for (const auto value : chip.pixels) ASSERT_NEAR(value, 127.5, 1.5);
}

TEST(AlignFace, ALargeFaceThatReachesBeyondThePhotoKeepsItsPlace) {
  // A white photo whose right border runs through the middle of a chip that is shrunk eight times.
  Image photo(448, 896);
  std::fill(photo.pixels.begin(), photo.pixels.end(), std::uint8_t{255});
  const Image chip = align_face(photo, landmarks_in_enlarged(chip_template(112), 8), 112).value();
  EXPECT_EQ(chip.at(54, 50)[0], 255);
  EXPECT_EQ(chip.at(57, 50)[0], 0);
}

TEST(AlignFace, OutsideThePhotoIsBlack) {
  Image photo(112, 112);
  std::fill(photo.pixels.begin(), photo.pixels.end(), std::uint8_t{255});
  Landmarks shifted = chip_template(112);
  for (auto& p : shifted) p.x -= 30;  // the chip reaches 30 px beyond the left border
  const Image chip = align_face(photo, shifted, 112).value();
  EXPECT_EQ(chip.at(10, 50)[1], 0);
  EXPECT_EQ(chip.at(60, 50)[1], 255);
}

TEST(AlignFace, RefusesLandmarksOutsideThePhoto) {
  Landmarks far = chip_template(112);
  for (auto& p : far) p.x += 1000;
  const auto result = align_face(Image(112, 112), far, 112);
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().what(), HasSubstr("outside the photo of 112 x 112"));
}

}  // namespace
}  // namespace aface
