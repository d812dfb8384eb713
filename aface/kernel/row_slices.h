#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>

namespace aface {

// Calls work(0) .. work(slices - 1), each once, on as many threads as the caller likes.
using ForEachSlice =
    std::function<void(std::int64_t slices, const std::function<void(std::int64_t slice)>& work)>;

// [rows, channels] cut into slices of whole rows. The cuts depend on the shape alone: sums over slices that
// are added in order have the same bits on any number of threads.
class RowSlices {
 public:
  RowSlices(std::int64_t rows, std::int64_t channels) : rows_(rows) {
    constexpr std::int64_t kValues = 1 << 16,
                           kMost = 64;  // 256 KiB of float32: enough to outweigh a slice's own sums
    const std::int64_t wanted = std::clamp<std::int64_t>(rows * channels / kValues, 1, kMost);
    length_ = std::max<std::int64_t>(1, (rows + wanted - 1) / wanted);
    count_ = (rows + length_ - 1) / length_;
  }
  std::int64_t count() const { return count_; }
  std::int64_t begin(std::int64_t slice) const { return slice * length_; }
  std::int64_t end(std::int64_t slice) const { return std::min(rows_, (slice + 1) * length_); }

 private:
  std::int64_t rows_, length_ = 1, count_ = 0;
};

}  // namespace aface
