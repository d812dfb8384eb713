#include "aface/synth/drawn_photos.h"

#include <fmt/core.h>

#include <memory>
#include <utility>

#include "aface/core/digest.h"
#include "aface/synth/draw_photo.h"
#include "aface/synth/synthetic_faces.h"

namespace aface {
namespace {

const SynthOptions& checked(const SynthOptions& options) {
  check_synth_options(options);
  return options;
}

}  // namespace

DrawnPhotos::DrawnPhotos(const SynthOptions& options) : options_(checked(options)), plan_(options_) {}

std::string DrawnPhotos::identity_name(std::int64_t identity) const { return synth::person_name(identity); }

std::string DrawnPhotos::photo_name(std::int64_t sample_id) const {
  const auto [identity, photo] = plan_.shown(sample_id);
  return fmt::format("{}#{}", synth::person_name(identity), photo + 1);
}

Result<Image> DrawnPhotos::read(std::int64_t sample_id, PhotoBuffers& /*buffers*/) const {
  const auto [identity, photo] = plan_.shown(sample_id);
  return synth::draw_photo(options_, identity, photo);
}

std::uint64_t DrawnPhotos::digest() const {
  Digest digest;
  digest.add(fmt::format("drawn {} {} {} {} {} {} {} {} {}", synth::kDrawingVersion, options_.identities,
                         options_.images, options_.zipf_exponent, options_.min_images, options_.hardness,
                         options_.label_noise, options_.size, options_.seed));
  return digest.value();
}

FaceDataset drawn_faces(const SynthOptions& options) {
  auto photos = std::make_shared<DrawnPhotos>(options);
  FaceDataset dataset;
  dataset.place = "faces drawn when they are needed";
  dataset.identities = photos->plan().labels();
  dataset.photos = std::move(photos);
  return dataset;
}

}  // namespace aface
