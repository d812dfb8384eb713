#include "aface/sampling/block_sums.h"

#include <utility>

#include "aface/core/check.h"

namespace aface {

BlockSums::BlockSums(std::vector<std::uint64_t> sums) {
  levels_.push_back(std::move(sums));
  while (levels_.back().size() > kFanOut) {
    const std::vector<std::uint64_t>& below = levels_.back();
    std::vector<std::uint64_t> above((below.size() + kFanOut - 1) / kFanOut);
    for (std::size_t i = 0; i < below.size(); ++i) above[i / kFanOut] += below[i];
    levels_.push_back(std::move(above));
  }
  for (const std::uint64_t sum : levels_.back()) total_ += sum;
}

std::size_t BlockSums::find(std::uint64_t& point) const {
  AFACE_CHECK(point < total_, "point {} of {}", point, total_);
  std::size_t i = 0;
  for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) {
    i *= kFanOut;
    for (; point >= (*level)[i]; ++i) point -= (*level)[i];
  }
  return i;
}

}  // namespace aface
