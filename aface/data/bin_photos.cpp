#include "aface/data/bin_photos.h"

#include <fmt/core.h>

#include <filesystem>
#include <utility>

#include "aface/core/check.h"
#include "aface/core/digest.h"
#include "aface/image/image_file.h"

namespace aface {

BinPhotos::BinPhotos(const std::string& path) : path_(path), set_(read_verification_bin(path)) {}

std::string BinPhotos::identity_name(std::int64_t identity) const {
  AFACE_CHECK(false, "identity {} of a set without names", identity);
  return "";
}

std::string BinPhotos::photo_name(std::int64_t sample_id) const {
  return fmt::format("{}#{}", std::filesystem::path(path_).filename().string(), sample_id);
}

std::string BinPhotos::photo_place(std::int64_t sample_id) const {
  return fmt::format("{}#{}", path_, sample_id);
}

Result<Span<const unsigned char>> BinPhotos::encoded(std::int64_t sample_id, PhotoBuffers&) const {
  return set_.images.at(static_cast<std::size_t>(sample_id));
}

Result<Image> BinPhotos::read(std::int64_t sample_id, PhotoBuffers& buffers) const {
  return decode_image(set_.images.at(static_cast<std::size_t>(sample_id)), photo_place(sample_id),
                      std::move(buffers.image));
}

std::uint64_t BinPhotos::digest() const {
  Digest digest;
  for (const auto& image : set_.images) digest.add(image.data(), image.size());
  return digest.value();
}

}  // namespace aface
