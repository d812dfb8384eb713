#include "aface/train/training_data.h"

#include "aface/core/log.h"
#include "aface/synth/drawn_photos.h"
#include "aface/synth/synthetic_faces.h"

namespace aface {

namespace {

void use_heldout_faces(const RunConfig& config, const std::string& faces, ValidationOptions& validation) {
  if (!validation.pairs.empty() || config.synth.heldout_identities == 0) return;
  const SyntheticFacesPaths paths(faces);
  validation.pairs = paths.heldout_pairs;
  validation.images = paths.heldout_images;
}

}  // namespace

TrainingData open_training_data(const RunConfig& config, const std::string& run_dir, int threads) {
  const std::string faces = run_dir + "/faces";
  TrainingData data;
  data.validation = config.validation;
  if (config.data.source == "drawn") {
    if (data.validation.pairs.empty() && config.synth.heldout_identities > 0) {
      write_synthetic_faces(config.synth, faces, threads, ExistingFaces::kReuse, SyntheticParts::kHeldOut);
      use_heldout_faces(config, faces, data.validation);
    }
    data.dataset = drawn_faces(config.synth);
  } else if (config.data.source == "synthetic") {
    log_info("data", "drawing {} synthetic photos of {} identities into {}", config.synth.images,
             config.synth.identities, faces);
    write_synthetic_faces(config.synth, faces, threads, ExistingFaces::kReuse);
    use_heldout_faces(config, faces, data.validation);
    const SyntheticFacesPaths paths(faces);
    DataOptions written = config.data;
    written.source = "list";
    written.root = paths.train_images;
    written.list = paths.train_list;
    data.dataset = load_dataset(written);
  } else {
    data.dataset = load_dataset(config.data);
  }
  log_info("data", "{} images of {} identities: {}", data.dataset.num_samples(), data.dataset.num_identities(),
           data.dataset.place);
  return data;
}

}  // namespace aface
