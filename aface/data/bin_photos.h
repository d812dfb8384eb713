#pragma once

#include <string>

#include "aface/data/photo_source.h"
#include "aface/io/verification_bin.h"

namespace aface {

// The pictures of a packed verification set, one after the other; it names no identities.
class BinPhotos : public PhotoSource {
 public:
  // Throws as read_verification_bin().
  explicit BinPhotos(const std::string& path);

  std::int64_t num_photos() const { return static_cast<std::int64_t>(set_.images.size()); }
  std::int64_t num_identities() const override { return 0; }
  std::string identity_name(std::int64_t identity) const override;
  std::string photo_name(std::int64_t sample_id) const override;   // "lfw.bin#k", as pairs_of() names it
  std::string photo_place(std::int64_t sample_id) const override;  // with the folder
  Result<Span<const unsigned char>> encoded(std::int64_t sample_id, PhotoBuffers& buffers) const override;
  Result<Image> read(std::int64_t sample_id, PhotoBuffers& buffers) const override;
  // Of the pictures' bytes.
  std::uint64_t digest() const override;

 private:
  std::string path_;
  VerificationBin set_;
};

}  // namespace aface
