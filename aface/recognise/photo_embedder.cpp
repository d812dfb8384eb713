#include "aface/recognise/photo_embedder.h"

#include <cstddef>
#include <utility>

#include "aface/core/error.h"

namespace aface {

FaceCutter make_cutter(const ModelCard& card, const PhotoEmbedderOptions& options) {
  FaceChipOptions chips;
  chips.size_px = card.input_size();
  chips.on_chip = card.alignment;
  chips.many = options.many;
  chips.takes_middle_without_face = options.takes_middle_without_face;
  chips.max_pixels = options.max_pixels;
  std::shared_ptr<const FaceDetector> detector;
  if (!options.detector.empty()) {
    detector = std::make_shared<const FaceDetector>(options.detector, options.detect);
  }
  return FaceCutter(std::move(detector), chips);
}

PhotoEmbedder::PhotoEmbedder(std::shared_ptr<const Recogniser> recogniser,
                             const PhotoEmbedderOptions& options)
    : recogniser_(std::move(recogniser)), cutter_(make_cutter(recogniser_->card(), options)) {}

Result<std::vector<EmbeddedFace>> PhotoEmbedder::embed(Span<const unsigned char> photo,
                                                       const std::string& place) const {
  return embed_chips(cutter_.cut(photo, place), place);
}

Result<std::vector<EmbeddedFace>> PhotoEmbedder::embed(const Image& photo, const std::string& place) const {
  return embed_chips(cutter_.cut(photo, place), place);
}

Result<std::vector<EmbeddedFace>> PhotoEmbedder::embed_chips(Result<std::vector<FaceChip>> found,
                                                             const std::string& place) const {
  if (!found.ok()) return found.error();
  std::vector<FaceChip> chips = std::move(found).value();
  std::vector<Image> images;
  for (FaceChip& chip : chips) images.push_back(std::move(chip.chip));
  const auto dim = static_cast<std::size_t>(recogniser_->dim());
  std::vector<float> rows(images.size() * dim);
  try {
    recogniser_->embed(images, rows.data());
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kData) throw;
    return Error(ErrorKind::kData, place + ": " + error.what());
  }
  std::vector<EmbeddedFace> faces(images.size());
  for (std::size_t i = 0; i < faces.size(); ++i) {
    const float* row = rows.data() + i * dim;
    faces[i] = {chips[i].face, std::move(images[i]), {row, row + dim}};
  }
  return faces;
}

}  // namespace aface
