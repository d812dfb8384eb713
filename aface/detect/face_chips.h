#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aface/core/result.h"
#include "aface/core/span.h"
#include "aface/detect/face_choice.h"
#include "aface/detect/face_detector.h"
#include "aface/image/image.h"
#include "aface/image/image_file.h"
#include "aface/image/landmarks.h"

namespace aface {

// An aligned face cut out of a photo.
struct FaceChip {
  std::optional<Face> face;  // none: the photo itself, or its middle, was taken for the face
  Image chip;
};

struct FaceChipOptions {
  int size_px = 112;    // side of the chips
  Landmarks on_chip{};  // where the five points lie on a chip, in its pixels
  ManyFaces many = ManyFaces::kLargest;
  // A photo in which no face is found gives its largest centred square, for sets of tight crops.
  bool takes_middle_without_face = false;
  long max_pixels = kMaxImagePixels;  // larger photos are refused before they are decoded
};

// From photos to chips of one kind. Const functions may be called by several threads at a time.
class FaceCutter {
 public:
  // Without a detector (null) a photo is a chip already: it is resized where its size is another, and EXIF
  // orientation is not looked at, as chips of training are neither. Throws Error{kUsage} for a size out of
  // range.
  FaceCutter(std::shared_ptr<const FaceDetector> detector, const FaceChipOptions& options);

  // The chips of a JPEG or PNG, by falling area of the faces; at least one. `place` opens the message of an
  // error. Error{kFormat} of a photo that cannot be decoded, Error{kData} as choose_faces() and
  // align_face().
  Result<std::vector<FaceChip>> cut(Span<const unsigned char> photo, const std::string& place) const;
  // Of a decoded photo, the right way up. `place` as above.
  Result<std::vector<FaceChip>> cut(const Image& photo, const std::string& place) const;

  const FaceChipOptions& options() const { return options_; }

 private:
  std::shared_ptr<const FaceDetector> detector_;
  FaceChipOptions options_;
};

}  // namespace aface
