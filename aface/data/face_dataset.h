#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "aface/data/data_options.h"
#include "aface/data/photo_source.h"

namespace aface {

// The training photos: whose each is, and where it is had. Counts are read from the data. Samples of files
// are sorted by path, so their ids do not depend on the file system or on the order of a list.
struct FaceDataset {
  std::string place;                          // what the set is called in messages: of files, their root
  std::vector<std::int64_t> identities;       // [num_samples], 0 .. num_identities-1
  std::shared_ptr<const PhotoSource> photos;  // of num_samples photos
  std::vector<std::int64_t> images_per_identity() const;
  std::int64_t num_samples() const { return static_cast<std::int64_t>(identities.size()); }
  std::int64_t num_identities() const { return photos->num_identities(); }
  std::int64_t identity_of(std::int64_t sample_id) const {
    return identities[static_cast<std::size_t>(sample_id)];
  }
  // Digest of the photos and of whose they are, so that a resumed run can tell whether it sees the same data
  // (PhotoSource::digest).
  std::string fingerprint() const;
};

// Reads a folder per identity (source = folder), a list file (source = list), a packed file (source = rec) or
// archives (source = tar).
//   folder: an identity is a sub-folder directly below the root; files nested deeper belong to it, links to
//   folders
//           are followed. Images are *.jpg, *.jpeg and *.png in any case; other files, and names that begin
//           with a dot, are passed over.
//   list:   see io/identity_list.h.
//   rec:    see io/record_set.h; options.root is the .rec file. Samples are in the order of its keys,
//           identities in that of its labels. What does not fit in index or ranges is a warning.
//   tar:    see io/tar_shards.h; options.root is its place. Samples are in the order of the archives.
// Identities with fewer than options.min_images photos are then left out. Throws
// Error{kUsage|kIo|kFormat|kData} with the place and the mend: missing folder, identity folder without
// images, image outside an identity folder, path listed twice, listed file missing, fewer than
// `fewest_identities` identities, source = synthetic or drawn (made by the trainer, not read); and what
// RecordSet and TarShards throw.
FaceDataset load_dataset(const DataOptions& options, std::int64_t fewest_identities = 2);

// The data.source that goes with a path: rec for "*.rec", tar for "*.tar" or a folder with such files, else
// folder.
std::string source_of(const std::string& root);

}  // namespace aface
