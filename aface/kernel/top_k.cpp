#include "aface/kernel/top_k.h"

#include <algorithm>
#include <utility>

namespace aface {
namespace {

constexpr std::size_t kGroup = 16;

// Written so that compilers turn it into vector compares.
bool any_above(const float* scores, float bound) {
  int above = 0;
  for (std::size_t i = 0; i < kGroup; ++i) above |= static_cast<int>(scores[i] > bound);
  return above != 0;
}

}  // namespace

TopK::TopK(std::size_t k) : k_(k), capacity_(2 * k + 32) { kept_.reserve(capacity_); }

void TopK::push(const float* scores, std::size_t count, std::int32_t first_id) {
  if (k_ == 0) return;
  for (std::size_t begin = 0; begin < count; begin += kGroup) {
    const std::size_t end = std::min(count, begin + kGroup);
    if (full_ && end - begin == kGroup && !any_above(scores + begin, least_)) continue;
    for (std::size_t i = begin; i < end; ++i) {
      const bool enters = full_ ? scores[i] > least_ : scores[i] == scores[i];
      if (!enters) continue;
      kept_.push_back({scores[i], first_id + static_cast<std::int32_t>(i)});
      if (kept_.size() == capacity_) shrink();
    }
  }
}

void TopK::shrink() {
  std::nth_element(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(k_ - 1), kept_.end(), ranks_before);
  kept_.resize(k_);
  least_ = kept_.back().score;
  full_ = true;
}

std::vector<ScoredId> TopK::take() {
  std::vector<ScoredId> best = std::exchange(kept_, {});
  kept_.reserve(capacity_);
  full_ = false;
  least_ = -std::numeric_limits<float>::infinity();
  const auto middle = best.begin() + static_cast<std::ptrdiff_t>(std::min(k_, best.size()));
  std::partial_sort(best.begin(), middle, best.end(), ranks_before);
  best.erase(middle, best.end());
  return best;
}

}  // namespace aface
