#include "aface/image/jpeg_header.h"

#include <gtest/gtest.h>

#include <vector>

#include "aface/image/image_file.h"
#include "tests/image/pictures.h"

namespace aface {
namespace {

using Bytes = std::vector<unsigned char>;

Bytes common_jpeg() { return encode_jpeg(test::smooth_picture(75, 41), 90); }

// Where a marker's two bytes stand.
std::size_t place_of(const Bytes& bytes, unsigned char marker) {
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    if (bytes[i] == 0xFF && bytes[i + 1] == marker) return i;
  }
  ADD_FAILURE() << "no marker " << int(marker);
  return 0;
}

TEST(JpegHeader, SizeOfACommonJpeg) {
  const auto size = size_of_common_jpeg(common_jpeg());
  ASSERT_TRUE(size);
  EXPECT_EQ(size->width, 75);
  EXPECT_EQ(size->height, 41);
}

TEST(JpegHeader, ByHand) {
  const Bytes bytes = {0xFF, 0xD8, 0xFF, 0xE0, 0, 16,   'J',  'F', 'I', 'F',  0,    1,    1,    0,  0,
                       1,    0,    1,    0,    0, 0xFF, 0xFE, 0,   3,   'x',  0xFF, 0xC0, 0,    17, 8,
                       1,    2,    3,    4,    3, 1,    0x22, 0,   2,   0x11, 1,    3,    0x11, 1};
  const auto size = size_of_common_jpeg(bytes);
  ASSERT_TRUE(size);
  EXPECT_EQ(size->height, 0x102);
  EXPECT_EQ(size->width, 0x304);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(size_of_common_jpeg({bytes.data(), length})) << length << " bytes of it";
  }
}

TEST(JpegHeader, LeavesOtherKindsToLibjpeg) {
  const Bytes common = common_jpeg();
  const std::size_t frame = place_of(common, 0xC0);
  const auto is_left = [&](std::size_t at, unsigned char value) {
    Bytes other = common;
    other[at] = value;
    return !size_of_common_jpeg(other);
  };
  EXPECT_TRUE(is_left(frame + 1, 0xC9)) << "arithmetic coding";
  EXPECT_TRUE(is_left(frame + 1, 0xDA)) << "no frame before the scan";
  EXPECT_TRUE(is_left(frame + 4, 12)) << "twelve bits";
  EXPECT_TRUE(is_left(frame + 11, 0x21)) << "4:2:2";
  EXPECT_TRUE(is_left(frame + 17, 0x22)) << "4:4:0 of the third channel";
  EXPECT_TRUE(is_left(6, 'X')) << "no JFIF, so it may be RGB";
  EXPECT_TRUE(is_left(4, 0xFF)) << "a segment beyond the end";
  EXPECT_TRUE(is_left(2, 0)) << "no marker";
}

}  // namespace
}  // namespace aface
