#include "aface/train/identity_means.h"

#include <algorithm>
#include <cmath>

#include "aface/core/log.h"
#include "aface/infer/embedder.h"

namespace aface {
namespace {

constexpr std::size_t kPhotosAtOnce = 8192;  // bounds the embeddings in memory

struct Photo {
  std::size_t place = 0;  // of its identity among those asked for
  std::int64_t sample_id = 0;
};

// By identity, and by sample within it.
std::vector<Photo> photos_of(const FaceDataset& dataset, const std::vector<std::int64_t>& identities,
                             std::int64_t images_per_identity) {
  std::vector<std::int64_t> taken(identities.size(), 0);
  std::vector<Photo> photos;
  for (std::int64_t sample = 0; sample < dataset.num_samples(); ++sample) {
    const auto found = std::lower_bound(identities.begin(), identities.end(), dataset.identity_of(sample));
    if (found == identities.end() || *found != dataset.identity_of(sample)) continue;
    const auto place = static_cast<std::size_t>(found - identities.begin());
    if (images_per_identity > 0 && taken[place] == images_per_identity) continue;
    ++taken[place];
    photos.push_back({place, sample});
  }
  std::stable_sort(photos.begin(), photos.end(),
                   [](const Photo& a, const Photo& b) { return a.place < b.place; });
  return photos;
}

ChipSource chips_of(const FaceDataset& dataset, const Photo* photos, std::size_t count) {
  ChipSource source;
  std::vector<std::int64_t> samples;
  for (std::size_t i = 0; i < count; ++i) {
    samples.push_back(photos[i].sample_id);
    source.names.push_back(dataset.photos->photo_place(photos[i].sample_id));
  }
  source.read = [&dataset, samples = std::move(samples)](std::int64_t chip) {
    thread_local PhotoBuffers buffers;
    return dataset.photos->read(samples[static_cast<std::size_t>(chip)], buffers);
  };
  return source;
}

double length_of(const double* values, std::size_t dim) {
  double squares = 0;
  for (std::size_t d = 0; d < dim; ++d) squares += values[d] * values[d];
  return std::sqrt(squares);
}

// The sum of one identity's embeddings, as they come.
class Sum {
 public:
  explicit Sum(std::size_t dim) : values_(dim), row_(dim) {}

  void add(const float* embedding) {
    std::copy_n(embedding, row_.size(), row_.begin());
    const double length = length_of(row_.data(), row_.size());
    if (!(length > 0)) return;
    for (std::size_t d = 0; d < row_.size(); ++d) values_[d] += row_[d] / length;
  }
  // Its direction into out; false if it has none. Starts anew.
  bool take(float* out) {
    constexpr double kNothing = 1e-6;
    const double length = length_of(values_.data(), values_.size());
    const bool has_direction = length > kNothing;
    for (std::size_t d = 0; d < values_.size(); ++d) {
      if (has_direction) out[d] = static_cast<float>(values_[d] / length);
      values_[d] = 0;
    }
    return has_direction;
  }

 private:
  std::vector<double> values_, row_;
};

}  // namespace

IdentityMeans identity_means(Backbone& backbone, const FaceDataset& dataset,
                             const std::vector<std::int64_t>& identities, std::int64_t images_per_identity,
                             const DataOptions& options) {
  const std::vector<Photo> photos = photos_of(dataset, identities, images_per_identity);
  EmbedOptions embed;
  embed.workers = static_cast<int>(options.workers);
  embed.on_bad_image = options.on_bad_image == "skip" ? OnBadImage::kSkip : OnBadImage::kFail;
  IdentityMeans means;
  means.has_mean.assign(identities.size(), 0);
  for (std::size_t begin = 0; begin < photos.size();) {
    // To the end of an identity, so that its sum is complete.
    std::size_t end = std::min(photos.size(), begin + kPhotosAtOnce);
    while (end < photos.size() && photos[end].place == photos[end - 1].place) ++end;
    const EmbeddingMatrix rows = embed_chips(backbone, chips_of(dataset, &photos[begin], end - begin), embed);
    const auto dim = static_cast<std::size_t>(rows.dim);
    if (means.rows.empty()) means.rows.assign(identities.size() * dim, 0.0F);
    Sum sum(dim);
    for (std::size_t r = 0; r < rows.path_ids.size(); ++r) {
      const std::size_t place = photos[begin + static_cast<std::size_t>(rows.path_ids[r])].place;
      sum.add(rows.values.data() + r * dim);
      const bool is_last = r + 1 == rows.path_ids.size() ||
                           photos[begin + static_cast<std::size_t>(rows.path_ids[r + 1])].place != place;
      if (is_last) means.has_mean[place] = sum.take(&means.rows[place * dim]) ? 1 : 0;
    }
    begin = end;
    log_info("start", "{} of {} photos embedded for the prototypes of new identities", end, photos.size());
  }
  return means;
}

}  // namespace aface
