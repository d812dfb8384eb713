#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "aface/core/bounded_queue.h"
#include "aface/core/error.h"
#include "aface/core/result.h"
#include "aface/core/span.h"
#include "aface/image/image.h"

namespace aface {

// Consecutive chips of a list, decoded and resized.
struct ChipBlock {
  std::int64_t first = 0;                    // index of the first path
  std::vector<std::uint8_t> pixels;          // [count, size_px, size_px, 3], RGB; zero where an image is bad
  std::vector<std::optional<Error>> errors;  // [count]
};

// Where chips come from, for one or many threads at a time.
struct ChipSource {
  // How a chip that is not square comes to be so.
  enum class Fit {
    kStretch,      // both sides take the network's size
    kCentreSquare  // the shorter side does, the longer is cut at both ends
  };
  std::vector<std::string> names;  // what each chip is called in messages
  std::function<Result<Image>(std::int64_t chip)> read;
  Fit fit = Fit::kStretch;
};

// JPEG or PNG files under `root`, which may be empty.
ChipSource chips_in_folder(const std::string& root, const std::vector<std::string>& paths);

// Pictures in memory, encoded as JPEG or PNG. The bytes must outlive the source.
ChipSource encoded_chips(std::vector<Span<const unsigned char>> images, std::vector<std::string> names);

// Decodes a list of chips block by block, in order, a few blocks ahead of the one thread that calls next().
class ChipReader {
 public:
  // `workers` >= 1 threads decode.
  ChipReader(ChipSource source, int size_px, std::int64_t block_size, int workers);
  ~ChipReader();  // stops decoding, finished or not

  // Nothing after the last block.
  std::optional<ChipBlock> next() { return blocks_.pop(); }

 private:
  void read_all();
  ChipBlock read_block(std::int64_t first) const;

  const ChipSource source_;
  const int size_px_;
  const std::int64_t block_size_;
  const int workers_;
  BoundedQueue<ChipBlock> blocks_;
  std::thread thread_;
};

}  // namespace aface
