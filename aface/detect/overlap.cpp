#include "aface/detect/overlap.h"

#include <algorithm>

namespace aface {

double intersection_over_union(const Box& a, const Box& b) {
  const double width = std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x);
  const double height = std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y);
  if (!(width > 0 && height > 0)) return 0;
  const double shared = width * height;
  return shared / (a.area() + b.area() - shared);
}

std::vector<Face> without_repeats(std::vector<Face> faces, double most_overlap) {
  std::stable_sort(faces.begin(), faces.end(),
                   [](const Face& a, const Face& b) { return a.score > b.score; });
  std::vector<Face> taken;
  for (const Face& face : faces) {
    const bool is_new = std::none_of(taken.begin(), taken.end(), [&](const Face& other) {
      return intersection_over_union(face.box, other.box) > most_overlap;
    });
    if (is_new) taken.push_back(face);
  }
  return taken;
}

}  // namespace aface
