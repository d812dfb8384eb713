#include "aface/nearest/best_rows.h"

#include <algorithm>

#include "aface/kernel/score_threshold.h"
#include "aface/nearest/any_reaches.h"

namespace aface {
namespace {

constexpr std::size_t kHeld = 192;  // scores before the lower ones are let go

}  // namespace

void BestRows::add(const float* scores, const std::int32_t* ids, std::size_t rows, std::size_t count) {
  if (!any_reaches(scores, rows, floor_)) return;
  const std::size_t most = std::max(kHeld, 3 * count), held = scores_.size();
  if (held == 0) {
    scores_.reserve(most + rows);
    ids_.reserve(most + rows);
  }
  scores_.insert(scores_.end(), scores, scores + rows);
  ids_.insert(ids_.end(), ids, ids + rows);
  keep_reaching(held);
  if (scores_.size() > most) shrink(count);
}

std::vector<ScoredId> BestRows::ranked(std::size_t count) {
  if (scores_.size() > count) shrink(count);
  std::vector<ScoredId> all(scores_.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = {scores_[i], ids_[i]};
  std::sort(all.begin(), all.end(), ranks_before);
  all.resize(std::min(all.size(), count));
  return all;
}

void BestRows::shrink(std::size_t count) {
  floor_ = score_threshold(scores_.data(), scores_.size(), count);
  keep_reaching(0);
}

// Of those from `first` on; without branches, which would be guessed wrong half of the time.
void BestRows::keep_reaching(std::size_t first) {
  std::size_t kept = first;
  for (std::size_t i = first; i < scores_.size(); ++i) {
    scores_[kept] = scores_[i];
    ids_[kept] = ids_[i];
    kept += static_cast<std::size_t>(scores_[kept] >= floor_);
  }
  scores_.resize(kept);
  ids_.resize(kept);
}

}  // namespace aface
