#include "aface/recognise/embed_photos.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <string>
#include <thread>
#include <utility>

#include "aface/core/bounded_queue.h"
#include "aface/core/parallel.h"
#include "aface/core/stop_request.h"
#include "aface/recognise/recogniser.h"

namespace aface {
namespace {

constexpr std::size_t kBatchesAhead = 2;

struct CutPhoto {
  Result<std::vector<FaceChip>> chips = std::vector<FaceChip>();
  Sha256::Value digest{};
};

// Consecutive photos.
struct Batch {
  std::int64_t first = 0;
  std::vector<CutPhoto> photos;
};

// Fills batches in order on threads of its own, until it is destroyed.
class BatchReader {
 public:
  BatchReader(const PhotoInput& input, const FaceCutter& cutter, const EmbedPhotosOptions& options)
      : input_(input), cutter_(cutter), options_(options), batches_(kBatchesAhead), thread_([this] {
          read_all();
        }) {}
  BatchReader(const BatchReader&) = delete;
  BatchReader& operator=(const BatchReader&) = delete;
  ~BatchReader() {
    batches_.close();
    thread_.join();
  }

  // Nothing after the last.
  std::optional<Batch> next() { return batches_.pop(); }

 private:
  void read_all() {
    try {
      for (std::int64_t first = 0; first < input_.count; first += options_.batch_size) {
        if (!batches_.push(read(first))) return;  // nobody waits for it
      }
      batches_.close();
    } catch (...) {
      batches_.fail(std::current_exception());
    }
  }

  Batch read(std::int64_t first) const {
    const std::int64_t count = std::min(options_.batch_size, input_.count - first);
    Batch batch;
    batch.first = first;
    batch.photos.resize(static_cast<std::size_t>(count));
    parallel_for(count, 1, options_.workers, [&](std::int64_t begin, std::int64_t end) {
      PhotoBuffers buffers;
      for (std::int64_t i = begin; i < end; ++i) {
        if (stop_requested()) return;  // whoever waits for the batch says so
        batch.photos[static_cast<std::size_t>(i)] = cut(first + i, buffers);
      }
    });
    return batch;
  }

  CutPhoto cut(std::int64_t photo, PhotoBuffers& buffers) const {
    const auto bytes = input_.photos->encoded(photo, buffers);
    if (!bytes.ok()) return {bytes.error()};
    CutPhoto done = {cutter_.cut(bytes.value(), input_.photos->photo_place(photo))};
    if (options_.digests) done.digest = sha256(bytes.value().data(), bytes.value().size());
    return done;
  }

  const PhotoInput& input_;
  const FaceCutter& cutter_;
  const EmbedPhotosOptions options_;
  BoundedQueue<Batch> batches_;
  std::thread thread_;
};

std::vector<std::uint8_t> pixels_of(const Batch& batch) {
  std::vector<std::uint8_t> pixels;
  for (const CutPhoto& photo : batch.photos) {
    if (!photo.chips.ok()) continue;
    for (const FaceChip& chip : photo.chips.value())
      pixels.insert(pixels.end(), chip.chip.pixels.begin(), chip.chip.pixels.end());
  }
  return pixels;
}

void require_finite(const RowMatrix& rows, const std::string& place) {
  const float* end = rows.data + rows.rows * rows.dim;
  if (std::all_of(rows.data, end, [](float value) { return std::isfinite(value); })) return;
  throw Error(ErrorKind::kData,
              fmt::format("embedding of '{}' is not finite; the network's weights look damaged or "
                          "diverged, take an earlier model",
                          place));
}

}  // namespace

EmbedPixels embedding_by(std::shared_ptr<const Recogniser> recogniser) {
  return [recogniser](Span<const std::uint8_t> pixels, std::int64_t count, float* rows) {
    recogniser->embed_pixels(pixels.data(), count, rows);
  };
}

void embed_photos(const PhotoInput& input, const FaceCutter& cutter, std::int64_t dim,
                  const EmbedPixels& embed, const EmbedPhotosOptions& options,
                  const std::function<void(const PhotoRows&)>& take) {
  if (options.batch_size < 1 || options.workers < 1) {
    throw Error(ErrorKind::kUsage,
                fmt::format("embedding: batch size {} and {} workers (expected at least 1 of each)",
                            options.batch_size, options.workers));
  }
  const std::size_t chip_bytes =
      static_cast<std::size_t>(cutter.options().size_px) * cutter.options().size_px * 3;
  BatchReader reader(input, cutter, options);
  std::vector<float> values;
  while (const std::optional<Batch> batch = reader.next()) {
    throw_if_stopped();
    const std::vector<std::uint8_t> pixels = pixels_of(*batch);
    const std::size_t count = pixels.size() / chip_bytes;
    values.resize(count * static_cast<std::size_t>(dim));
    if (count > 0) embed(pixels, static_cast<std::int64_t>(count), values.data());
    const float* next = values.data();
    for (std::size_t i = 0; i < batch->photos.size(); ++i) {
      const auto& photo = batch->photos[i].chips;
      PhotoRows rows;
      rows.digest = batch->photos[i].digest;
      rows.photo = batch->first + static_cast<std::int64_t>(i);
      rows.rows = {next, photo.ok() ? photo.value().size() : 0, static_cast<std::size_t>(dim)};
      if (photo.ok()) {
        for (const FaceChip& chip : photo.value()) rows.faces.push_back(chip.face);
        require_finite(rows.rows, input.photos->photo_place(rows.photo));
      } else {
        rows.error = &photo.error();
      }
      next += rows.rows.rows * rows.rows.dim;
      take(rows);
    }
  }
}

}  // namespace aface
