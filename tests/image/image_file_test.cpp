#include "aface/image/image_file.h"

#include <gtest/gtest.h>
#include <turbojpeg.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <string>

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

TEST(ImageFile, InksOfAJpegAreMultiplied) {
  const auto jpeg_of = [](std::array<std::uint8_t, 4> inks) {
    std::vector<std::uint8_t> pixels;
    for (int i = 0; i < 8 * 8; ++i) pixels.insert(pixels.end(), inks.begin(), inks.end());
    return compress_raw(pixels, 8, 8, TJPF_CMYK, TJSAMP_444);
  };
  const auto expect_near = [](const std::vector<unsigned char>& bytes, std::array<int, 3> rgb) {
    const Image image = decode_image(bytes, "p").value();
    for (std::size_t i = 0; i < image.pixels.size(); ++i) ASSERT_NEAR(image.pixels[i], rgb[i % 3], 3);
  };
  // The encoder marks its files as Adobe does, for whom 255 is no ink.
  expect_near(jpeg_of({255, 100, 0, 204}), {204, 80, 0});
  auto bytes = jpeg_of({255, 255, 255, 204});
  expect_near(bytes, {204, 204, 204});
  EXPECT_FALSE(decode_image(std::vector<unsigned char>(bytes.begin(), bytes.end() - 20), "p").ok());

  // It stores black and, of the three others, the complement as YCbCr: 0, 128, 128. Without the mark these
  // are inks, and 255 - 204 of white is left of the paper.
  const std::string adobe = "Adobe";
  const auto at = std::search(bytes.begin(), bytes.end(), adobe.begin(), adobe.end());
  ASSERT_NE(at, bytes.end());
  bytes.erase(at - 4, at + 12);  // the segment
  expect_near(bytes, {51, 25, 25});
}

TEST(ImageFile, MorePixelsThanAskedForAreRefusedBeforeDecoding) {
  const Image picture = smooth_picture(50, 40);
  for (const auto& bytes : {encode_jpeg(picture, 90), encode_png(picture)}) {
    EXPECT_TRUE(decode_image(bytes, "p", {}, 2000).ok());
    const auto refused = decode_image(bytes, "p", {}, 1999);
    ASSERT_FALSE(refused.ok());
    EXPECT_THAT(refused.error().what(), HasSubstr("50 x 40 pixels (expected 1 to 1999 in all)"));
  }
}

void append_u32(std::string& text, std::uint32_t value) {
  for (const int shift : {24, 16, 8, 0}) text += static_cast<char>(value >> shift & 0xff);
}

void append_chunk(std::string& png, const std::string& type, const std::string& data) {
  append_u32(png, static_cast<std::uint32_t>(data.size()));
  const std::string body = type + data;
  png += body;
  append_u32(png, static_cast<std::uint32_t>(
                      crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()))));
}

// A PNG by the letter of its specification. `rows` are the raw rows, each with its filter byte 0 in front;
// `more` are chunks between header and pixels.
std::vector<unsigned char> make_png(std::uint32_t width, std::uint32_t height, int bit_depth, int colour_type,
                                    const std::string& rows, const std::string& more = "") {
  std::string png("\x89PNG\r\n\x1a\n", 8), header;
  append_u32(header, width);
  append_u32(header, height);
  header += {static_cast<char>(bit_depth), static_cast<char>(colour_type), 0, 0, 0};
  append_chunk(png, "IHDR", header);
  png += more;
  uLongf size = compressBound(rows.size());
  std::string packed(size, 0);
  compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(rows.data()),
           rows.size());
  packed.resize(size);
  append_chunk(png, "IDAT", packed);
  append_chunk(png, "IEND", "");
  return {png.begin(), png.end()};
}

TEST(ImageFile, PngOfEveryKindBecomesRgb) {
  using Bytes = std::vector<std::uint8_t>;
  const auto decoded = [](const std::vector<unsigned char>& png) {
    return decode_image(png, "p").value().pixels;
  };
  constexpr int kGrey = 0, kRgb = 2, kPalette = 3, kGreyAlpha = 4, kRgba = 6;
  const std::string zero(1, '\0');
  EXPECT_EQ(decoded(make_png(2, 1, 8, kGrey, zero + "\x09\x07")), (Bytes{9, 9, 9, 7, 7, 7}));
  EXPECT_EQ(decoded(make_png(2, 1, 1, kGrey, zero + "\x40")), (Bytes{0, 0, 0, 255, 255, 255}));
  EXPECT_EQ(decoded(make_png(1, 1, 16, kRgb, zero + "\x9a\xbc\x56\x78\x12\x34")), (Bytes{0x9a, 0x56, 0x12}));
  EXPECT_EQ(decoded(make_png(1, 1, 8, kRgba, zero + "\x03\x02\x01" + zero)), (Bytes{3, 2, 1}));
  EXPECT_EQ(decoded(make_png(1, 1, 8, kGreyAlpha, zero + "\x05\x80")), (Bytes{5, 5, 5}));

  std::string palette, transparency;
  append_chunk(palette, "PLTE", "\xff\x01\x02\x0a\x14\x1e");
  append_chunk(transparency, "tRNS", "\x80");
  const std::string indices = zero + "\x01" + zero;
  EXPECT_EQ(decoded(make_png(2, 1, 8, kPalette, indices, palette)), (Bytes{10, 20, 30, 255, 1, 2}));
  EXPECT_EQ(decoded(make_png(2, 1, 8, kPalette, indices, palette + transparency)),
            (Bytes{10, 20, 30, 255, 1, 2}));
}

TEST(ImageFile, PngDamageIsNamed) {
  EXPECT_THAT(message_of(make_png(2, 2, 8, 0, std::string(3, '\0'))), HasSubstr("damaged or cut short PNG"));
  auto wrong_checksum = encode_png(smooth_picture(8, 8));
  wrong_checksum[wrong_checksum.size() - 13] ^= 1;  // of the pixels
  EXPECT_THAT(message_of(wrong_checksum), HasSubstr("damaged or cut short PNG"));
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
