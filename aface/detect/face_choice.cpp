#include "aface/detect/face_choice.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "aface/core/error.h"

namespace aface {
namespace {

bool comes_first(const Face& a, const Face& b) {
  const auto key = [](const Face& face) { return std::make_tuple(-face.box.area(), face.box.x, face.box.y); };
  return key(a) < key(b);
}

double distance_from_middle(const Box& box, int width, int height) {
  return std::hypot(box.x + (box.width - width) / 2, box.y + (box.height - height) / 2);
}

}  // namespace

const std::vector<std::string>& many_faces_words() {
  static const std::vector<std::string> kWords = {"largest", "centre", "all",
                                                  "refuse"};  // as the enumeration
  return kWords;
}

ManyFaces many_faces_from(const std::string& word) {
  const auto& words = many_faces_words();
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end()) {
    throw Error(ErrorKind::kUsage, fmt::format("'{}' does not say which faces are meant (expected {})", word,
                                               fmt::join(words, ", ")));
  }
  return static_cast<ManyFaces>(found - words.begin());
}

Result<std::vector<Face>> choose_faces(std::vector<Face> faces, int photo_width, int photo_height,
                                       ManyFaces many) {
  if (faces.empty()) return Error(ErrorKind::kData, "no face was found");
  if (faces.size() > 1 && many == ManyFaces::kRefuse) {
    return Error(ErrorKind::kData, fmt::format("{} faces were found (expected one)", faces.size()));
  }
  std::sort(faces.begin(), faces.end(), comes_first);
  if (many == ManyFaces::kLargest) faces.resize(1);
  if (many == ManyFaces::kCentre) {
    const auto distance = [&](const Face& face) {
      return distance_from_middle(face.box, photo_width, photo_height);
    };
    faces = {*std::min_element(faces.begin(), faces.end(),
                               [&](const Face& a, const Face& b) { return distance(a) < distance(b); })};
  }
  return faces;
}

}  // namespace aface
