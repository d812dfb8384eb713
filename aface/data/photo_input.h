#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "aface/data/photo_source.h"

namespace aface {

// Photos that something is done to one by one, in an order that only depends on their names or on their file:
// whoever is on them does not matter.
struct PhotoInput {
  std::shared_ptr<const PhotoSource> photos;
  std::int64_t count = 0;
};

// The photos at `place`:
//   a folder      all .jpg, .jpeg and .png at any depth, sorted by path
//   with a list   those that its lines name (io/text_list.h), relative to the folder `place`; "" for paths as
//                 they stand
//   *.rec         in the order of their keys (io/record_set.h)
//   *.tar, or a folder with archives    in their order, labels or not (io/tar_shards.h)
//   *.bin         the pictures of a verification set, as far as they are stored (io/verification_bin.h)
//   any other file    that one photo
// Photos are not opened, so one that is missing or damaged shows when it is read. Throws
// Error{kIo|kFormat|kData} when the place cannot be read or holds none.
PhotoInput open_photos(const std::string& place, const std::string& list = "");

// Those at these paths, relative to the folder `root`; "" for paths as they stand.
PhotoInput photos_at(const std::string& root, std::vector<std::string> paths);

}  // namespace aface
