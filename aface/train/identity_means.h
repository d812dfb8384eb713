#pragma once

#include <cstdint>
#include <vector>

#include "aface/data/data_options.h"
#include "aface/data/face_dataset.h"

namespace aface {

class Backbone;

struct IdentityMeans {
  std::vector<float> rows;             // [identities.size(), dim], of length 1; zeros where has_mean is 0
  std::vector<std::uint8_t> has_mean;  // 0: none of the identity's photos could be read, or they cancel out
};

// For each of `identities` (ascending, no repeats) the direction of the sum of its photos' embeddings, each
// embedding (photo plus mirrored photo, without augmentation) scaled to length 1 first: what the prototype of
// a cosine softmax with equal pulls would settle at. Of the first `images_per_identity` photos, 0: of all.
// Photos are decoded on options.workers threads; unreadable ones are left out or an Error as
// options.on_bad_image has it. Stopped between batches.
IdentityMeans identity_means(Backbone& backbone, const FaceDataset& dataset,
                             const std::vector<std::int64_t>& identities, std::int64_t images_per_identity,
                             const DataOptions& options);

}  // namespace aface
