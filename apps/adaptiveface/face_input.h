#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aface/core/sha256.h"
#include "aface/core/span.h"
#include "aface/gallery/gallery.h"
#include "aface/model/model_card.h"
#include "apps/adaptiveface/detect_flags.h"

namespace aface {

// Where the faces of a gallery's commands come from: photos and a model, or embeddings that were made before.
struct FaceInputFlags {
  std::string model;                    // --model M.safetensors
  std::string images;                   // --images DIR
  std::vector<std::string> files;       // PHOTO ...
  std::string embeddings;               // --embeddings E.npy
  std::string model_digest;             // --model-digest, of --embeddings
  std::string list;                     // --list L.tsv
  bool person_is_folder = false;        // --person-is-folder
  std::string on_bad_image = "fail";    // --on-bad-image
  std::shared_ptr<DetectFlags> detect;  // --detector and how it is used
  int threads = 0;
};

std::shared_ptr<FaceInputFlags> add_face_input_flags(CLI::App& app);

// One face each, its embedding scaled to length 1.
struct FaceInput {
  GalleryModel model;
  std::optional<ModelCard> card;        // with --model
  std::vector<std::string> names;       // [faces] of the photos; the second face of one is "photo#2"
  std::vector<std::string> identities;  // [faces] whose they are; empty: not told
  std::vector<Sha256::Value> photos;  // [faces] digests of the files; of embeddings alone, those of the rows
  std::vector<float> values;          // [faces, dim]

  std::size_t size() const { return names.size(); }
  const float* row(std::size_t i) const { return values.data() + i * model.dim; }
  RowMatrix view() const { return {values.data(), names.size(), model.dim}; }
};

enum class Identities { kNeeded, kIfGiven };

// Throws Error{kUsage} when flags are missing, Error{kData} when names and rows do not fit or a face has no
// embedding, and the errors of the readers, of Recogniser::open() too.
FaceInput load_faces(const FaceInputFlags& flags, Identities identities);

}  // namespace aface
