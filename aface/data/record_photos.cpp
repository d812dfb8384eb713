#include "aface/data/record_photos.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "aface/core/digest.h"
#include "aface/image/image_file.h"

namespace aface {

RecordPhotos::RecordPhotos(std::shared_ptr<const RecordSet> set, std::vector<std::int64_t> images,
                           std::vector<std::int64_t> labels)
    : set_(std::move(set)), images_(std::move(images)), labels_(std::move(labels)) {}

std::int64_t RecordPhotos::num_identities() const { return static_cast<std::int64_t>(labels_.size()); }

std::string RecordPhotos::identity_name(std::int64_t identity) const {
  return set_->identity_name(labels_.at(static_cast<std::size_t>(identity)));
}

std::string RecordPhotos::photo_name(std::int64_t sample_id) const {
  return fmt::format("#{}", set_->key(image_of(sample_id)));
}

std::string RecordPhotos::photo_place(std::int64_t sample_id) const {
  return set_->path() + photo_name(sample_id);
}

Result<Span<const unsigned char>> RecordPhotos::encoded(std::int64_t sample_id, PhotoBuffers& buffers) const {
  try {
    return set_->image(image_of(sample_id), buffers.bytes);
  } catch (const Error& error) {
    return error;
  }
}

Result<Image> RecordPhotos::read(std::int64_t sample_id, PhotoBuffers& buffers) const {
  const Result<Span<const unsigned char>> bytes = encoded(sample_id, buffers);
  if (!bytes.ok()) return bytes.error();
  // Named by the file alone, as a name for each photo would be made a million times for nobody.
  Result<Image> image = decode_image(bytes.value(), set_->path(), std::move(buffers.image));
  if (image.ok()) return image;
  const std::string what = image.error().what();
  return Error(image.error().kind(),
               photo_place(sample_id) + what.substr(std::min(what.size(), set_->path().size())));
}

std::uint64_t RecordPhotos::digest() const {
  Digest digest;
  for (const std::int64_t image : images_) {
    digest.add(set_->key(image));
    digest.add(set_->offset(image));
  }
  for (std::int64_t identity = 0; identity < num_identities(); ++identity)
    digest.add(identity_name(identity));
  return digest.value();
}

}  // namespace aface
