#include "aface/recognise/embed_photos.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <limits>

#include "aface/image/align.h"
#include "tests/detect/placed_faces.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using testing::HasSubstr;

constexpr int kWidth = 64, kHeight = 96, kChip = 16;

// The photo's number is its red; two faces where it is all blue, one where it is half blue, else none.
Image numbered(int number, int blue) {
  Image photo(kWidth, kHeight);
  for (std::size_t i = 0; i < photo.pixels.size(); i += 3) {
    photo.pixels[i] = static_cast<std::uint8_t>(number);
    photo.pixels[i + 2] = static_cast<std::uint8_t>(blue);
  }
  return photo;
}

// The red of a chip's middle, and how many chips were asked for at once.
void first_red(Span<const std::uint8_t> pixels, std::int64_t count, float* rows) {
  const std::size_t chip = pixels.size() / static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    rows[2 * i] = pixels[i * chip + 3 * (kChip * kChip / 2 + kChip / 2)];
    rows[2 * i + 1] = static_cast<float>(count);
  }
}

struct EmbedPhotos : ::testing::Test {
  void SetUp() override {
    FaceChipOptions options;
    options.size_px = kChip;
    options.on_chip = chip_template(kChip);
    options.many = ManyFaces::kAll;
    std::vector<Face> faces(2);
    for (std::size_t f = 0; f < 2; ++f) {
      for (std::size_t k = 0; k < 5; ++k)
        faces[f].landmarks[k] = {options.on_chip[k].x + 10 + 20.0 * static_cast<double>(f),
                                 options.on_chip[k].y + 40};
      faces[f].box = {10 + 20.0 * static_cast<double>(f), 40, 16, 20};
    }
    faces[0].score = 1;
    faces[1].score = 0.8;
    const std::string network = dir.write("yunet.onnx", test::network_with_faces(faces, kWidth, kHeight));
    cutter = std::make_unique<FaceCutter>(std::make_shared<FaceDetector>(network), options);
    for (int i = 0; i < 23; ++i) {
      const int blue = i % 5 == 0 ? 0 : i % 2 == 0 ? 255 : 215;
      const auto png = encode_png(numbered(10 * i, blue));
      dir.write("photos/" + std::string(1, static_cast<char>('a' + i)) + ".png", {png.begin(), png.end()});
      wanted_faces.push_back(blue == 255 ? 2u : blue == 0 ? 0u : 1u);
    }
  }
  test::TempDir dir;
  std::unique_ptr<FaceCutter> cutter;
  std::vector<std::size_t> wanted_faces;
};

TEST_F(EmbedPhotos, EveryPhotoOnceInOrderWhateverBatchesAndThreads) {
  const PhotoInput input = open_photos(dir.file("photos"));
  ASSERT_EQ(input.count, 23);
  for (const EmbedPhotosOptions& options :
       {EmbedPhotosOptions{1, 1}, EmbedPhotosOptions{4, 3}, EmbedPhotosOptions{100, 2}}) {
    std::int64_t next = 0;
    embed_photos(input, *cutter, 2, first_red, options, [&](const PhotoRows& photo) {
      EXPECT_EQ(photo.photo, next);
      const std::size_t wanted = wanted_faces[static_cast<std::size_t>(next)];
      ASSERT_EQ(photo.rows.rows, wanted);
      ASSERT_EQ(photo.faces.size(), wanted);
      ASSERT_EQ(photo.error == nullptr, wanted > 0);
      for (std::size_t i = 0; i < wanted; ++i)
        EXPECT_EQ(photo.rows.row(i)[0], 10.0f * static_cast<float>(next));
      for (std::size_t i = 1; i < wanted; ++i) {
        EXPECT_LT(photo.faces[i - 1]->box.x, photo.faces[i]->box.x) << "equal sizes, from left to right";
      }
      ++next;
    });
    EXPECT_EQ(next, 23);
  }
}

TEST_F(EmbedPhotos, PhotosThatFailAreHandedOnWithTheirReason) {
  dir.write("photos/c.png", "no picture");
  dir.write("list.txt", "c.png\nlost.png\na.png\nb.png\n");
  std::vector<std::string> reasons;
  embed_photos(
      open_photos(dir.file("photos"), dir.file("list.txt")), *cutter, 2, first_red, {2, 2},
      [&](const PhotoRows& photo) { reasons.push_back(photo.error == nullptr ? "" : photo.error->what()); });
  ASSERT_EQ(reasons.size(), 4u);
  EXPECT_THAT(reasons[0], HasSubstr("c.png: neither JPEG nor PNG"));
  EXPECT_THAT(reasons[1], HasSubstr("lost.png: cannot open"));
  EXPECT_THAT(reasons[2], HasSubstr("a.png: no face"));
  EXPECT_EQ(reasons[3], "");
}

TEST_F(EmbedPhotos, ErrorsOfTheNetworkAndOfTheTakerEndIt) {
  const PhotoInput input = open_photos(dir.file("photos"));
  const auto nothing = [](const PhotoRows&) {};
  const auto not_finite = [](Span<const std::uint8_t>, std::int64_t count, float* rows) {
    std::fill_n(rows, 2 * count, std::numeric_limits<float>::quiet_NaN());
  };
  EXPECT_THAT(test::error_of(ErrorKind::kData,
                             [&] {
                               embed_photos(input, *cutter, 2, not_finite, {4, 2}, nothing);
                             }),
              HasSubstr("b.png' is not finite"));
  int taken = 0;
  const auto stop = [&](const PhotoRows&) {
    if (++taken == 3) throw Error(ErrorKind::kIo, "full");
  };
  EXPECT_THAT(test::error_of(ErrorKind::kIo,
                             [&] {
                               embed_photos(input, *cutter, 2, first_red, {1, 2}, stop);
                             }),
              HasSubstr("full"));
  EXPECT_EQ(taken, 3);
  EXPECT_THAT(test::error_of(ErrorKind::kUsage,
                             [&] {
                               embed_photos(input, *cutter, 2, first_red, {0, 2}, nothing);
                             }),
              HasSubstr("batch size 0"));
}

}  // namespace
}  // namespace aface
