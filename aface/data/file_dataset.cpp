#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/parallel.h"
#include "aface/data/dataset_sources.h"
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

FaceDataset dataset_of_files(const DataOptions& options, std::int64_t fewest_identities) {
  if (!folder_exists(options.root)) {
    throw Error(ErrorKind::kIo,
                file_exists(options.root)
                    ? fmt::format("{}: is a file, no folder; for a packed file set data.source to rec or tar",
                                  options.root)
                    : fmt::format("{}: no such folder; check data.root", options.root));
  }
  const bool from_folder = options.source == "folder";
  std::vector<Photo> photos =
      from_folder ? photos_of_folder(options.root) : photos_of_list(options.root, options.list);
  std::sort(photos.begin(), photos.end(), [](const Photo& a, const Photo& b) { return a.path < b.path; });

  std::map<std::string, std::int64_t> number_of;  // by name, so that identity ids follow the names
  for (const auto& photo : photos) number_of[photo.identity] = 0;
  std::int64_t next = 0;
  for (auto& [name, number] : number_of) number = next++;
  std::vector<std::int64_t> images_of(number_of.size(), 0);
  for (const auto& photo : photos) ++images_of[static_cast<std::size_t>(number_of[photo.identity])];
  const std::vector<std::int64_t> id_of =
      number_identities(images_of, options, from_folder ? options.root : options.list, fewest_identities);

  FaceDataset dataset;
  dataset.place = options.root;
  std::vector<std::string> paths, names;
  for (auto& photo : photos) {
    const std::int64_t id = id_of[static_cast<std::size_t>(number_of[photo.identity])];
    if (id < 0) continue;
    paths.push_back(std::move(photo.path));
    dataset.identities.push_back(id);
  }
  for (const auto& [name, number] : number_of) {
    if (id_of[static_cast<std::size_t>(number)] >= 0) names.push_back(name);
  }
  dataset.photos = std::make_shared<FilePhotos>(options.root, std::move(paths), std::move(names));
  return dataset;
}

}  // namespace aface
