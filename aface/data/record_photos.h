#pragma once

#include <memory>
#include <string>
#include <vector>

#include "aface/data/photo_source.h"
#include "aface/io/record_set.h"

namespace aface {

// Photos packed into one .rec file, read straight from the mapped file.
class RecordPhotos : public PhotoSource {
 public:
  // `images` [num_samples] are images of `set`, `labels` [num_identities] its labels.
  RecordPhotos(std::shared_ptr<const RecordSet> set, std::vector<std::int64_t> images,
               std::vector<std::int64_t> labels);

  std::int64_t num_identities() const override;
  std::string identity_name(std::int64_t identity) const override;
  std::string photo_name(std::int64_t sample_id) const override;   // "#key"
  std::string photo_place(std::int64_t sample_id) const override;  // "faces.rec#key"
  Result<Span<const unsigned char>> encoded(std::int64_t sample_id, PhotoBuffers& buffers) const override;
  Result<Image> read(std::int64_t sample_id, PhotoBuffers& buffers) const override;
  // Of keys, places in the file and names.
  std::uint64_t digest() const override;

 private:
  std::int64_t image_of(std::int64_t sample_id) const {
    return images_.at(static_cast<std::size_t>(sample_id));
  }

  std::shared_ptr<const RecordSet> set_;
  std::vector<std::int64_t> images_, labels_;
};

}  // namespace aface
