#pragma once

#include <memory>
#include <string>
#include <vector>

#include "aface/data/photo_source.h"
#include "aface/io/tar_shards.h"

namespace aface {

// Photos in tar archives, read straight from the mapped files.
class ShardPhotos : public PhotoSource {
 public:
  // `images` [num_samples] are images of `shards`.
  ShardPhotos(std::shared_ptr<const TarShards> shards, std::vector<std::int64_t> images,
              std::vector<std::string> identity_names);

  std::int64_t num_identities() const override;
  std::string identity_name(std::int64_t identity) const override;
  std::string photo_name(std::int64_t sample_id) const override;   // TarShards::name()
  std::string photo_place(std::int64_t sample_id) const override;  // with what the set is called
  Result<Span<const unsigned char>> encoded(std::int64_t sample_id, PhotoBuffers& buffers) const override;
  Result<Image> read(std::int64_t sample_id, PhotoBuffers& buffers) const override;
  // Of the names of photos and identities.
  std::uint64_t digest() const override;

 private:
  std::int64_t image_of(std::int64_t sample_id) const {
    return images_.at(static_cast<std::size_t>(sample_id));
  }

  std::shared_ptr<const TarShards> shards_;
  std::vector<std::int64_t> images_;
  std::vector<std::string> identity_names_;
};

}  // namespace aface
