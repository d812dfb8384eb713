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

}  // namespace

ChipReader::ChipReader(std::string root, const std::vector<std::string>& paths, int size_px,
                       std::int64_t block_size, int workers)
    : root_(std::move(root)),
      paths_(paths),
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
    const auto count = static_cast<std::int64_t>(paths_.size());
    for (std::int64_t first = 0; first < count; first += block_size_) {
      if (!blocks_.push(read_block(first))) return;  // the consumer has gone
    }
    blocks_.close();
  } catch (...) {
    blocks_.fail(std::current_exception());
  }
}

ChipBlock ChipReader::read_block(std::int64_t first) const {
  const std::int64_t count = std::min(block_size_, static_cast<std::int64_t>(paths_.size()) - first);
  const std::size_t chip_bytes = static_cast<std::size_t>(size_px_) * size_px_ * 3;
  ChipBlock block;
  block.first = first;
  block.pixels.resize(static_cast<std::size_t>(count) * chip_bytes);
  block.errors.resize(static_cast<std::size_t>(count));
  parallel_for(count, kImagesPerClaim, workers_, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const std::string& path = paths_[static_cast<std::size_t>(first + i)];
      const Result<Image> image = read_image(root_.empty() ? path : root_ + "/" + path);
      if (image.ok()) {
        resample(image.value(), whole(image.value()), Mirror::kNo, nullptr, size_px_, size_px_,
                 &block.pixels[at * chip_bytes]);
      } else {
        block.errors[at] = image.error();
      }
    }
  });
  return block;
}

}  // namespace aface
