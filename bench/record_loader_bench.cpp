// The loader on a .rec file: images a second by the wall clock, from the file in the page cache to batches of
// normalised floats, one epoch in random order, as bench/peers/loader_torch.py does it.
//   record_loader_bench FILE.rec mirror|crop [workers [batch]]     (2 64)
#include <fmt/core.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "aface/core/random.h"
#include "aface/data/batch_loader.h"
#include "aface/image/normalise.h"

namespace aface::bench {
namespace {

void run(const std::string& path, bool is_cropped, std::int64_t workers, std::int64_t batch_size) {
  constexpr int kSize = 112;
  DataOptions options;
  options.source = "rec";
  options.root = path;
  options.workers = workers;
  const FaceDataset dataset = load_dataset(options);
  AugmentOptions augment;
  augment.flip = 0.5;
  augment.crop = is_cropped ? 1 : 0;

  std::vector<std::int64_t> order(static_cast<std::size_t>(dataset.num_samples()));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
  Random(1).shuffle(order);
  const std::int64_t batches = dataset.num_samples() / batch_size;
  BatchLoader loader(dataset, options, augment, kSize, 1);
  std::int64_t submitted = 0;
  const auto submit = [&] {
    if (submitted == batches) return;
    const auto begin = order.begin() + submitted * batch_size;
    loader.submit({submitted++, {begin, begin + batch_size}});
  };
  for (std::int64_t i = 0; i < options.prefetch; ++i) submit();
  std::vector<float> chips(static_cast<std::size_t>(batch_size) * kSize * kSize * 3);
  // The workers' start is not counted, nor the batches that they had made before the clock ran.
  const std::int64_t skipped = 2 * options.prefetch;
  auto start = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < batches; ++i) {
    Batch batch = loader.next();
    submit();
    normalise_pixels(batch.pixels.data(), batch.pixels.size(), chips.data());
    loader.recycle(std::move(batch));
    if (i == skipped) start = std::chrono::steady_clock::now();
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const std::int64_t images = (batches - 1 - skipped) * batch_size;
  fmt::print("this, {}, {} workers: {:.0f} images/s ({} images)\n", is_cropped ? "mirror and crop" : "mirror",
             workers, static_cast<double>(images) / seconds, images);
}

}  // namespace
}  // namespace aface::bench

int main(int argc, char** argv) {
  const std::string kind = argc > 2 ? argv[2] : "";
  if (kind != "mirror" && kind != "crop") {
    fmt::print("record_loader_bench FILE.rec mirror|crop [workers [batch]]\n");
    return 64;
  }
  aface::bench::run(argv[1], kind == "crop", argc > 3 ? std::atoll(argv[3]) : 2,
                    argc > 4 ? std::atoll(argv[4]) : 64);
}
