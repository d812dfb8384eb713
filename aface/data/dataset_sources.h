#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aface/data/data_options.h"
#include "aface/data/face_dataset.h"

namespace aface {

// load_dataset() for each kind of source. options.root is not empty.
FaceDataset dataset_of_files(const DataOptions& options, std::int64_t fewest_identities);    // folder, list
FaceDataset dataset_of_records(const DataOptions& options, std::int64_t fewest_identities);  // rec
FaceDataset dataset_of_shards(const DataOptions& options, std::int64_t fewest_identities);   // tar

// Of the identities [0, images_of.size()), new numbers for those with enough photos, in the old order; -1 for
// the others. Identities without photos are none. Throws Error{kData} when fewer than `fewest_identities` are
// left.
std::vector<std::int64_t> number_identities(const std::vector<std::int64_t>& images_of,
                                            const DataOptions& options, const std::string& place,
                                            std::int64_t fewest_identities);

}  // namespace aface
