#include "aface/data/shard_photos.h"

#include <algorithm>
#include <utility>

#include "aface/core/digest.h"
#include "aface/image/image_file.h"

namespace aface {

ShardPhotos::ShardPhotos(std::shared_ptr<const TarShards> shards, std::vector<std::int64_t> images,
                         std::vector<std::string> identity_names)
    : shards_(std::move(shards)), images_(std::move(images)), identity_names_(std::move(identity_names)) {}

std::int64_t ShardPhotos::num_identities() const { return static_cast<std::int64_t>(identity_names_.size()); }

std::string ShardPhotos::identity_name(std::int64_t identity) const {
  return identity_names_.at(static_cast<std::size_t>(identity));
}

std::string ShardPhotos::photo_name(std::int64_t sample_id) const {
  return shards_->name(image_of(sample_id));
}

std::string ShardPhotos::photo_place(std::int64_t sample_id) const {
  return shards_->place() + ": " + photo_name(sample_id);
}

Result<Span<const unsigned char>> ShardPhotos::encoded(std::int64_t sample_id, PhotoBuffers&) const {
  return shards_->image(image_of(sample_id));
}

Result<Image> ShardPhotos::read(std::int64_t sample_id, PhotoBuffers& buffers) const {
  // As in RecordPhotos: a photo's own name is made only for a message.
  Result<Image> image =
      decode_image(shards_->image(image_of(sample_id)), shards_->place(), std::move(buffers.image));
  if (image.ok()) return image;
  const std::string what = image.error().what();
  return Error(image.error().kind(),
               photo_place(sample_id) + what.substr(std::min(what.size(), shards_->place().size())));
}

std::uint64_t ShardPhotos::digest() const {
  Digest digest;
  for (const std::int64_t image : images_) digest.add(shards_->name(image));
  for (const std::string& name : identity_names_) digest.add(name);
  return digest.value();
}

}  // namespace aface
