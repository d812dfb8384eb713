#pragma once

#include <cstdint>
#include <string>

#include "aface/synth/synth_options.h"

namespace aface {

// Where the parts of a built-in face set lie below its folder.
struct SyntheticFacesPaths {
  explicit SyntheticFacesPaths(const std::string& out_dir);

  std::string train_images;    // OUT/train/images/<identity>/<identity>_NNNN.jpg, <identity> is the label
  std::string train_list;      // OUT/train/list.tsv: path below train_images, TAB, label
  std::string heldout_images;  // OUT/heldout/images/<identity>/<identity>_NNNN.jpg, people unseen in training
  std::string heldout_pairs;   // OUT/heldout/pairs.txt, LFW's form (io/pair_list.h)
  std::string truth;    // OUT/truth.tsv: one row per training photo, with the true identity and the nuisances
  std::string summary;  // OUT/synth.json: the options and the counts
};

struct SyntheticFacesReport {
  std::int64_t identities = 0;
  std::int64_t images = 0;         // training photos
  std::int64_t largest_class = 0;  // by true identity, before labels are flipped
  std::int64_t smallest_class = 0;
  std::int64_t noisy_images = 0;  // training photos whose label was flipped
  std::int64_t heldout_identities = 0;
  std::int64_t heldout_images = 0;
  std::int64_t pairs = 0;
  bool reused = false;  // the folder was there already, made with the same options
};

enum class ExistingFaces {
  kRefuse,  // an error
  kReuse,   // fine if made with the same options; an error otherwise
};

// What of a set is written to files.
enum class SyntheticParts {
  kAll,
  kHeldOut,  // the verification set alone, for training photos that are drawn when they are needed (drawn_photos.h)
};

// Throws Error{kUsage} that says what to change when the options cannot be met: fewer images than
// identities * min_images, more pairs than the held-out people offer, pairs not a multiple of 20, and so on.
void check_synth_options(const SynthOptions& options);

// Draws the set, or the part of it asked for, into out_dir, which appears complete or not at all: everything goes to a temporary
// folder beside it that is renamed at the end. Every photo depends on (seed, identity, photo) alone, so the
// bytes are the same for any number of threads (0 = all cores). An empty folder counts as absent. Throws
// Error{kUsage} (options, existing folder), Error{kFormat} (damaged synth.json in it) or Error{kIo}; Stopped
// (core/stop_request.h) on a signal, with nothing left behind.
SyntheticFacesReport write_synthetic_faces(const SynthOptions& options, const std::string& out_dir,
                                           int threads, ExistingFaces existing = ExistingFaces::kRefuse,
                                           SyntheticParts parts = SyntheticParts::kAll);

}  // namespace aface
