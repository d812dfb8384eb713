#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aface/data/data_options.h"

namespace aface {

// Index over the training photos: which files there are and whose they are. Counts are read from the data.
struct FaceDataset {
  std::string root;
  std::vector<std::string> paths;             // [num_samples], relative to root
  std::vector<std::int64_t> identities;       // [num_samples], 0 .. num_identities-1
  std::vector<std::string> identity_names;    // [num_identities], sorted by name
  std::vector<std::int64_t> images_per_identity() const;
  std::int64_t num_samples() const { return static_cast<std::int64_t>(paths.size()); }
  std::int64_t num_identities() const { return static_cast<std::int64_t>(identity_names.size()); }
  // Digest of paths and identities, so that a resumed run can tell whether it sees the same data.
  std::string fingerprint() const;
};

// Reads a folder per identity (source = folder) or a list file (source = list). Throws Error{kIo|kFormat|kData} with
// the place and the mend: missing folder, identity folder without images, path listed twice, listed file missing,
// fewer than two identities.
FaceDataset load_dataset(const DataOptions& options);

}  // namespace aface
