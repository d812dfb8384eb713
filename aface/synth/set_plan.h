#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aface/synth/synth_options.h"

namespace aface::synth {

// Which photos there are, whose they are and what label they carry; nothing is drawn yet.

std::string person_name(std::int64_t identity);  // of a training identity

// Who is on each training photo and whose label it carries, for sets of any size: 8 bytes an identity and 16 a flipped
// label are held. Sizes are given to identities in random order; photos are numbered by identity and, within it, by
// photo. Then count_noisy_photos() of them get the label of another identity, chosen evenly. The first photo of every
// identity keeps its label, so that no identity vanishes.
class TrainingPlan {
 public:
  explicit TrainingPlan(const SynthOptions& options);

  std::int64_t num_identities() const { return static_cast<std::int64_t>(first_sample_.size()) - 1; }
  std::int64_t num_samples() const { return first_sample_.back(); }
  std::int64_t num_photos_of(std::int64_t identity) const;
  std::int64_t num_flipped() const { return static_cast<std::int64_t>(flipped_.size()); }

  struct Shown {
    std::int64_t identity = 0;  // whom the photo shows
    std::int64_t photo = 0;     // which photo of that person, from 0
  };
  Shown shown(std::int64_t sample) const;
  std::vector<std::int64_t> labels() const;  // [num_samples]

 private:
  struct Flipped {
    std::int64_t sample;
    std::int64_t label;
  };
  void flip_labels(const SynthOptions& options);

  std::vector<std::int64_t> first_sample_;  // [num_identities + 1]
  std::vector<Flipped> flipped_;            // in random order
};

// One photo to draw into a file.
struct PlannedPhoto {
  std::int64_t identity = 0;  // whom it shows, an argument of draw_identity()
  std::int64_t photo = 0;     // which photo of that person
  std::string label;          // the identity it is filed under; for noisy photos not the person shown
  std::string truth;          // the person shown
  std::string path;           // <label>/<label>_NNNN.jpg
  bool is_noisy() const { return label != truth; }
};

// Class sizes by rank, largest first: max(min_images, C * rank^-exponent) with C such that the sum is
// `images`, rounded by largest remainder so that the sum is exact. Needs images >= identities * min_images.
std::vector<std::int64_t> zipf_class_sizes(std::int64_t identities, std::int64_t images, double exponent,
                                           std::int64_t min_images);

// round(label_noise * images)
std::int64_t count_noisy_photos(const SynthOptions& options);

// The photos of a TrainingPlan with names and paths, in its order.
std::vector<PlannedPhoto> plan_training_photos(const SynthOptions& options);

// The photos of the verification set, heldout_images of each person; none of these people is in training,
// whatever the number of either.
std::vector<PlannedPhoto> plan_heldout_photos(const SynthOptions& options);

// Verification pairs in LFW's form (io/pair_list.h), 10 folds. Drawn evenly, without repetition, from all
// pairs of two photos of one person and all pairs of photos of two people; a person may turn up in several
// folds.
std::string plan_pairs(const SynthOptions& options);

}  // namespace aface::synth
