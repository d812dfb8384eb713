#include "aface/image/resample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "aface/core/random.h"
#include "aface/image/normalise.h"

namespace aface {
namespace {

Image noise(int width, int height, std::uint64_t seed) {
  Random random(seed);
  Image image(width, height);
  for (auto& value : image.pixels) value = static_cast<std::uint8_t>(random.below(256));
  return image;
}

// Weight of input position i for one output position: the share that i has of the area the output covers, at
// least one input position wide.
double overlap(double low, double high, int i) {
  return std::max(0.0, std::min<double>(high, i + 1) - std::max<double>(low, i));
}

// The definition, pixel by pixel, in double and without rounding.
std::vector<double> plain_resample(const Image& source, const Window& window, Mirror mirror,
                                   const ColourMap* colour, int width, int height) {
  std::vector<double> out;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int column = mirror == Mirror::kLeftRight ? width - 1 - x : x;
      const double step_x = window.width / width, step_y = window.height / height;
      const double reach_x = std::max(step_x, 1.0), reach_y = std::max(step_y, 1.0);
      const double left = window.x + (column + 0.5) * step_x - reach_x / 2,
                   top = window.y + (y + 0.5) * step_y - reach_y / 2;
      double pixel[3] = {};
      for (int j = int(std::floor(top)); j < top + reach_y; ++j) {
        for (int i = int(std::floor(left)); i < left + reach_x; ++i) {
          const double weight =
              overlap(left, left + reach_x, i) * overlap(top, top + reach_y, j) / (reach_x * reach_y);
          const std::uint8_t* in =
              source.pixels.data() +
              (std::clamp(j, 0, source.height - 1) * source.width + std::clamp(i, 0, source.width - 1)) * 3;
          for (int c = 0; c < 3; ++c) pixel[c] += weight * in[c];
        }
      }
      for (int c = 0; c < 3; ++c) {
        double value = pixel[c];
        if (colour != nullptr) {
          value = colour->offset[std::size_t(c)];
          for (int k = 0; k < 3; ++k) value += colour->matrix[std::size_t(c * 3 + k)] * pixel[k];
        }
        out.push_back(std::clamp(value, 0.0, 255.0));
      }
    }
  }
  return out;
}

TEST(Resample, AgreesWithTheDefinition) {
  Random random(4);
  for (int round = 0; round < 200; ++round) {
    const Image source = noise(3 + int(random.below(40)), 3 + int(random.below(40)), std::uint64_t(round));
    const int width = 1 + int(random.below(40)), height = 1 + int(random.below(40));
    const Window window{random.uniform(-5, 10), random.uniform(-5, 10), random.uniform(1, 50),
                        random.uniform(1, 50)};
    const Mirror mirror = random.chance(0.5) ? Mirror::kLeftRight : Mirror::kNo;
    ColourMap map;
    for (auto& value : map.matrix) value = float(random.uniform(-0.3, 0.9));
    for (auto& value : map.offset) value = float(random.uniform(-20, 40));
    const ColourMap* colour = random.chance(0.5) ? &map : nullptr;
    std::vector<std::uint8_t> out(std::size_t(width) * std::size_t(height) * 3 + 16, 99);
    resample(source, window, mirror, colour, width, height, out.data());
    const std::vector<double> expected = plain_resample(source, window, mirror, colour, width, height);
    for (std::size_t i = 0; i < expected.size(); ++i)
      ASSERT_NEAR(out[i], expected[i], 0.51) << "round " << round << ", value " << i;
    for (std::size_t i = expected.size(); i < out.size(); ++i)
      ASSERT_EQ(out[i], 99) << "written beyond the end";
  }
}

TEST(Resample, AgreesWithTheDefinitionOnChips) {
  Random random(5);
  for (int round = 0; round < 120; ++round) {
    const Image source = noise(20 + int(random.below(120)), 20 + int(random.below(120)), std::uint64_t(round));
    const int width = 1 + int(random.below(120)), height = 1 + int(random.below(120));
    // From growing to twice the size to shrinking to a fifth, with windows that reach beyond the picture; some are copies.
    const double scale = round % 10 == 0 ? 1 : std::exp2(random.uniform(-1, 2.3));
    Window window{random.uniform(-20, 20), random.uniform(-20, 20), width * scale, height * scale};
    if (round % 20 == 0) window.x = window.y = 0;
    const Mirror mirror = random.chance(0.5) ? Mirror::kLeftRight : Mirror::kNo;
    ColourMap map;
    for (auto& value : map.matrix) value = float(random.uniform(-0.3, 0.9));
    for (auto& value : map.offset) value = float(random.uniform(-20, 40));
    const ColourMap* colour = random.chance(0.5) ? &map : nullptr;
    std::vector<std::uint8_t> out(std::size_t(width) * std::size_t(height) * 3 + 64, 99);
    resample(source, window, mirror, colour, width, height, out.data());
    const std::vector<double> expected = plain_resample(source, window, mirror, colour, width, height);
    for (std::size_t i = 0; i < expected.size(); ++i)
      ASSERT_NEAR(out[i], expected[i], 0.5001) << "round " << round << ", value " << i;
    for (std::size_t i = expected.size(); i < out.size(); ++i)
      ASSERT_EQ(out[i], 99) << "written beyond the end";
  }
}

TEST(Resample, CutOutsAreCopiesWhateverTheirWidth) {
  for (int width = 1; width <= 40; ++width) {
    const Image source = noise(width + 3, 5, std::uint64_t(width));
    for (const Mirror mirror : {Mirror::kNo, Mirror::kLeftRight}) {
      std::vector<std::uint8_t> out(std::size_t(width) * 4 * 3 + 16, 99);
      resample(source, {2, 1, double(width), 4}, mirror, nullptr, width, 4, out.data());
      for (int y = 0; y < 4; ++y) {
        for (int x = 0; x < width; ++x) {
          const int from = 2 + (mirror == Mirror::kNo ? x : width - 1 - x);
          for (int c = 0; c < 3; ++c) {
            ASSERT_EQ(out[std::size_t((y * width + x) * 3 + c)],
                      source.pixels[std::size_t(((y + 1) * source.width + from) * 3 + c)])
                << width << " wide, at " << x << ", " << y;
          }
        }
      }
      for (std::size_t i = std::size_t(width) * 4 * 3; i < out.size(); ++i) ASSERT_EQ(out[i], 99);
    }
  }
}

TEST(Resample, MirrorOfTheFirstPixelsReadsNothingBeforeThem) {
  const Image source = noise(6, 1, 3);  // the sanitizer watches
  const Image mirrored = mirror_left_right(source);
  EXPECT_EQ(mirror_left_right(mirrored).pixels, source.pixels);
}

TEST(Normalise, EveryValueIsTheRoundedQuotient) {
  std::vector<std::uint8_t> pixels(256);
  for (std::size_t i = 0; i < 256; ++i) pixels[i] = std::uint8_t(i);
  std::vector<float> out(256), alone(1);
  normalise_pixels(pixels.data(), 256, out.data());
  for (std::size_t i = 0; i < 256; ++i) {
    volatile float centred = float(i) - 127.5F;  // keeps the compiler from dividing in another way
    EXPECT_EQ(out[i], centred / 127.5F) << i;
    normalise_pixels(&pixels[i], 1, alone.data());
    EXPECT_EQ(alone[0], out[i]) << i << ", whether among many or alone";
  }
}

TEST(Normalise, ByHand) {
  const std::uint8_t pixels[] = {0, 255, 127, 128, 51};
  float out[5];
  normalise_pixels(pixels, 5, out);
  EXPECT_EQ(out[0], -1.0F);
  EXPECT_EQ(out[1], 1.0F);
  EXPECT_EQ(out[2], -0.5F / 127.5F);
  EXPECT_EQ(out[3], 0.5F / 127.5F);
  EXPECT_EQ(out[4], -76.5F / 127.5F);
}

}  // namespace
}  // namespace aface
