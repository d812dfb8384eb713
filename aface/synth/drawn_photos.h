#pragma once

#include <string>

#include "aface/data/face_dataset.h"
#include "aface/synth/set_plan.h"

namespace aface {

// The training photos of a set of built-in faces, each drawn when it is read: a million people cost 8 MB
// here. Sample k is photo k of synth::TrainingPlan; its pixels are those that write_synthetic_faces()
// compresses.
class DrawnPhotos : public PhotoSource {
 public:
  // Throws Error{kUsage} as check_synth_options().
  explicit DrawnPhotos(const SynthOptions& options);

  const synth::TrainingPlan& plan() const { return plan_; }

  std::int64_t num_identities() const override { return plan_.num_identities(); }
  std::string identity_name(std::int64_t identity) const override;
  std::string photo_name(
      std::int64_t sample_id) const override;  // "person_00042#3": the person shown, not the label
  Result<Image> read(std::int64_t sample_id, PhotoBuffers& buffers) const override;
  std::uint64_t digest() const override;  // of the options that the photos depend on

 private:
  SynthOptions options_;
  synth::TrainingPlan plan_;
};

// The same as a data set. Identities are numbered as in the plan. Throws as above.
FaceDataset drawn_faces(const SynthOptions& options);

}  // namespace aface
