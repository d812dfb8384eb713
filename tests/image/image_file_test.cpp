#include "aface/image/image_file.h"

#include <gtest/gtest.h>
#include <turbojpeg.h>

#include <cmath>
#include <opencv2/imgcodecs.hpp>

#include "tests/image/pictures.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using test::max_difference;
using test::mean_difference;
using test::smooth_picture;
using testing::HasSubstr;
using testing::StartsWith;

std::vector<unsigned char> compress_raw(const std::vector<std::uint8_t>& pixels, int width, int height,
                                        int format, int subsampling) {
  tjhandle encoder = tjInitCompress();
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  EXPECT_EQ(
      tjCompress2(encoder, pixels.data(), width, 0, height, format, &buffer, &size, subsampling, 100, 0), 0);
  std::vector<unsigned char> bytes(buffer, buffer + size);
  tjFree(buffer);
  tjDestroy(encoder);
  return bytes;
}

std::string message_of(const std::vector<unsigned char>& bytes) {
  const auto result = decode_image(bytes, "here");
  EXPECT_FALSE(result.ok());
  if (result.ok()) return "";
  EXPECT_EQ(static_cast<int>(result.error().kind()), static_cast<int>(ErrorKind::kFormat));
  EXPECT_THAT(result.error().what(), StartsWith("here: "));
  return result.error().what();
}

TEST(ImageFile, PngRoundTripIsExact) {
  const Image picture = smooth_picture(37, 23);
  const Image back = decode_image(encode_png(picture), "p").value();
  EXPECT_EQ(back.width, 37);
  EXPECT_EQ(back.height, 23);
  EXPECT_EQ(back.pixels, picture.pixels);
}

TEST(ImageFile, JpegRoundTripKeepsTheOrderOfChannels) {
  Image red(16, 16);
  for (std::size_t i = 0; i < red.pixels.size(); i += 3) red.pixels[i] = 250;
  const Image back = decode_image(encode_jpeg(red, 95), "p").value();
  EXPECT_LE(max_difference(back, red), 4);
}

TEST(ImageFile, JpegQualityOrdersTheError) {
  const Image picture = smooth_picture(64, 48);
  const double fine = mean_difference(decode_image(encode_jpeg(picture, 95), "p").value(), picture);
  const double coarse = mean_difference(decode_image(encode_jpeg(picture, 10), "p").value(), picture);
  EXPECT_LT(fine, 3);
  EXPECT_LT(fine, coarse);
  EXPECT_LT(encode_jpeg(picture, 10).size(), encode_jpeg(picture, 95).size());
  EXPECT_THAT(test::error_of(ErrorKind::kUsage, [&] { (void)encode_jpeg(picture, 101); }), HasSubstr("101"));
  EXPECT_THAT(test::error_of(ErrorKind::kUsage, [] { (void)encode_jpeg(Image(), 95); }), HasSubstr("empty"));
}

TEST(ImageFile, GreyJpegBecomesThreeEqualChannels) {
  const auto bytes = compress_raw(std::vector<std::uint8_t>(8 * 8, 77), 8, 8, TJPF_GRAY, TJSAMP_GRAY);
  const Image image = decode_image(bytes, "p").value();
  ASSERT_EQ(image.pixels.size(), 8u * 8 * 3);
  for (const auto value : image.pixels) EXPECT_EQ(value, 77);
}

TEST(ImageFile, CmykJpegIsRefused) {
  const auto bytes = compress_raw(std::vector<std::uint8_t>(8 * 8 * 4, 99), 8, 8, TJPF_CMYK, TJSAMP_444);
  EXPECT_THAT(message_of(bytes), HasSubstr("CMYK"));
}

TEST(ImageFile, PngOfEveryKindBecomesRgb) {
  std::vector<unsigned char> bytes;
  cv::imencode(".png", cv::Mat(2, 3, CV_8UC1, cv::Scalar(9)), bytes);
  EXPECT_EQ(decode_image(bytes, "grey").value().pixels, std::vector<std::uint8_t>(18, 9));
  cv::imencode(".png", cv::Mat(1, 1, CV_16UC3, cv::Scalar(0x1234, 0x5678, 0x9abc)), bytes);
  EXPECT_EQ(decode_image(bytes, "16 bit").value().pixels, (std::vector<std::uint8_t>{0x9a, 0x56, 0x12}));
  cv::imencode(".png", cv::Mat(1, 1, CV_8UC4, cv::Scalar(1, 2, 3, 0)), bytes);
  EXPECT_EQ(decode_image(bytes, "alpha").value().pixels, (std::vector<std::uint8_t>{3, 2, 1}));
  // 2 x 1 pixels, palette {255,0,0}, {10,20,30}, indices 1, 0.
  const std::vector<unsigned char> palette = {
      0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44,
      0x52, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x01, 0x08, 0x03, 0x00, 0x00, 0x00, 0xc3,
      0xfc, 0x8f, 0xb8, 0x00, 0x00, 0x00, 0x06, 0x50, 0x4c, 0x54, 0x45, 0xff, 0x00, 0x00, 0x0a,
      0x14, 0x1e, 0x98, 0x95, 0x7d, 0xe3, 0x00, 0x00, 0x00, 0x0b, 0x49, 0x44, 0x41, 0x54, 0x78,
      0x9c, 0x63, 0x60, 0x64, 0x00, 0x00, 0x00, 0x05, 0x00, 0x02, 0xd1, 0x66, 0x33, 0x78, 0x00,
      0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};
  EXPECT_EQ(decode_image(palette, "palette").value().pixels,
            (std::vector<std::uint8_t>{10, 20, 30, 255, 0, 0}));
}

TEST(ImageFile, EveryTruncationIsAnError) {
  const Image picture = smooth_picture(24, 24);
  for (const auto& whole : {encode_jpeg(picture, 90), encode_png(picture)}) {
    for (std::size_t length = 0; length < whole.size(); ++length) {
      const std::vector<unsigned char> cut(whole.begin(),
                                           whole.begin() + static_cast<std::ptrdiff_t>(length));
      EXPECT_FALSE(decode_image(cut, "p").ok()) << length << " of " << whole.size() << " bytes";
      ASSERT_TRUE(decode_image(whole, "p").ok())
          << "a bad image must not spoil the next one, length " << length;
    }
  }
}

TEST(ImageFile, DamagedBytesNeverCrash) {
  const Image picture = smooth_picture(24, 24);
  for (const auto& whole : {encode_jpeg(picture, 90), encode_png(picture)}) {
    std::size_t refused = 0;
    for (std::size_t i = 3; i < whole.size(); ++i) {
      auto damaged = whole;
      damaged[i] ^= 0xff;
      refused += !decode_image(damaged, "p").ok();
    }
    EXPECT_GT(refused, 20u);
  }
}

TEST(ImageFile, TextUnderAnImageNameIsAnError) {
  const test::TempDir dir;
  const auto result = read_image(dir.write("a.jpg", "not an image"));
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().what(), HasSubstr("a.jpg: neither JPEG nor PNG"));
  EXPECT_THAT(message_of({}), HasSubstr("empty"));
  const auto missing = read_image(dir.file("none.jpg"));
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(static_cast<int>(missing.error().kind()), static_cast<int>(ErrorKind::kIo));
}

TEST(ImageFile, FirstBytesDecideNotTheName) {
  const test::TempDir dir;
  const auto png = encode_png(smooth_picture(8, 8));
  const auto path = dir.write("a.jpg", std::string(png.begin(), png.end()));
  EXPECT_TRUE(read_image(path).ok());
}

TEST(ImageFile, AbsurdSizesAreRefusedBeforeAllocating) {
  auto png = encode_png(smooth_picture(8, 8));
  for (std::size_t i = 16; i < 24; ++i) png[i] = 0x7f;
  EXPECT_THAT(message_of(png), HasSubstr("claims 2139062143 x 2139062143"));
  auto jpeg = encode_jpeg(smooth_picture(8, 8), 90);
  for (std::size_t i = 0; i + 8 < jpeg.size(); ++i) {
    if (jpeg[i] != 0xff || jpeg[i + 1] != 0xc0) continue;  // start of frame: length, depth, height, width
    for (std::size_t k = 5; k < 9; ++k) jpeg[i + k] = 0xf0;
    break;
  }
  EXPECT_THAT(message_of(jpeg), HasSubstr("claims 61680 x 61680"));
}

TEST(ImageFile, ReusedStorageDoesNotShowThrough) {
  const Image large = smooth_picture(40, 40);
  const Image small = smooth_picture(8, 9);
  const Image fresh = decode_image(encode_jpeg(small, 90), "p").value();
  const Image reused = decode_image(encode_jpeg(small, 90), "p", large).value();
  EXPECT_EQ(reused.width, 8);
  EXPECT_EQ(reused.height, 9);
  EXPECT_EQ(reused.pixels, fresh.pixels);
}

}  // namespace
}  // namespace aface
