#include "aface/data/face_dataset.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "aface/core/digest.h"
#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/parallel.h"
#include "aface/data/file_photos.h"
#include "aface/data/folder_scan.h"
#include "aface/io/identity_list.h"

namespace aface {
namespace {

struct Photo {
  std::string path;
  std::string identity;
};

std::vector<Photo> photos_of_folder(const std::string& root) {
  std::vector<Photo> photos;
  for (const auto& identity : scan_identity_folders(root)) {
    if (identity.images.empty()) {
      throw Error(ErrorKind::kData,
                  fmt::format("{}/{}: no images (expected .jpg, .jpeg or .png); fill or remove the folder",
                              root, identity.name));
    }
    for (const auto& image : identity.images) photos.push_back({image, identity.name});
  }
  return photos;
}

void check_not_listed_twice(const std::string& list, std::vector<IdentityRow>& rows) {
  std::sort(rows.begin(), rows.end(),
            [](const auto& a, const auto& b) { return std::tie(a.path, a.line) < std::tie(b.path, b.line); });
  const auto twice = std::adjacent_find(rows.begin(), rows.end(),
                                        [](const auto& a, const auto& b) { return a.path == b.path; });
  if (twice == rows.end()) return;
  const IdentityRow& again = *(twice + 1);
  throw Error(ErrorKind::kData,
              fmt::format("{}:{}: '{}' is listed twice (first on line {}, as '{}', now as '{}'); keep one",
                          list, again.line, again.path, twice->line, twice->identity, again.identity));
}

void check_listed_files_exist(const std::string& root, const std::string& list,
                              const std::vector<IdentityRow>& rows) {
  constexpr std::int64_t kGrain = 256;
  std::vector<char> missing(rows.size(), 0);
  parallel_for(static_cast<std::int64_t>(rows.size()), kGrain, 0, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      missing[i] = !file_exists(root + "/" + rows[i].path);
    }
  });
  const auto first = std::find(missing.begin(), missing.end(), 1);
  if (first == missing.end()) return;
  const IdentityRow& row = rows[static_cast<std::size_t>(first - missing.begin())];
  throw Error(
      ErrorKind::kData,
      fmt::format("{}:{}: '{}' is not a file below {} ({} of {} listed files are missing); check the root or "
                  "the list",
                  list, row.line, row.path, root, std::count(missing.begin(), missing.end(), 1),
                  rows.size()));
}

std::vector<Photo> photos_of_list(const std::string& root, const std::string& list) {
  if (list.empty())
    throw Error(ErrorKind::kUsage, "data.list is empty; name the list file that source = list reads");
  std::vector<IdentityRow> rows = read_identity_list(list);
  check_not_listed_twice(list, rows);
  check_listed_files_exist(root, list, rows);
  std::vector<Photo> photos;
  photos.reserve(rows.size());
  for (auto& row : rows) photos.push_back({std::move(row.path), std::move(row.identity)});
  return photos;
}

}  // namespace

FaceDataset load_dataset(const DataOptions& options) {
  if (options.source != "folder" && options.source != "list") {
    throw Error(
        ErrorKind::kUsage,
        fmt::format("data.source = '{}' is not read from files (expected folder or list)", options.source));
  }
  if (options.root.empty())
    throw Error(ErrorKind::kUsage, "data.root is empty; name the folder of the images");
  if (!folder_exists(options.root)) {
    throw Error(ErrorKind::kIo, fmt::format("{}: no such folder; check data.root", options.root));
  }
  const bool from_folder = options.source == "folder";
  std::vector<Photo> photos =
      from_folder ? photos_of_folder(options.root) : photos_of_list(options.root, options.list);
  std::sort(photos.begin(), photos.end(), [](const Photo& a, const Photo& b) { return a.path < b.path; });

  std::map<std::string, std::int64_t> images_of;  // by name, so that identity ids follow the names
  for (const auto& photo : photos) ++images_of[photo.identity];
  const std::size_t num_found = images_of.size();

  std::vector<std::string> names;
  std::map<std::string, std::int64_t> id_of;
  for (const auto& [name, images] : images_of) {
    if (images < options.min_images) continue;
    id_of[name] = static_cast<std::int64_t>(names.size());
    names.push_back(name);
  }
  if (names.size() < 2) {
    throw Error(
        ErrorKind::kData,
        fmt::format("{}: {} identities (expected at least 2; {} found before data.min_images = {}); {}",
                    from_folder ? options.root : options.list, names.size(), num_found, options.min_images,
                    num_found < 2 ? "give one sub-folder or name per identity" : "lower data.min_images"));
  }
  FaceDataset dataset;
  dataset.place = options.root;
  std::vector<std::string> paths;
  for (auto& photo : photos) {
    const auto id = id_of.find(photo.identity);
    if (id == id_of.end()) continue;
    paths.push_back(std::move(photo.path));
    dataset.identities.push_back(id->second);
  }
  dataset.photos = std::make_shared<FilePhotos>(options.root, std::move(paths), std::move(names));
  return dataset;
}

std::vector<std::int64_t> FaceDataset::images_per_identity() const {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(num_identities()), 0);
  for (const auto identity : identities) ++counts[static_cast<std::size_t>(identity)];
  return counts;
}

std::string FaceDataset::fingerprint() const {
  Digest digest;
  digest.add(photos->digest());
  for (const std::int64_t identity : identities) digest.add(static_cast<std::uint64_t>(identity));
  return fmt::format("{}-{}-{:016x}", num_identities(), num_samples(), digest.value());
}

}  // namespace aface
