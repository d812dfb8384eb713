#include "aface/data/face_dataset.h"

#include <fmt/core.h>

#include <filesystem>

#include "aface/core/digest.h"
#include "aface/core/error.h"
#include "aface/data/dataset_sources.h"

namespace aface {

std::vector<std::int64_t> number_identities(const std::vector<std::int64_t>& images_of,
                                            const DataOptions& options, const std::string& place,
                                            std::int64_t fewest_identities) {
  std::vector<std::int64_t> id_of(images_of.size(), -1);
  std::int64_t kept = 0, found = 0;
  for (std::size_t i = 0; i < images_of.size(); ++i) {
    found += images_of[i] > 0;
    if (images_of[i] > 0 && images_of[i] >= options.min_images) id_of[i] = kept++;
  }
  if (kept >= fewest_identities) return id_of;
  throw Error(
      ErrorKind::kData,
      fmt::format(
          "{}: {} identities (expected at least {}; {} found before data.min_images = {}); {}", place, kept,
          fewest_identities, found, options.min_images,
          found < fewest_identities ? "give one sub-folder or name per identity" : "lower data.min_images"));
}

FaceDataset load_dataset(const DataOptions& options, std::int64_t fewest_identities) {
  if (is_built_in(options)) {
    throw Error(ErrorKind::kUsage,
                fmt::format("data.source = '{}' is not read from files (expected folder, list, rec or tar)",
                            options.source));
  }
  if (options.root.empty())
    throw Error(ErrorKind::kUsage, "data.root is empty; name the folder or file of the images");
  if (options.source == "tar") return dataset_of_shards(options, fewest_identities);
  if (options.source == "rec") return dataset_of_records(options, fewest_identities);
  return dataset_of_files(options, fewest_identities);
}

std::string source_of(const std::string& root) {
  const auto ends_in = [](const std::filesystem::path& path, const char* end) {
    return path.extension() == end;
  };
  if (ends_in(root, ".rec")) return "rec";
  if (ends_in(root, ".tar")) return "tar";
  std::error_code no_folder;
  for (const auto& entry : std::filesystem::directory_iterator(root, no_folder)) {
    if (ends_in(entry.path(), ".tar")) return "tar";
  }
  return "folder";
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
