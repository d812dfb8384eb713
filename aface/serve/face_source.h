#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "aface/core/result.h"
#include "aface/core/span.h"
#include "aface/gallery/gallery.h"
#include "aface/recognise/photo_embedder.h"

namespace aface {

// From the bytes of a photo to its faces: what a service needs of a model. Const functions are called by
// several threads at a time.
class FaceSource {
 public:
  virtual ~FaceSource() = default;
  virtual GalleryModel model() const = 0;
  // At least one face, with an embedding of length 1. Error{kFormat}: no photo, or one that is refused;
  // Error{kData}: no face.
  virtual Result<std::vector<EmbeddedFace>> faces(Span<const unsigned char> photo) const = 0;
};

// A model and, if photos are not aligned chips already, a detector.
std::unique_ptr<FaceSource> make_face_source(std::shared_ptr<const Recogniser> recogniser,
                                             const PhotoEmbedderOptions& options);

}  // namespace aface
