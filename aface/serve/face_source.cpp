#include "aface/serve/face_source.h"

#include <utility>

namespace aface {
namespace {

class ModelFaces : public FaceSource {
 public:
  ModelFaces(std::shared_ptr<const Recogniser> recogniser, const PhotoEmbedderOptions& options)
      : recogniser_(std::move(recogniser)), embedder_(recogniser_, options) {}

  GalleryModel model() const override {
    return {recogniser_->digest(), static_cast<std::size_t>(recogniser_->dim())};
  }
  Result<std::vector<EmbeddedFace>> faces(Span<const unsigned char> photo) const override {
    return embedder_.embed(photo, "photo");
  }

 private:
  std::shared_ptr<const Recogniser> recogniser_;
  PhotoEmbedder embedder_;
};

}  // namespace

std::unique_ptr<FaceSource> make_face_source(std::shared_ptr<const Recogniser> recogniser,
                                             const PhotoEmbedderOptions& options) {
  return std::make_unique<ModelFaces>(std::move(recogniser), options);
}

}  // namespace aface
