#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "aface/core/bounded_queue.h"
#include "aface/core/error.h"

namespace aface {

// Consecutive chips of a list, decoded and resized.
struct ChipBlock {
  std::int64_t first = 0;                    // index of the first path
  std::vector<std::uint8_t> pixels;          // [count, size_px, size_px, 3], RGB; zero where an image is bad
  std::vector<std::optional<Error>> errors;  // [count]
};

// Decodes a list of chips block by block, in order, a few blocks ahead of the one thread that calls next().
class ChipReader {
 public:
  // `root` may be empty. `paths` must outlive the reader; `workers` >= 1 threads decode.
  ChipReader(std::string root, const std::vector<std::string>& paths, int size_px, std::int64_t block_size,
             int workers);
  ~ChipReader();  // stops decoding, finished or not

  // Nothing after the last block.
  std::optional<ChipBlock> next() { return blocks_.pop(); }

 private:
  void read_all();
  ChipBlock read_block(std::int64_t first) const;

  const std::string root_;
  const std::vector<std::string>& paths_;
  const int size_px_;
  const std::int64_t block_size_;
  const int workers_;
  BoundedQueue<ChipBlock> blocks_;
  std::thread thread_;
};

}  // namespace aface
