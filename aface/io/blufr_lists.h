#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace aface {

// One of the ten random trials; numbers of images, counted from 0, in file order.
struct BlufrTrial {
  std::vector<std::int32_t> test;
  std::vector<std::int32_t> gallery;
  std::vector<std::int32_t> probe;
};

// The text lists of the BLUFR toolkit.
struct BlufrLists {
  std::vector<std::string> names;        // image_list.txt: file names without a folder
  std::vector<std::int32_t> identities;  // labels.txt, counted from 0
  std::int32_t identity_count = 0;
  std::vector<BlufrTrial> trials;
};

// Reads image_list.txt, labels.txt, test_set.txt, gallery_set.txt and probe_set.txt from a folder. A set file
// begins with the number of trials; each trial is a count and as many lines "index, file name", counted
// from 1. Throws Error{kIo}, or Error{kFormat} naming file and line when a count, an index or a name does not
// fit, when a trial's test set is not its gallery and probe sets together, or when a gallery holds two images
// of a person.
BlufrLists read_blufr_lists(const std::string& folder);

}  // namespace aface
