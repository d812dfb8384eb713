#include "aface/data/file_photos.h"

#include <filesystem>
#include <utility>

#include "aface/core/digest.h"
#include "aface/core/file.h"
#include "aface/image/image_file.h"

namespace aface {

FilePhotos::FilePhotos(std::string root, std::vector<std::string> paths,
                       std::vector<std::string> identity_names)
    : root_(std::move(root)), paths_(std::move(paths)), identity_names_(std::move(identity_names)) {}

std::int64_t FilePhotos::num_identities() const { return static_cast<std::int64_t>(identity_names_.size()); }

std::string FilePhotos::identity_name(std::int64_t identity) const {
  return identity_names_.at(static_cast<std::size_t>(identity));
}

std::string FilePhotos::photo_name(std::int64_t sample_id) const {
  return paths_.at(static_cast<std::size_t>(sample_id));
}

std::string FilePhotos::photo_place(std::int64_t sample_id) const {
  return (std::filesystem::path(root_) / photo_name(sample_id)).string();
}

Result<Span<const unsigned char>> FilePhotos::encoded(std::int64_t sample_id, PhotoBuffers& buffers) const {
  try {
    buffers.bytes = read_binary_file(photo_place(sample_id), std::move(buffers.bytes));
  } catch (const Error& error) {
    return error;
  }
  return Span<const unsigned char>(buffers.bytes);
}

Result<Image> FilePhotos::read(std::int64_t sample_id, PhotoBuffers& buffers) const {
  const Result<Span<const unsigned char>> bytes = encoded(sample_id, buffers);
  if (!bytes.ok()) return bytes.error();
  return decode_image(bytes.value(), photo_place(sample_id), std::move(buffers.image));
}

std::uint64_t FilePhotos::digest() const {
  Digest digest;
  for (const std::string& path : paths_) digest.add(path);
  for (const std::string& name : identity_names_) digest.add(name);
  return digest.value();
}

}  // namespace aface
