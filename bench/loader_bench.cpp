// How fast chips get from the disk to the network: decoding, resizing, augmenting and the loader as a whole.
#include <benchmark/benchmark.h>

#include <cmath>
#include <string>

#include "aface/core/random.h"
#include "aface/data/batch_loader.h"
#include "aface/image/align.h"
#include "aface/image/augment.h"
#include "aface/image/image_file.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

constexpr int kChipPx = 112;
constexpr int kNetworkPx = 64;

// Smooth shading plus a little noise: compresses about as well as a photo.
Image photo_like(int size_px, std::uint64_t seed) {
  Random random(seed);
  Image image(size_px, size_px);
  for (int y = 0; y < size_px; ++y) {
    for (int x = 0; x < size_px; ++x) {
      const double shade = 128 + 60 * std::sin(x * 0.09 + double(seed)) + 40 * std::cos(y * 0.12);
      for (int c = 0; c < 3; ++c) {
        image.at(x, y)[c] =
            static_cast<std::uint8_t>(std::min(255.0, std::max(0.0, shade + 5 * random.normal())));
      }
    }
  }
  return image;
}

AugmentOptions everything() {
  AugmentOptions options;
  options.flip = options.crop = options.low_resolution = options.grey = options.colour = options.cutout = 1;
  return options;
}

void decode_jpeg_chip(benchmark::State& state) {
  const auto bytes = encode_jpeg(photo_like(kChipPx, 1), 95);
  Image image;
  for (auto _ : state) {
    image = decode_image(bytes, "bench", std::move(image)).value();
    benchmark::DoNotOptimize(image.pixels.data());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(decode_jpeg_chip);

void resize_chip(benchmark::State& state) {
  const Image chip = photo_like(kChipPx, 1);
  for (auto _ : state) benchmark::DoNotOptimize(resize(chip, kNetworkPx, kNetworkPx).pixels.data());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(resize_chip);

void augment_chip(benchmark::State& state, const AugmentOptions& options) {
  const Image chip = photo_like(kChipPx, 1);
  Random random(1);
  std::vector<std::uint8_t> out(static_cast<std::size_t>(kNetworkPx) * kNetworkPx * 3);
  for (auto _ : state) {
    augment(chip, draw_augmentation(options, random), kNetworkPx, out.data());
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(augment_chip, flip_only, AugmentOptions());
BENCHMARK_CAPTURE(augment_chip, everything, everything());

void align_photo(benchmark::State& state) {
  const Image photo = photo_like(250, 1);
  Landmarks landmarks = chip_template(kChipPx);
  for (auto& p : landmarks) p = {p.x + 60, p.y + 70};
  for (auto _ : state) benchmark::DoNotOptimize(align_face(photo, landmarks, kChipPx).value().pixels.data());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(align_photo);

// Images per second of wall time from warm files; the argument is the number of workers.
void load_batches(benchmark::State& state) {
  constexpr std::int64_t kPeople = 16, kImagesEach = 32, kBatch = 128;
  const test::TempDir dir;
  for (std::int64_t p = 0; p < kPeople; ++p) {
    for (std::int64_t i = 0; i < kImagesEach; ++i) {
      const auto bytes =
          encode_jpeg(photo_like(kChipPx, static_cast<std::uint64_t>(p * kImagesEach + i)), 95);
      dir.write(std::to_string(p) + "/" + std::to_string(i) + ".jpg", {bytes.begin(), bytes.end()});
    }
  }
  DataOptions options;
  options.root = dir.path();
  options.workers = state.range(0);
  const FaceDataset dataset = load_dataset(options);
  BatchLoader loader(dataset, options, everything(), kNetworkPx, 1);
  Random random(2);
  std::int64_t step = 0;
  const auto submit = [&] {
    BatchPlan plan;
    plan.step = step++;
    for (std::int64_t i = 0; i < kBatch; ++i) plan.sample_ids.push_back(random.below(dataset.num_samples()));
    loader.submit(std::move(plan));
  };
  for (std::int64_t i = 0; i < options.prefetch; ++i) submit();
  for (auto _ : state) {
    Batch batch = loader.next();
    benchmark::DoNotOptimize(batch.pixels.data());
    loader.recycle(std::move(batch));
    submit();
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
}
BENCHMARK(load_batches)->Arg(1)->Arg(2)->UseRealTime();

}  // namespace
}  // namespace aface
