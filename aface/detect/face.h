#pragma once

#include "aface/image/landmarks.h"

namespace aface {

// In pixels of the photo, from its upper left corner; may reach beyond the photo.
struct Box {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;

  double area() const { return width * height; }
};

struct Face {
  Box box;
  Landmarks landmarks{};  // in pixels of the photo, as seen in it (image/landmarks.h)
  double score = 0;       // how sure the detector is, in [0, 1]
};

}  // namespace aface
