#pragma once

#include <string>
#include <vector>

#include "aface/data/photo_source.h"

namespace aface {

// JPEG or PNG files below a folder.
class FilePhotos : public PhotoSource {
 public:
  // `paths` [num_samples] are relative to `root`, which may be empty, unless they are absolute;
  // `identity_names` [num_identities].
  FilePhotos(std::string root, std::vector<std::string> paths, std::vector<std::string> identity_names);

  std::int64_t num_identities() const override;
  std::string identity_name(std::int64_t identity) const override;
  std::string photo_name(std::int64_t sample_id) const override;   // relative to the root
  std::string photo_place(std::int64_t sample_id) const override;  // with the root
  Result<Span<const unsigned char>> encoded(std::int64_t sample_id, PhotoBuffers& buffers) const override;
  Result<Image> read(std::int64_t sample_id, PhotoBuffers& buffers) const override;
  // Of paths and names; the root and the pixels do not enter.
  std::uint64_t digest() const override;

 private:
  std::string root_;
  std::vector<std::string> paths_;
  std::vector<std::string> identity_names_;
};

}  // namespace aface
