#pragma once

#include <array>
#include <cstddef>

namespace aface {

struct Point {
  double x = 0;
  double y = 0;
};

// Five face points in pixels, in this order: left eye, right eye, nose, left and right corner of the mouth;
// left and right as seen in the image.
using Landmarks = std::array<Point, 5>;

// From x1, y1, ..., x5, y5, the order of lists on disk.
inline Landmarks landmarks_from(const std::array<double, 10>& numbers) {
  Landmarks landmarks;
  for (std::size_t i = 0; i < landmarks.size(); ++i) landmarks[i] = {numbers[2 * i], numbers[2 * i + 1]};
  return landmarks;
}

}  // namespace aface
