#include "aface/data/photo_input.h"

#include <fmt/core.h>

#include <filesystem>
#include <numeric>
#include <utility>
#include <vector>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/log.h"
#include "aface/data/bin_photos.h"
#include "aface/data/face_dataset.h"
#include "aface/data/file_photos.h"
#include "aface/data/record_photos.h"
#include "aface/data/shard_photos.h"
#include "aface/io/text_list.h"

namespace aface {
namespace {

namespace fs = std::filesystem;

std::vector<std::int64_t> all_of(std::int64_t count) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

PhotoInput records(const std::string& path) {
  const auto set = std::make_shared<const RecordSet>(path);
  for (const std::string& remark : set->remarks()) log_warning("data", "{}", remark);
  const std::int64_t count = set->num_images();
  return {std::make_shared<RecordPhotos>(set, all_of(count), std::vector<std::int64_t>()), count};
}

PhotoInput shards(const std::string& place) {
  const auto set = std::make_shared<const TarShards>(place, TarLabels::kIgnored);
  const std::int64_t count = set->num_images();
  return {std::make_shared<ShardPhotos>(set, all_of(count), std::vector<std::string>()), count};
}

PhotoInput verification_set(const std::string& path) {
  auto photos = std::make_shared<BinPhotos>(path);
  const std::int64_t count = photos->num_photos();
  if (count == 0) throw Error(ErrorKind::kData, path + ": the set holds no pictures");
  return {std::move(photos), count};
}

}  // namespace

PhotoInput photos_at(const std::string& root, std::vector<std::string> paths) {
  const auto count = static_cast<std::int64_t>(paths.size());
  return {std::make_shared<FilePhotos>(root, std::move(paths), std::vector<std::string>()), count};
}

PhotoInput open_photos(const std::string& place, const std::string& list) {
  if (!list.empty()) {
    if (!place.empty() && !folder_exists(place)) {
      throw Error(ErrorKind::kIo,
                  fmt::format("{}: no such folder; it is what the paths of {} are relative to", place, list));
    }
    return photos_at(place, read_text_list(list));
  }
  const std::string source = source_of(place);
  if (source == "rec") return records(place);
  if (source == "tar") return shards(place);
  if (folder_exists(place)) return photos_at(place, list_images(place));
  if (!file_exists(place)) {
    throw Error(ErrorKind::kIo, place + ": no such folder or file; check where the photos are");
  }
  if (fs::path(place).extension() == ".bin") return verification_set(place);
  const fs::path photo(place);
  return photos_at(photo.parent_path().string(), {photo.filename().string()});
}

}  // namespace aface
