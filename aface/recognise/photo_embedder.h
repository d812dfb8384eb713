#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aface/core/result.h"
#include "aface/core/span.h"
#include "aface/detect/face_chips.h"
#include "aface/recognise/recogniser.h"

namespace aface {

struct PhotoEmbedderOptions {
  std::string detector;  // file of a YuNet network; empty: photos are aligned chips already
  DetectorOptions detect;
  ManyFaces many = ManyFaces::kLargest;    // see detect/face_choice.h
  bool takes_middle_without_face = false;  // see detect/face_chips.h
  long max_pixels = kMaxImagePixels;       // larger photos are refused before they are decoded
};

struct EmbeddedFace {
  std::optional<Face> face;  // in pixels of the upright photo; none: the photo itself was taken for the face
  Image chip;                // what the network saw
  std::vector<float> embedding;  // [dim], length 1
};

// From a photo to the embeddings of its faces, by nothing but the model's card: size of the chips, template,
// colours and views. Const functions may be called by several threads at a time.
class PhotoEmbedder {
 public:
  // Throws as FaceDetector does.
  PhotoEmbedder(std::shared_ptr<const Recogniser> recogniser, const PhotoEmbedderOptions& options);

  // The faces of a JPEG or PNG, by falling area; at least one. `place` opens the message of an error, which
  // is the photo's: Error{kFormat} when it cannot be decoded, Error{kData} when it has no face, too many, or
  // one without an embedding.
  Result<std::vector<EmbeddedFace>> embed(Span<const unsigned char> photo, const std::string& place) const;
  // Of a decoded photo, the right way up.
  Result<std::vector<EmbeddedFace>> embed(const Image& photo, const std::string& place) const;

  // The first of the two steps, for those who embed the chips of many photos at once.
  const FaceCutter& cutter() const { return cutter_; }
  const Recogniser& recogniser() const { return *recogniser_; }

 private:
  Result<std::vector<EmbeddedFace>> embed_chips(Result<std::vector<FaceChip>> chips,
                                                const std::string& place) const;

  std::shared_ptr<const Recogniser> recogniser_;
  FaceCutter cutter_;
};

// What a model wants of its chips; a null detector for options without one.
FaceCutter make_cutter(const ModelCard& card, const PhotoEmbedderOptions& options);

}  // namespace aface
