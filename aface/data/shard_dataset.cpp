#include <utility>

#include "aface/data/dataset_sources.h"
#include "aface/data/shard_photos.h"

namespace aface {

FaceDataset dataset_of_shards(const DataOptions& options, std::int64_t fewest_identities) {
  const auto shards = std::make_shared<const TarShards>(options.root);
  const std::vector<std::string>& all_names = shards->identity_names();
  std::vector<std::int64_t> images_of(all_names.size(), 0);
  for (std::int64_t i = 0; i < shards->num_images(); ++i)
    ++images_of[static_cast<std::size_t>(shards->identity(i))];
  const std::vector<std::int64_t> id_of =
      number_identities(images_of, options, options.root, fewest_identities);

  FaceDataset dataset;
  dataset.place = options.root;
  std::vector<std::int64_t> images;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < id_of.size(); ++i) {
    if (id_of[i] >= 0) names.push_back(all_names[i]);
  }
  for (std::int64_t i = 0; i < shards->num_images(); ++i) {
    const std::int64_t id = id_of[static_cast<std::size_t>(shards->identity(i))];
    if (id < 0) continue;
    images.push_back(i);
    dataset.identities.push_back(id);
  }
  dataset.photos = std::make_shared<ShardPhotos>(shards, std::move(images), std::move(names));
  return dataset;
}

}  // namespace aface
