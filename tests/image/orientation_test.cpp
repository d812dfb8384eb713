#include "aface/image/orientation.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <array>
#include <string>
#include <vector>

#include "aface/image/image_file.h"
#include "tests/image/pictures.h"

namespace aface {
namespace {

using Bytes = std::vector<unsigned char>;

enum class Order { kLittle, kBig };

void append(std::string& text, std::uint32_t value, int size, Order order) {
  for (int i = 0; i < size; ++i) {
    const int shift = 8 * (order == Order::kBig ? size - 1 - i : i);
    text += static_cast<char>(value >> shift & 0xff);
  }
}

// A TIFF block whose first directory holds another tag and, as `type`, the orientation.
std::string tiff_with(int orientation, Order order, std::uint32_t type = 3) {
  std::string tiff = order == Order::kBig ? "MM" : "II";
  append(tiff, 42, 2, order);
  append(tiff, 10, 4, order);  // where the directory begins, not at once
  tiff += "..";
  append(tiff, 2, 2, order);
  for (const std::uint32_t tag : {0x010Fu, 0x0112u}) {
    append(tiff, tag, 2, order);
    append(tiff, tag == 0x0112u ? type : 2, 2, order);
    append(tiff, 1, 4, order);
    append(tiff, static_cast<std::uint32_t>(orientation), 2, order);
    append(tiff, 0, 2, order);
  }
  append(tiff, 0, 4, order);
  return tiff;
}

// Behind the first segment (JFIF) of a JPEG, another APP1 before it.
Bytes jpeg_with(const std::string& tiff, const Image& picture) {
  Bytes jpeg = encode_jpeg(picture, 100);
  std::string segments;
  for (const std::string& body :
       {std::string("http://ns.adobe.com/xap/1.0/"), std::string("Exif\0\0", 6) + tiff}) {
    segments += "\xFF\xE1";
    append(segments, static_cast<std::uint32_t>(body.size() + 2), 2, Order::kBig);
    segments += body;
  }
  const std::size_t jfif_end = 4 + (jpeg[4] << 8 | jpeg[5]);
  jpeg.insert(jpeg.begin() + static_cast<std::ptrdiff_t>(jfif_end), segments.begin(), segments.end());
  return jpeg;
}

// Behind the header of a PNG.
Bytes png_with(const std::string& tiff, const Image& picture) {
  Bytes png = encode_png(picture);
  std::string chunk;
  append(chunk, static_cast<std::uint32_t>(tiff.size()), 4, Order::kBig);
  const std::string body = "eXIf" + tiff;
  chunk += body;
  append(chunk,
         static_cast<std::uint32_t>(
             crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()))),
         4, Order::kBig);
  png.insert(png.begin() + 33, chunk.begin(), chunk.end());
  return png;
}

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
