#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "aface/image/image.h"

namespace aface::test {

// A picture that changes slowly, differently in each channel.
inline Image smooth_picture(int width, int height) {
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      std::uint8_t* pixel = image.at(x, y);
      pixel[0] = static_cast<std::uint8_t>(128 + 100 * std::sin(x * 0.11 + y * 0.05));
      pixel[1] = static_cast<std::uint8_t>(128 + 90 * std::cos(x * 0.07 - y * 0.09));
      pixel[2] = static_cast<std::uint8_t>(128 + 80 * std::sin(0.5 + y * 0.13));
    }
  }
  return image;
}

inline int max_difference(const Image& a, const Image& b) {
  EXPECT_EQ(a.pixels.size(), b.pixels.size());
  int largest = 0;
  for (std::size_t i = 0; i < std::min(a.pixels.size(), b.pixels.size()); ++i) {
    largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
  }
  return largest;
}

inline double mean_difference(const Image& a, const Image& b) {
  EXPECT_EQ(a.pixels.size(), b.pixels.size());
  double sum = 0;
  for (std::size_t i = 0; i < std::min(a.pixels.size(), b.pixels.size()); ++i) {
    sum += std::abs(a.pixels[i] - b.pixels[i]);
  }
  return sum / static_cast<double>(a.pixels.size());
}

}  // namespace aface::test
