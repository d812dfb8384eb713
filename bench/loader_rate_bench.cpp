// What the loader makes of the decoder's rate: from JPEG bytes in memory to batches of normalised floats
// [batch, size, size, 3], against libjpeg-turbo alone on the same bytes, turn by turn.
//   loader_rate_bench FOLDER [rounds [workers [quality]]]     (5 1 0)
// FOLDER: an identity a sub-folder, JPEG chips of one size. quality: encode them anew; 0: as they are.
// Images per second of processor time, so that threads of the loader and of the consumer both count; with the
// consumer's wall clock beside it.
#include <fmt/core.h>
#include <turbojpeg.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aface/core/file.h"
#include "aface/core/random.h"
#include "aface/data/batch_loader.h"
#include "aface/image/image_file.h"
#include "aface/image/normalise.h"
#include "bench/laps.h"

namespace aface::bench {
namespace {

constexpr std::int64_t kBatch = 64;

// A data set's files, read once.
class PhotosInMemory : public PhotoSource {
 public:
  PhotosInMemory(const FaceDataset& files, int quality) : files_(files.photos) {
    for (std::int64_t i = 0; i < files.num_samples(); ++i) {
      encoded_.push_back(read_binary_file(files.photos->photo_place(i)));
      if (quality > 0)
        encoded_.back() = encode_jpeg(decode_image(encoded_.back(), "memory").value(), quality);
    }
  }
  const std::vector<std::vector<unsigned char>>& encoded() const { return encoded_; }

  std::int64_t num_identities() const override { return files_->num_identities(); }
  std::string identity_name(std::int64_t identity) const override { return files_->identity_name(identity); }
  std::string photo_name(std::int64_t sample_id) const override { return files_->photo_name(sample_id); }
  std::uint64_t digest() const override { return files_->digest(); }
  Result<Image> read(std::int64_t sample_id, PhotoBuffers& buffers) const override {
    return decode_image(encoded_[static_cast<std::size_t>(sample_id)], "memory", std::move(buffers.image));
  }

 private:
  std::shared_ptr<const PhotoSource> files_;
  std::vector<std::vector<unsigned char>> encoded_;
};

struct Rate {
  double per_cpu_s = 0;
  double per_s = 0;
};

class Clocks {
 public:
  Rate rate(std::int64_t images) const {
    const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - wall_).count();
    return {static_cast<double>(images) / (cpu_seconds() - cpu_), static_cast<double>(images) / wall};
  }

 private:
  static double cpu_seconds() {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  }
  double cpu_ = cpu_seconds();
  std::chrono::steady_clock::time_point wall_ = std::chrono::steady_clock::now();
};

Rate raw_decoder(const PhotosInMemory& photos, int size_px) {
  const tjhandle decoder = tjInitDecompress();
  std::vector<unsigned char> pixels(static_cast<std::size_t>(size_px) * size_px * 3);
  const Clocks clocks;
  for (const auto& bytes : photos.encoded()) {
    if (tjDecompress2(decoder, bytes.data(), bytes.size(), pixels.data(), size_px, 0, size_px, TJPF_RGB, 0) !=
        0) {
      fmt::print("raw decoder: {}\n", tjGetErrorStr2(decoder));
      std::exit(1);
    }
  }
  const Rate rate = clocks.rate(static_cast<std::int64_t>(photos.encoded().size()));
  tjDestroy(decoder);
  return rate;
}

Rate loader(const FaceDataset& dataset, const AugmentOptions& augment, int size_px, std::int64_t workers) {
  DataOptions options;
  options.workers = workers;
  std::vector<std::int64_t> order(static_cast<std::size_t>(dataset.num_samples()));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
  Random(1).shuffle(order);
  BatchLoader batches(dataset, options, augment, size_px, 1);
  std::vector<float> chips(static_cast<std::size_t>(kBatch) *
                           static_cast<std::size_t>(size_px * size_px * 3));
  std::size_t place = 0;
  std::int64_t step = 0, waiting = 0, images = 0;
  const auto submit = [&] {
    if (place == order.size()) return;
    const std::size_t end = std::min(order.size(), place + kBatch);
    batches.submit({step++,
                    {order.begin() + static_cast<std::ptrdiff_t>(place),
                     order.begin() + static_cast<std::ptrdiff_t>(end)}});
    place = end;
    ++waiting;
  };
  const Clocks clocks;
  for (std::int64_t i = 0; i < options.prefetch; ++i) submit();
  while (waiting > 0) {
    Batch batch = batches.next();
    --waiting;
    submit();
    normalise_pixels(batch.pixels.data(), batch.pixels.size(), chips.data());
    images += batch.count();
    batches.recycle(std::move(batch));
  }
  return clocks.rate(images);
}

AugmentOptions everything() {
  AugmentOptions options;
  options.flip = 0.5;
  options.crop = 0.8;
  options.low_resolution = 0.3;
  options.grey = 0.05;
  options.colour = 0.4;
  options.cutout = 0.2;
  return options;
}

AugmentOptions crops() {
  AugmentOptions options;
  options.flip = 0.5;
  options.crop = 1;
  return options;
}

AugmentOptions colours() {
  AugmentOptions options;
  options.flip = 0.5;
  options.colour = 1;
  return options;
}

void print_line(const char* name, const std::vector<Rate>& rates, const std::vector<Rate>& raw) {
  std::vector<double> cpu, wall, share;
  for (std::size_t i = 0; i < rates.size(); ++i) {
    cpu.push_back(rates[i].per_cpu_s);
    wall.push_back(rates[i].per_s);
    share.push_back(100 * rates[i].per_cpu_s / raw[i].per_cpu_s);
  }
  fmt::print(
      "{:<28} {:8.0f} images per processor second, {:8.0f} a second; {:5.1f} % [{:.1f} .. {:.1f}] of the "
      "decoder\n",
      name, median(cpu), median(wall), median(share), *std::min_element(share.begin(), share.end()),
      *std::max_element(share.begin(), share.end()));
}

void run(const std::string& folder, int rounds, std::int64_t workers, int quality) {
  DataOptions options;
  options.root = folder;
  FaceDataset dataset = load_dataset(options);
  const auto photos = std::make_shared<PhotosInMemory>(dataset, quality);
  dataset.photos = photos;
  const Image first = decode_image(photos->encoded().front(), "first").value();
  double bytes = 0;
  for (const auto& encoded : photos->encoded()) bytes += static_cast<double>(encoded.size());
  fmt::print("{} JPEG of {} px, {:.0f} bytes on average; batch {}, {} workers\n", dataset.num_samples(),
             first.width, bytes / static_cast<double>(dataset.num_samples()), kBatch, workers);
  AugmentOptions plain;
  plain.flip = 0;
  struct Contestant {
    const char* name;
    AugmentOptions augment;
    std::vector<Rate> rates;
  };
  std::vector<Contestant> contestants = {{"loader, as it is", plain, {}},
                                         {"loader, mirror", AugmentOptions(), {}},
                                         {"loader, mirror and crop", crops(), {}},
                                         {"loader, mirror and colour", colours(), {}},
                                         {"loader, all augmentation", everything(), {}}};
  std::vector<Rate> raw;
  for (int round = 0; round < rounds; ++round) {
    raw.push_back(raw_decoder(*photos, first.width));
    for (Contestant& one : contestants)
      one.rates.push_back(loader(dataset, one.augment, first.width, workers));
  }
  print_line("decoder alone", raw, raw);
  for (const Contestant& one : contestants) print_line(one.name, one.rates, raw);
}

}  // namespace
}  // namespace aface::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print("loader_rate_bench FOLDER [rounds [workers [quality]]]\n");
    return 64;
  }
  aface::bench::run(argv[1], argc > 2 ? std::atoi(argv[2]) : 5, argc > 3 ? std::atoll(argv[3]) : 1,
                    argc > 4 ? std::atoi(argv[4]) : 0);
}
