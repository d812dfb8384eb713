#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aface/io/pair_list.h"

namespace aface {

enum class IdentitySource {
  kNames,  // the paths say who is who
  kLinks   // only the pairs do
};

// Who the images of a pair list show.
struct PairIdentities {
  IdentitySource source = IdentitySource::kNames;
  std::vector<std::int64_t> of_path;  // [paths], 0 .. names.size()-1, in order of first appearance
  std::vector<std::string> names;     // [people]
};

// By names, where they are told by the folder of a path ("Ada/Ada_0001.jpg") or, without one, by a file name
// that ends in '_' and a number ("Ada_0001.jpg", "Ada_2.jpg"), and every pair of one person agrees with that
// and no pair of two contradicts it. Else by links: images are joined that are one photo or that a pair calls
// one person, over as many steps as it takes. Then people whom no pair links to each other count as different
// even if they are not, and there look to be more of them than there are; intervals drawn over such people
// are narrower than they should be.
PairIdentities identities_of(const PairList& list);

}  // namespace aface
