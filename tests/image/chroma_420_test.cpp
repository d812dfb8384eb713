#include "aface/image/chroma_420.h"

#include <gtest/gtest.h>
#include <turbojpeg.h>

#include <memory>
#include <vector>

#include "aface/core/random.h"
#include "aface/image/image_file.h"

namespace aface {
namespace {

struct Destroy {
  void operator()(void* handle) const { tjDestroy(handle); }
};
using TurboJpeg = std::unique_ptr<void, Destroy>;

// Noise, so that every neighbour counts, of all strengths, so that values are cut at both ends too.
std::vector<unsigned char> noisy_jpeg(int width, int height, int subsampling, Random& random) {
  const auto range = 2 + random.below(255);
  std::vector<unsigned char> pixels(std::size_t(width) * std::size_t(height) * 3);
  for (auto& value : pixels) value = static_cast<unsigned char>(random.below(range) * 255 / (range - 1));
  const TurboJpeg encoder(tjInitCompress());
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  EXPECT_EQ(tjCompress2(encoder.get(), pixels.data(), width, 0, height, TJPF_RGB, &buffer, &size, subsampling,
                        20 + int(random.below(80)), random.chance(0.3) ? TJFLAG_PROGRESSIVE : 0),
            0);
  const std::vector<unsigned char> bytes(buffer, buffer + size);
  tjFree(buffer);
  return bytes;
}

std::vector<std::uint8_t> decode_by_turbojpeg(const std::vector<unsigned char>& bytes, int width,
                                              int height) {
  std::vector<std::uint8_t> pixels(std::size_t(width) * std::size_t(height) * 3);
  const TurboJpeg decoder(tjInitDecompress());
  EXPECT_EQ(
      tjDecompress2(decoder.get(), bytes.data(), bytes.size(), pixels.data(), width, 0, height, TJPF_RGB, 0),
      0);
  return pixels;
}

TEST(DecodeImage, GivesTheBytesOfTurboJpegAtEverySizeAndSampling) {
  Random random(1);
  for (const int subsampling : {TJSAMP_420, TJSAMP_444, TJSAMP_422, TJSAMP_GRAY}) {
    for (int round = 0; round < 300; ++round) {
      const int width = 1 + int(random.below(150)), height = 1 + int(random.below(40));
      const auto bytes = noisy_jpeg(width, height, subsampling, random);
      const Image image = decode_image(bytes, "noise").value();
      ASSERT_EQ(image.width, width);
      ASSERT_EQ(image.height, height);
      ASSERT_EQ(image.pixels, decode_by_turbojpeg(bytes, width, height))
          << width << " x " << height << ", sampling " << subsampling;
    }
  }
}

TEST(JoinPlanes, EveryKernelGivesTheBytesOfTurboJpegAndWritesNoMore) {
  if (join_kernels().empty()) GTEST_SKIP() << "compiled for a processor without a kernel (AFACE_NATIVE)";
  Random random(2);
  for (int round = 0; round < 400; ++round) {
    const int width = 5 + int(random.below(200)), height = 1 + int(random.below(30));
    const auto bytes = noisy_jpeg(width, height, TJSAMP_420, random);
    const auto expected = decode_by_turbojpeg(bytes, width, height);
    // Planes with gaps between their rows.
    Planes420 planes;
    planes.width = width;
    planes.height = height;
    planes.luma_stride = tjPlaneWidth(0, width, TJSAMP_420) + int(random.below(9));
    planes.chroma_stride = tjPlaneWidth(1, width, TJSAMP_420) + int(random.below(9));
    const auto luma = std::size_t(planes.luma_stride) * std::size_t(tjPlaneHeight(0, height, TJSAMP_420));
    const auto chroma = std::size_t(planes.chroma_stride) * std::size_t(tjPlaneHeight(1, height, TJSAMP_420));
    std::vector<unsigned char> memory(luma + 2 * chroma + kPlaneOverread, 200);
    unsigned char* at[] = {memory.data(), memory.data() + luma, memory.data() + luma + chroma};
    int strides[] = {int(planes.luma_stride), int(planes.chroma_stride), int(planes.chroma_stride)};
    const TurboJpeg decoder(tjInitDecompress());
    ASSERT_EQ(
        tjDecompressToYUVPlanes(decoder.get(), bytes.data(), bytes.size(), at, width, strides, height, 0), 0);
    planes.luma = at[0];
    planes.blue = at[1];
    planes.red = at[2];
    for (const JoinKernel& kernel : join_kernels()) {
      std::vector<std::int16_t> sums;
      std::vector<std::uint8_t> out(expected.size() + 128, 99);
      kernel.join(planes, sums, out.data());
      for (std::size_t i = 0; i < out.size(); ++i) {
        ASSERT_EQ(out[i], i < expected.size() ? expected[i] : 99)
            << kernel.name << ", " << width << " x " << height << ", byte " << i;
      }
    }
  }
}

}  // namespace
}  // namespace aface
