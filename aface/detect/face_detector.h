#pragma once

#include <memory>
#include <string>
#include <vector>

#include "aface/detect/face.h"
#include "aface/image/image.h"

namespace aface {

struct DetectorOptions {
  double least_score = 0.7;   // faces below it are not reported, in (0, 1]
  double most_overlap = 0.3;  // of two faces that share more of their boxes (intersection over union), the
                              // surer one stays, in (0, 1]
  // The network finds faces of about 20 to 400 pixels. A photo whose longer side is larger than this is
  // looked at reduced to it and, for faces too large to be found so, once more at a quarter of that; 0: never
  // reduced, which takes time and memory in proportion to the photo.
  int largest_side_px = 1280;
  double smallest_face_px = 0;  // faces whose box is narrower or lower in the photo are not reported; 0: none
};

// Finds faces and their five landmarks by a YuNet network, which comes with OpenCV's model zoo
// (github.com/opencv/opencv_zoo, models/face_detection_yunet); we ship none. Files of either layout are taken
// (detect/yunet_outputs.h). Const functions may be called by several threads at a time; each call in progress
// has a network of its own, of some megabytes.
class FaceDetector {
 public:
  // Throws Error{kIo} when the file cannot be read, Error{kFormat} when it is no such network, Error{kUsage}
  // for options out of range.
  explicit FaceDetector(const std::string& onnx_path, const DetectorOptions& options = {});
  ~FaceDetector();
  FaceDetector(FaceDetector&&) noexcept;
  FaceDetector& operator=(FaceDetector&&) noexcept;

  // By falling score. Photos of any size; an empty one has no faces. Throws Error{kFormat} when the network
  // cannot be run.
  std::vector<Face> detect(const Image& photo) const;

  const DetectorOptions& options() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace aface
