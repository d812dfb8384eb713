#include "apps/adaptiveface/unused_photos.h"

#include "aface/core/log.h"

namespace aface {
namespace {

constexpr std::size_t kWarnings = 3;

}  // namespace

void UnusedPhotos::add(const PhotoInput& input, std::int64_t photo, const Error& error) {
  if (!rule_.covers(error)) throw error;
  const std::string place = input.photos->photo_place(photo);
  list_.push_back({input.photos->photo_name(photo), reason_of(error, place)});
  if (list_.size() <= kWarnings) log_warning(area_, "left out: {}: {}", place, list_.back().reason);
}

void UnusedPhotos::tell_number() const {
  if (list_.size() > kWarnings) log_warning(area_, "left out: {} photos in all", list_.size());
}

}  // namespace aface
