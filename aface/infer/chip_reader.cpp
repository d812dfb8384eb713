#include "aface/infer/chip_reader.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "aface/core/parallel.h"
#include "aface/image/image_file.h"
#include "aface/image/resample.h"

namespace aface {
namespace {

constexpr std::size_t kBlocksAhead = 2;
constexpr std::int64_t kImagesPerClaim = 4;

Window window_of(const Image& image, ChipSource::Fit fit) {
  if (fit == ChipSource::Fit::kStretch) return whole(image);
  const double side = std::min(image.width, image.height);
  return {(image.width - side) / 2, (image.height - side) / 2, side, side};
}

}  // namespace

ChipSource chips_in_folder(const std::string& root, const std::vector<std::string>& paths) {
  ChipSource source;
  source.names = paths;
  source.read = [root, paths](std::int64_t chip) {
    const std::string& path = paths[static_cast<std::size_t>(chip)];
    return read_image(root.empty() ? path : root + "/" + path);
  };
  return source;
}

ChipSource encoded_chips(std::vector<Span<const unsigned char>> images, std::vector<std::string> names) {
  ChipSource source;
  source.fit = ChipSource::Fit::kCentreSquare;
  source.read = [images = std::move(images), names](std::int64_t chip) {
    return decode_image(images[static_cast<std::size_t>(chip)], names[static_cast<std::size_t>(chip)]);
  };
  source.names = std::move(names);
  return source;
}

ChipReader::ChipReader(ChipSource source, int size_px, std::int64_t block_size, int workers)
    : source_(std::move(source)),
      size_px_(size_px),
      block_size_(block_size),
      workers_(workers),
      blocks_(kBlocksAhead),
      thread_([this] { read_all(); }) {}

ChipReader::~ChipReader() {
  blocks_.close();
  thread_.join();
}

void ChipReader::read_all() {
  try {
    const auto count = static_cast<std::int64_t>(source_.names.size());
    for (std::int64_t first = 0; first < count; first += block_size_) {
      if (!blocks_.push(read_block(first))) return;  // the consumer has gone
    }
    blocks_.close();
  } catch (...) {
    blocks_.fail(std::current_exception());
  }
}

ChipBlock ChipReader::read_block(std::int64_t first) const {
  const std::int64_t count = std::min(block_size_, static_cast<std::int64_t>(source_.names.size()) - first);
  const std::size_t chip_bytes = static_cast<std::size_t>(size_px_) * size_px_ * 3;
  ChipBlock block;
  block.first = first;
  block.pixels.resize(static_cast<std::size_t>(count) * chip_bytes);
  block.errors.resize(static_cast<std::size_t>(count));
  parallel_for(count, kImagesPerClaim, workers_, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const Result<Image> image = source_.read(first + i);
      if (image.ok()) {
        resample(image.value(), window_of(image.value(), source_.fit), Mirror::kNo, nullptr, size_px_,
                 size_px_, &block.pixels[at * chip_bytes]);
      } else {
        block.errors[at] = image.error();
      }
    }
  });
  return block;
}

}  // namespace aface
