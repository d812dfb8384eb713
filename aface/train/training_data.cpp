#include "aface/train/training_data.h"

#include "aface/core/file.h"
#include "aface/core/log.h"
#include "aface/synth/synthetic_faces.h"

namespace aface {

TrainingData open_training_data(const RunConfig& config, const std::string& run_dir, int threads) {
  TrainingData data;
  data.validation = config.validation;
  DataOptions source = config.data;
  if (source.source == "synthetic") {
    const std::string faces = run_dir + "/faces";
    log_info("data", "drawing {} synthetic photos of {} identities into {}", config.synth.images,
             config.synth.identities, faces);
    write_synthetic_faces(config.synth, faces, threads, ExistingFaces::kReuse);
    const SyntheticFacesPaths paths(faces);
    source.source = "list";
    source.root = paths.train_images;
    source.list = paths.train_list;
    if (data.validation.pairs.empty() && config.synth.heldout_identities > 0) {
      data.validation.pairs = paths.heldout_pairs;
      data.validation.images = paths.heldout_images;
    }
  }
  data.dataset = load_dataset(source);
  log_info("data", "{} images of {} identities in {}", data.dataset.num_samples(), data.dataset.num_identities(),
           source.root);
  return data;
}

}  // namespace aface
