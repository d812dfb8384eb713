#pragma once

#include <string>
#include <vector>

#include "aface/core/named_arrays.h"
#include "aface/data/face_dataset.h"

namespace aface {

// Which photos and people a state was made with: metadata "data_fingerprint" (FaceDataset::fingerprint()).
void put_fingerprint(const FaceDataset& dataset, NamedArrays& state);

// How the data of `state` differ from `dataset`, for messages: "24 identities in it, 25 here; 240 photos in
// it, 250 here", or that the counts agree and names or labels do not. Empty when they are the same. Throws
// Error{kFormat}.
std::string data_differences(const NamedArrays& state, const FaceDataset& dataset);

// The names of all identities in order, array "data.identity_names": what tells the rows of the prototypes
// apart in a run with other people. Throws Error{kFormat}.
void put_identity_names(const FaceDataset& dataset, NamedArrays& state);
std::vector<std::string> get_identity_names(const NamedArrays& state);

}  // namespace aface
