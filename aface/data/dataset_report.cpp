#include "aface/data/dataset_report.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "aface/core/check.h"
#include "aface/core/parallel.h"
#include "aface/core/stop_request.h"

namespace aface {
namespace {

void count_identities(const FaceDataset& dataset, DatasetReport& report) {
  std::vector<std::int64_t> counts = dataset.images_per_identity();
  AFACE_CHECK(!counts.empty(), "data set without identities");
  std::sort(counts.begin(), counts.end());
  const std::size_t n = counts.size();
  report.smallest = counts.front();
  report.largest = counts.back();
  report.median = 0.5 * static_cast<double>(counts[(n - 1) / 2] + counts[n / 2]);
  report.mean = static_cast<double>(report.images) / static_cast<double>(n);
  const auto richest = static_cast<std::ptrdiff_t>((n + 9) / 10);
  report.share_of_richest_tenth =
      static_cast<double>(std::accumulate(counts.end() - richest, counts.end(), std::int64_t{0})) /
      static_cast<double>(report.images);

  report.size_classes = {{1, 1}, {2, 2}, {3, 4}, {5, 9}, {10, 19}, {20, 49}, {50, 99}, {100, 0}};
  for (const auto count : counts) {
    const auto found = std::find_if(
        report.size_classes.begin(), report.size_classes.end(),
        [&](const SizeClass& c) { return count >= c.first && (c.last == 0 || count <= c.last); });
    ++found->identities;
    found->images += count;
  }
}

void decode_images(const FaceDataset& dataset, int threads, DatasetReport& report) {
  constexpr std::int64_t kGrain = 32;
  std::vector<std::pair<int, int>> sizes(dataset.identities.size());  // 0 x 0: unreadable
  std::vector<std::string> reasons(dataset.identities.size());
  parallel_for(dataset.num_samples(), kGrain, threads, [&](std::int64_t begin, std::int64_t end) {
    PhotoBuffers buffers;
    for (std::int64_t i = begin; i < end; ++i) {
      throw_if_stopped();
      const auto sample = static_cast<std::size_t>(i);
      Result<Image> image = dataset.photos->read(i, buffers);
      if (image.ok()) {
        sizes[sample] = {image.value().width, image.value().height};
        buffers.image = std::move(image).value();
      } else {
        reasons[sample] = image.error().what();
      }
    }
  });
  std::map<std::pair<int, int>, std::int64_t> images_of;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (reasons[i].empty()) {
      ++images_of[sizes[i]];
    } else {
      report.unreadable.push_back({dataset.photos->photo_name(static_cast<std::int64_t>(i)), reasons[i]});
    }
  }
  for (const auto& [size, images] : images_of)
    report.picture_sizes.push_back({size.first, size.second, images});
  std::stable_sort(report.picture_sizes.begin(), report.picture_sizes.end(),
                   [](const PictureSize& a, const PictureSize& b) { return a.images > b.images; });
  report.decoded = true;
}

}  // namespace

DatasetReport inspect_dataset(const FaceDataset& dataset, Decoding decoding, int threads) {
  DatasetReport report;
  report.root = dataset.place;
  report.fingerprint = dataset.fingerprint();
  report.identities = dataset.num_identities();
  report.images = dataset.num_samples();
  count_identities(dataset, report);
  if (decoding == Decoding::kAll) decode_images(dataset, threads, report);
  return report;
}

}  // namespace aface
