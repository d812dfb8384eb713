#include "aface/image/augment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "tests/image/pictures.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

using test::max_difference;
using test::smooth_picture;

Image with(const Augmentation& augmentation, const Image& chip, int size_px) {
  Image out(size_px, size_px);
  augment(chip, augmentation, size_px, out.pixels.data());
  return out;
}

Image random_picture(int width, int height) {
  Random random(5);
  Image image(width, height);
  for (auto& value : image.pixels) value = static_cast<std::uint8_t>(random.below(256));
  return image;
}

AugmentOptions nothing() {
  AugmentOptions options;
  options.flip = 0;
  return options;
}

AugmentOptions everything() {
  AugmentOptions options;
  options.flip = options.crop = options.low_resolution = options.grey = options.colour = options.cutout = 1;
  return options;
}

// Independent implementations of the same filters.
Image opencv_resize(const Image& image, int width, int height, int filter) {
  const cv::Mat source(image.height, image.width, CV_8UC3, const_cast<std::uint8_t*>(image.pixels.data()));
  Image out(width, height);
  cv::Mat destination(height, width, CV_8UC3, out.pixels.data());
  cv::resize(source, destination, destination.size(), 0, 0, filter);
  return out;
}

TEST(Resize, ShrinkingIsTheAreaMean) {
  const Image noise = random_picture(112, 96);
  EXPECT_LE(max_difference(resize(noise, 64, 41), opencv_resize(noise, 64, 41, cv::INTER_AREA)), 1);
  EXPECT_LE(max_difference(resize(noise, 56, 48), opencv_resize(noise, 56, 48, cv::INTER_AREA)), 1);
}

TEST(Resize, GrowingIsBilinear) {
  const Image noise = random_picture(30, 41);
  EXPECT_LE(max_difference(resize(noise, 64, 64), opencv_resize(noise, 64, 64, cv::INTER_LINEAR)), 1);
}

TEST(Resize, EachAxisGoesByItsOwnRule) {
  Image two(2, 2);  // columns 0 and 200, both rows alike
  for (int y = 0; y < 2; ++y) std::fill_n(two.at(1, y), 3, std::uint8_t{200});
  const Image out = resize(two, 4, 1);
  EXPECT_EQ(out.at(0, 0)[0], 0);
  EXPECT_EQ(out.at(1, 0)[0], 50);
  EXPECT_EQ(out.at(2, 0)[0], 150);
  EXPECT_EQ(out.at(3, 0)[0], 200);
}

TEST(Resize, KeepsAPlainColourAtEverySize) {
  Image plain(17, 19);
  std::fill(plain.pixels.begin(), plain.pixels.end(), std::uint8_t{201});
  for (const int size : {1, 2, 7, 17, 18, 40, 111}) {
    for (const auto value : resize(plain, size, size + 1).pixels) ASSERT_EQ(value, 201) << size;
  }
  EXPECT_THAT(test::error_of(ErrorKind::kUsage, [&] { (void)resize(plain, 0, 5); }),
              testing::HasSubstr("0 x 5"));
}

TEST(Mirror, TwiceIsNothingAndSidesSwap) {
  const Image picture = smooth_picture(9, 4);
  const Image mirrored = mirror_left_right(picture);
  EXPECT_TRUE(std::equal(picture.at(0, 2), picture.at(0, 2) + 3, mirrored.at(8, 2)));
  EXPECT_EQ(mirror_left_right(mirrored).pixels, picture.pixels);
}

TEST(Augment, NothingDrawnIsAPlainResize) {
  const Image chip = random_picture(112, 112);
  Random random(1);
  const Augmentation drawn = draw_augmentation(nothing(), random);
  EXPECT_EQ(with(drawn, chip, 112).pixels, chip.pixels);
  EXPECT_EQ(with(drawn, chip, 64).pixels, resize(chip, 64, 64).pixels);
}

TEST(Augment, MirrorCommutesWithResizing) {
  const Image chip = random_picture(112, 112);
  Augmentation flip;
  flip.mirror = Mirror::kLeftRight;
  EXPECT_EQ(with(flip, chip, 64).pixels, mirror_left_right(resize(chip, 64, 64)).pixels);
}

TEST(Augment, WindowOnPixelBordersIsACopyAndEdgesGoOn) {
  const Image chip = random_picture(10, 10);
  Augmentation crop;
  crop.window = {0.2, 0.1, 0.5, 0.5};
  const Image out = with(crop, chip, 5);
  for (int y = 0; y < 5; ++y) {
    for (int x = 0; x < 5; ++x)
      EXPECT_TRUE(std::equal(out.at(x, y), out.at(x, y) + 3, chip.at(x + 2, y + 1)));
  }
  crop.window = {-0.3, 0, 1, 1};
  const Image shifted = with(crop, chip, 10);
  for (int x = 0; x <= 3; ++x) EXPECT_TRUE(std::equal(shifted.at(x, 4), shifted.at(x, 4) + 3, chip.at(0, 4)));
  EXPECT_TRUE(std::equal(shifted.at(9, 4), shifted.at(9, 4) + 3, chip.at(6, 4)));
}

TEST(Augment, GreyHasEqualChannelsOfTheLuma) {
  AugmentOptions options = nothing();
  options.grey = 1;
  Random random(1);
  Image chip(2, 2);
  for (int i = 0; i < 4; ++i) {
    chip.pixels[static_cast<std::size_t>(i) * 3] = 100;
    chip.pixels[static_cast<std::size_t>(i) * 3 + 1] = 200;
    chip.pixels[static_cast<std::size_t>(i) * 3 + 2] = 50;
  }
  // 0.299 * 100 + 0.587 * 200 + 0.114 * 50 = 153.0
  for (const auto value : with(draw_augmentation(options, random), chip, 2).pixels) EXPECT_EQ(value, 153);
}

TEST(Augment, ColourStaysWithinItsStrength) {
  AugmentOptions options = nothing();
  options.colour = 1;
  options.colour_strength = 0.2;
  Image chip(1, 1);
  std::fill(chip.pixels.begin(), chip.pixels.end(), std::uint8_t{100});
  Random random(2);
  int smallest = 255, largest = 0;
  for (int i = 0; i < 500; ++i) {
    const Image out = with(draw_augmentation(options, random), chip, 1);
    EXPECT_EQ(out.pixels[0], out.pixels[1]) << "saturation does not tint grey";
    smallest = std::min<int>(smallest, out.pixels[0]);
    largest = std::max<int>(largest, out.pixels[0]);
  }
  // brightness * (contrast * (100 - 127.5) + 127.5), both factors in [0.8, 1.2]
  EXPECT_GE(smallest, 75);
  EXPECT_LE(largest, 127);
  EXPECT_LT(smallest, 82);
  EXPECT_GT(largest, 120);
}

TEST(Augment, LowResolutionRemovesFineDetailOnly) {
  Image stripes(64, 64);
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; x += 2) std::fill_n(stripes.at(x, y), 3, std::uint8_t{254});
  }
  Augmentation low;
  low.resolution = 0.25;
  for (const auto value : with(low, stripes, 64).pixels) EXPECT_EQ(value, 127);
  const Image smooth = smooth_picture(64, 64);
  low.resolution = 0.5;
  EXPECT_LE(test::mean_difference(with(low, smooth, 64), smooth), 1);
}

TEST(Augment, CutoutIsOneGreySquareInsideTheChip) {
  AugmentOptions options = nothing();
  options.cutout = 1;
  options.cutout_size = 0.4;
  const Image black(50, 50);
  Random random(3);
  int largest = 0;
  for (int i = 0; i < 200; ++i) {
    const Image out = with(draw_augmentation(options, random), black, 50);
    int left = 50, right = -1, top = 50, bottom = -1, grey = 0;
    for (int y = 0; y < 50; ++y) {
      for (int x = 0; x < 50; ++x) {
        if (out.at(x, y)[0] == 0) continue;
        ASSERT_EQ(out.at(x, y)[0], 127);
        left = std::min(left, x), right = std::max(right, x), top = std::min(top, y),
        bottom = std::max(bottom, y);
        ++grey;
      }
    }
    if (grey == 0) continue;
    EXPECT_EQ(right - left, bottom - top);
    EXPECT_EQ(grey, (right - left + 1) * (bottom - top + 1));
    largest = std::max(largest, right - left + 1);
  }
  EXPECT_LE(largest, 20);
  EXPECT_GE(largest, 17);
}

TEST(Augment, SwitchingOnePartOffLeavesTheDrawsOfTheOthers) {
  AugmentOptions some = everything();
  some.crop = some.grey = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random a(seed), b(seed);
    const Augmentation all = draw_augmentation(everything(), a);
    const Augmentation fewer = draw_augmentation(some, b);
    EXPECT_EQ(a.state(), b.state());
    EXPECT_EQ(all.resolution, fewer.resolution);
    EXPECT_EQ(all.cutout_side, fewer.cutout_side);
    EXPECT_EQ(all.cutout_x, fewer.cutout_x);
    EXPECT_EQ(fewer.window.width, 1);
  }
}

TEST(Augment, EveryPixelIsWrittenAtTheWidestOptions) {
  AugmentOptions options = everything();
  options.crop_shift = options.crop_scale = 0.5;
  options.low_resolution_min = 0.05;
  options.colour_strength = 1;
  options.cutout_size = 1;
  const Image chip = random_picture(31, 77);
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    const Augmentation drawn = draw_augmentation(options, random);
    std::vector<std::uint8_t> first(3 * 24 * 24, 1), second(3 * 24 * 24, 2);
    augment(chip, drawn, 24, first.data());
    augment(chip, drawn, 24, second.data());
    EXPECT_EQ(first, second) << "seed " << seed;
  }
}

}  // namespace
}  // namespace aface
