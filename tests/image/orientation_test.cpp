#include "aface/image/orientation.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "aface/image/image_file.h"
#include "tests/image/pictures.h"
#include "tests/support/exif.h"

namespace aface {
namespace {

using Bytes = std::vector<unsigned char>;
using Order = test::ByteOrder;
using test::jpeg_with;
using test::png_with;
using test::tiff_with;

// Six pixels, numbered as they are seen:  1 2 3
//                                         4 5 6
Image seen() {
  Image image(3, 2);
  for (std::size_t i = 0; i < image.pixels.size(); ++i)
    image.pixels[i] = static_cast<std::uint8_t>(10 * (i / 3 + 1));
  return image;
}

// The rows in which cameras store it, from the definition: where row 0 and column 0 of the file are seen.
const std::array<std::vector<std::vector<int>>, 8> kStored = {{
    {{1, 2, 3}, {4, 5, 6}},    // 1: row 0 is the top, column 0 the left side
    {{3, 2, 1}, {6, 5, 4}},    // 2: top, right
    {{6, 5, 4}, {3, 2, 1}},    // 3: bottom, right
    {{4, 5, 6}, {1, 2, 3}},    // 4: bottom, left
    {{1, 4}, {2, 5}, {3, 6}},  // 5: left, top
    {{3, 6}, {2, 5}, {1, 4}},  // 6: right, top
    {{6, 3}, {5, 2}, {4, 1}},  // 7: right, bottom
    {{4, 1}, {5, 2}, {6, 3}},  // 8: left, bottom
}};

Image stored(int orientation) {
  const auto& rows = kStored[static_cast<std::size_t>(orientation - 1)];
  Image image(static_cast<int>(rows[0].size()), static_cast<int>(rows.size()));
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const int number = rows[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)];
      std::fill_n(image.at(x, y), 3, static_cast<std::uint8_t>(10 * number));
    }
  }
  return image;
}

TEST(Orientation, AllEightAreTurnedUpright) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Image upright = turned_upright(stored(orientation), orientation);
    EXPECT_EQ(upright.width, 3) << orientation;
    EXPECT_EQ(upright.height, 2) << orientation;
    EXPECT_EQ(upright.pixels, seen().pixels) << orientation;
  }
}

TEST(Orientation, IsReadFromJpegAndPngInBothByteOrders) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const Order order : {Order::kLittle, Order::kBig}) {
      const std::string tiff = tiff_with(orientation, order);
      EXPECT_EQ(orientation_of(jpeg_with(tiff, stored(orientation))), orientation);
      const Bytes png = png_with(tiff, stored(orientation));
      EXPECT_EQ(orientation_of(png), orientation);
      EXPECT_EQ(decode_photo(png, "p").value().pixels, seen().pixels) << orientation;
      EXPECT_EQ(decode_image(png, "p").value().pixels, stored(orientation).pixels) << "as stored";
    }
  }
}

TEST(Orientation, APhotoJpegIsTurned) {
  const Image lying = test::smooth_picture(40, 24);
  const Image upright = decode_photo(jpeg_with(tiff_with(6, Order::kBig), lying), "p").value();
  ASSERT_EQ(upright.width, 24);
  ASSERT_EQ(upright.height, 40);
  EXPECT_LE(test::mean_difference(turned_upright(upright, 8), lying), 3);
}

TEST(Orientation, WhatIsDamagedOrAbsentLeavesThePhotoAsStored) {
  const Image picture = test::smooth_picture(16, 16);
  EXPECT_EQ(orientation_of(encode_jpeg(picture, 90)), 1);
  EXPECT_EQ(orientation_of(encode_png(picture)), 1);
  EXPECT_EQ(orientation_of(Bytes{}), 1);
  for (const int value : {0, 9, 255})
    EXPECT_EQ(orientation_of(jpeg_with(tiff_with(value, Order::kBig), picture)), 1);
  constexpr std::uint32_t kLong = 4;
  EXPECT_EQ(orientation_of(jpeg_with(tiff_with(6, Order::kBig, kLong), picture)), 1);
  std::string tiff = tiff_with(6, Order::kLittle);
  tiff[4] = '\xF0', tiff[7] = '\xFF';  // a directory beyond the block
  EXPECT_EQ(orientation_of(jpeg_with(tiff, picture)), 1);
}

TEST(Orientation, EveryPrefixAndEveryChangedByteOfTheHeadIsTaken) {
  for (const Bytes& whole :
       {jpeg_with(tiff_with(6, Order::kBig), seen()), png_with(tiff_with(6, Order::kBig), seen())}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const Bytes prefix(whole.begin(),
                         whole.begin() + static_cast<std::ptrdiff_t>(size));  // its own allocation
      const int found = orientation_of(prefix);
      EXPECT_TRUE(found == 1 || found == 6) << size;
    }
    for (std::size_t i = 0; i < std::min<std::size_t>(whole.size(), 160); ++i) {
      Bytes changed = whole;
      for (const int value : {0x00, 0x7f, 0xff}) {
        changed[i] = static_cast<unsigned char>(value);
        const int found = orientation_of(changed);
        EXPECT_TRUE(found >= 1 && found <= 8) << i;
      }
    }
  }
}

}  // namespace
}  // namespace aface
