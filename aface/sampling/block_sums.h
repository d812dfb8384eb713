#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace aface {

// Exact integer sums over blocks of values that lie elsewhere, and sums of those sums up to one node: what
// turns an array of weights into something to draw from in O(log n). The owner of the values tells every
// change of them.
class BlockSums {
 public:
  BlockSums() = default;
  // `sums` of consecutive blocks of values. Their total must fit 63 bits.
  explicit BlockSums(std::vector<std::uint64_t> sums);

  std::uint64_t total() const { return total_; }

  // A value of `block` went from `before` to `after`.
  void change(std::size_t block, std::uint64_t before, std::uint64_t after) {
    const std::uint64_t change =
        after - before;  // unsigned arithmetic wraps, so a negative change is exact too
    for (auto& level : levels_) {
      level[block] += change;
      block /= kFanOut;
    }
    total_ += change;
  }

  // The block in which `point` (< total()) lies when blocks are laid end to end; `point` becomes the place in
  // it.
  std::size_t find(std::uint64_t& point) const;

 private:
  static constexpr std::size_t kFanOut = 16;  // two cache lines of sums

  // levels_[0]: of blocks; levels_[k + 1]: of kFanOut sums of levels_[k]. The last has at most kFanOut.
  std::vector<std::vector<std::uint64_t>> levels_;
  std::uint64_t total_ = 0;
};

}  // namespace aface
