#include "aface/detect/face_chips.h"

#include <gtest/gtest.h>

#include "aface/image/align.h"
#include "aface/image/orientation.h"
#include "tests/detect/placed_faces.h"
#include "tests/image/pictures.h"
#include "tests/support/exif.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using testing::HasSubstr;

constexpr int kWidth = 64, kHeight = 96, kChip = 56;

// Whose chip of 56 pixels is the window of the photo with this upper left corner.
Face face_at(int x, int y, double score) {
  Face face;
  face.box = {double(x), double(y), 40, 50};
  for (std::size_t k = 0; k < 5; ++k) {
    const Point p = chip_template(kChip)[k];
    face.landmarks[k] = {p.x + x, p.y + y};
  }
  face.score = score;
  return face;
}

Image window(const Image& photo, int x, int y) {
  Image cut(kChip, kChip);
  for (int row = 0; row < kChip; ++row) std::copy_n(photo.at(x, y + row), 3 * kChip, cut.at(0, row));
  return cut;
}

FaceChipOptions options_for_chips() {
  FaceChipOptions options;
  options.size_px = kChip;
  options.on_chip = chip_template(kChip);
  return options;
}

// Scores are 1 where the photo is as blue as can be.
Image blue_photo() {
  Image photo = test::smooth_picture(kWidth, kHeight);
  for (std::size_t i = 2; i < photo.pixels.size(); i += 3) photo.pixels[i] = 255;
  return photo;
}

struct FaceChips : ::testing::Test {
  FaceCutter cutter(const FaceChipOptions& options, std::vector<Face> faces = {face_at(3, 20, 1)}) const {
    const std::string path = dir.write("yunet.onnx", test::network_with_faces(faces, kWidth, kHeight));
    return FaceCutter(std::make_shared<FaceDetector>(path), options);
  }
  test::TempDir dir;
};

TEST_F(FaceChips, TheFaceIsCutOutWhereItsLandmarksAre) {
  const Image photo = blue_photo();
  const auto chips = cutter(options_for_chips()).cut(encode_png(photo), "p").value();
  ASSERT_EQ(chips.size(), 1u);
  EXPECT_LE(test::max_difference(chips[0].chip, window(photo, 3, 20)), 1);
  EXPECT_NEAR(chips[0].face->box.height, 50, 1e-3);
  EXPECT_NEAR(chips[0].face->landmarks[2].x, chip_template(kChip)[2].x + 3, 1e-3);
}

TEST_F(FaceChips, EveryOrientationGivesTheSameChips) {
  // As the camera stores it: turned_upright() of the inverse orientation makes it.
  const std::array<int, 9> inverse = {0, 1, 2, 3, 4, 5, 8, 7, 6};
  const Image photo = blue_photo();
  const FaceCutter faces = cutter(options_for_chips());
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Image stored = turned_upright(photo, inverse[static_cast<std::size_t>(orientation)]);
    const auto png = test::png_with(test::tiff_with(orientation, test::ByteOrder::kLittle), stored);
    const auto chips = faces.cut(png, "p").value();
    EXPECT_LE(test::max_difference(chips[0].chip, window(photo, 3, 20)), 1) << orientation;
  }
}

TEST_F(FaceChips, WithoutAFaceAnErrorOrTheMiddle) {
  Image photo = blue_photo();
  for (std::size_t i = 2; i < photo.pixels.size(); i += 3) photo.pixels[i] = 0;
  const auto none = cutter(options_for_chips()).cut(photo, "dir/p.png");
  ASSERT_FALSE(none.ok());
  EXPECT_STREQ(none.error().what(), "dir/p.png: no face was found");

  FaceChipOptions options = options_for_chips();
  options.takes_middle_without_face = true;
  options.size_px = kWidth;
  const auto middle = cutter(options).cut(photo, "p").value();
  ASSERT_EQ(middle.size(), 1u);
  EXPECT_FALSE(middle[0].face.has_value());
  for (int y = 0; y < kWidth; ++y) {
    for (int x = 0; x < 3 * kWidth; ++x)
      ASSERT_EQ(*(middle[0].chip.at(0, y) + x), *(photo.at(0, y + (kHeight - kWidth) / 2) + x));
  }
}

TEST_F(FaceChips, SeveralFacesComeByTheirSize) {
  FaceChipOptions options = options_for_chips();
  options.many = ManyFaces::kAll;
  Face small = face_at(5, 40, 1);
  small.box = {0, 0, 10, 10};
  const Image photo = blue_photo();
  const auto chips = cutter(options, {small, face_at(3, 20, 0.9)}).cut(photo, "p").value();
  ASSERT_EQ(chips.size(), 2u);
  EXPECT_LE(test::max_difference(chips[0].chip, window(photo, 3, 20)), 1);
  EXPECT_LE(test::max_difference(chips[1].chip, window(photo, 5, 40)), 1);
  options.many = ManyFaces::kRefuse;
  EXPECT_THAT(cutter(options, {small, face_at(3, 20, 0.9)}).cut(photo, "p").error().what(),
              HasSubstr("p: 2 faces were found"));
}

TEST_F(FaceChips, WithoutADetectorAPhotoIsAChip) {
  const FaceCutter whole(nullptr, options_for_chips());
  const Image chip = test::smooth_picture(kChip, kChip);
  const auto png = test::png_with(test::tiff_with(6, test::ByteOrder::kBig), chip);
  EXPECT_EQ(whole.cut(png, "p").value()[0].chip.pixels, chip.pixels) << "as stored";
  const Image large = test::smooth_picture(2 * kChip, 2 * kChip);
  const auto chips = whole.cut(large, "p").value();
  EXPECT_EQ(chips[0].chip.width, kChip);
  EXPECT_FALSE(chips[0].face.has_value());
}

TEST_F(FaceChips, HugeAndEmptyPicturesAreRefused) {
  FaceChipOptions options = options_for_chips();
  options.max_pixels = 1000;
  const auto huge = cutter(options).cut(encode_png(blue_photo()), "p");
  EXPECT_THAT(huge.error().what(), HasSubstr("64 x 96 pixels (expected 1 to 1000 in all)"));
  EXPECT_THAT(cutter(options).cut(Image(), "p").error().what(), HasSubstr("empty"));
  options.size_px = 5000;
  EXPECT_THAT(test::error_of(ErrorKind::kUsage, [&] { (void)FaceCutter(nullptr, options); }),
              HasSubstr("5000"));
}

}  // namespace
}  // namespace aface
