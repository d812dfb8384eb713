#pragma once

#include <string>
#include <vector>

namespace aface {

struct IdentityFolder {
  std::string name;                 // of the sub-folder directly below the root
  std::vector<std::string> images;  // relative to the root, unsorted, at any depth
};

// The sub-folders of `root`, sorted by name, and the images below each, by the rules of load_dataset().
// Throws Error{kIo} when a folder cannot be read or a link leads back to a folder above it, Error{kData} on
// an image directly below the root.
std::vector<IdentityFolder> scan_identity_folders(const std::string& root);

}  // namespace aface
