#include <utility>

#include "aface/core/log.h"
#include "aface/data/dataset_sources.h"
#include "aface/data/record_photos.h"

namespace aface {

FaceDataset dataset_of_records(const DataOptions& options, std::int64_t fewest_identities) {
  const auto set = std::make_shared<const RecordSet>(options.root);
  for (const std::string& remark : set->remarks()) log_warning("data", "{}", remark);
  std::vector<std::int64_t> images_of, images, labels;
  for (std::int64_t i = 0; i < set->num_images(); ++i) {
    const auto label = static_cast<std::size_t>(set->label(i));
    if (label >= images_of.size()) images_of.resize(label + 1, 0);
    ++images_of[label];
  }
  const std::vector<std::int64_t> id_of =
      number_identities(images_of, options, options.root, fewest_identities);
  for (std::size_t label = 0; label < id_of.size(); ++label) {
    if (id_of[label] >= 0) labels.push_back(static_cast<std::int64_t>(label));
  }
  FaceDataset dataset;
  dataset.place = options.root;
  for (std::int64_t i = 0; i < set->num_images(); ++i) {
    const std::int64_t id = id_of[static_cast<std::size_t>(set->label(i))];
    if (id < 0) continue;
    images.push_back(i);
    dataset.identities.push_back(id);
  }
  dataset.photos = std::make_shared<RecordPhotos>(set, std::move(images), std::move(labels));
  return dataset;
}

}  // namespace aface
