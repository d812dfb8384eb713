#include "aface/detect/face_chips.h"

#include <algorithm>
#include <utility>

#include "aface/core/error.h"
#include "aface/image/align.h"
#include "aface/image/resample.h"

namespace aface {
namespace {

Error at(const std::string& place, const Error& error) {
  return Error(error.kind(), place + ": " + error.what());
}

Image middle_of(const Image& photo, int size_px) {
  const double side = std::min(photo.width, photo.height);
  Image chip(size_px, size_px);
  resample(photo, {(photo.width - side) / 2, (photo.height - side) / 2, side, side}, Mirror::kNo, nullptr,
           size_px, size_px, chip.pixels.data());
  return chip;
}

Image whole_of(const Image& photo, int size_px) {
  return photo.width == size_px && photo.height == size_px ? photo : resize(photo, size_px, size_px);
}

std::vector<FaceChip> only(Image chip) {
  std::vector<FaceChip> chips(1);
  chips[0].chip = std::move(chip);
  return chips;
}

}  // namespace

FaceCutter::FaceCutter(std::shared_ptr<const FaceDetector> detector, const FaceChipOptions& options)
    : detector_(std::move(detector)), options_(options) {
  (void)chip_template(options.size_px);  // refuses sizes out of range
}

Result<std::vector<FaceChip>> FaceCutter::cut(Span<const unsigned char> photo,
                                              const std::string& place) const {
  const Result<Image> decoded = detector_ == nullptr ? decode_image(photo, place, {}, options_.max_pixels)
                                                     : decode_photo(photo, place, options_.max_pixels);
  if (!decoded.ok()) return decoded.error();
  return cut(decoded.value(), place);
}

Result<std::vector<FaceChip>> FaceCutter::cut(const Image& photo, const std::string& place) const {
  if (photo.width <= 0 || photo.height <= 0) return Error(ErrorKind::kData, place + ": the picture is empty");
  if (detector_ == nullptr) return only(whole_of(photo, options_.size_px));
  std::vector<Face> found = detector_->detect(photo);
  if (found.empty() && options_.takes_middle_without_face) return only(middle_of(photo, options_.size_px));
  const Result<std::vector<Face>> faces =
      choose_faces(std::move(found), photo.width, photo.height, options_.many);
  if (!faces.ok()) return at(place, faces.error());
  std::vector<FaceChip> chips;
  for (const Face& face : faces.value()) {
    Result<Image> chip = align_face(photo, face.landmarks, options_.on_chip, options_.size_px);
    if (!chip.ok()) return at(place, chip.error());
    chips.push_back({face, std::move(chip).value()});
  }
  return chips;
}

}  // namespace aface
