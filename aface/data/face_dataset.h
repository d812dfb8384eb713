#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aface/data/data_options.h"

namespace aface {

// Index over the training photos: which files there are and whose they are. Counts are read from the data.
// Samples are sorted by path, so their ids do not depend on the file system or on the order of a list.
struct FaceDataset {
  std::string root;
  std::vector<std::string> paths;           // [num_samples], relative to root, sorted
  std::vector<std::int64_t> identities;     // [num_samples], 0 .. num_identities-1
  std::vector<std::string> identity_names;  // [num_identities], sorted by name
  std::vector<std::int64_t> images_per_identity() const;
  std::int64_t num_samples() const { return static_cast<std::int64_t>(paths.size()); }
  std::int64_t num_identities() const { return static_cast<std::int64_t>(identity_names.size()); }
  std::string full_path(std::int64_t sample_id) const;
  // Digest of paths and identities, so that a resumed run can tell whether it sees the same data. The root
  // and the pixels do not enter.
  std::string fingerprint() const;
};

// Reads a folder per identity (source = folder) or a list file (source = list).
//   folder: an identity is a sub-folder directly below the root; files nested deeper belong to it, links to
//   folders
//           are followed. Images are *.jpg, *.jpeg and *.png in any case; other files, and names that begin
//           with a dot, are passed over.
//   list:   see io/identity_list.h.
// Identities with fewer than options.min_images photos are then left out. Throws
// Error{kUsage|kIo|kFormat|kData} with the place and the mend: missing folder, identity folder without
// images, image outside an identity folder, path listed twice, listed file missing, fewer than two
// identities, source = synthetic (made by the trainer, not read).
FaceDataset load_dataset(const DataOptions& options);

}  // namespace aface
