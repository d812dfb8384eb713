#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace aface {

// A [rows, columns] matrix of cosines in 24-bit fixed point, in blocks of columns: what the gradients need of the
// forward products, at three quarters of their size and at the precision that float32 products have (steps of
// 1.2e-7). Threads may write and read different blocks at the same time.
class CosineCache {
 public:
  CosineCache() = default;
  CosineCache(std::size_t rows, std::size_t columns, std::size_t block);

  // Row i of the block that starts at column `first`, a multiple of `block`; `count` values, those outside [-1, 1]
  // moved to its ends.
  void put(std::size_t row, std::size_t first, std::size_t count, const float* cosines);
  // Columns [first, first + count) of row i, which lie in one block.
  void get(std::size_t row, std::size_t first, std::size_t count, float* cosines) const;

  // What put() and get() make of `count` values, in place.
  static void round(std::size_t count, float* cosines);

  std::size_t bytes() const { return high_.size() * sizeof(high_[0]) + low_.size(); }

 private:
  std::size_t place(std::size_t row, std::size_t column) const;

  std::size_t rows_ = 0, columns_ = 0, block_ = 1;
  std::vector<std::uint16_t> high_;  // upper 16 bits; block after block, row-major [rows, columns of the block]
  std::vector<std::uint8_t> low_;    // lower 8 bits
};

}  // namespace aface
