#include "aface/eval/exact_folds.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

namespace aface {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct RankedPair {
  float score = 0;
  std::size_t fold = 0;
  std::int64_t gain =
      0;  // right decisions won by accepting it: its weight if genuine, minus its weight if not
};

// From the highest score to the lowest.
std::vector<RankedPair> rank_pairs(const FoldedPairs& pairs) {
  std::vector<RankedPair> ranked;
  for (std::size_t i = 0; i < pairs.scores.size(); ++i) {
    const auto weight = static_cast<std::int64_t>(pairs.weight(i));
    if (weight > 0)
      ranked.push_back({pairs.scores[i], i / pairs.fold_size(), pairs.same[i] ? weight : -weight});
  }
  std::sort(ranked.begin(), ranked.end(),
            [](const RankedPair& a, const RankedPair& b) { return a.score > b.score; });
  return ranked;
}

// The best threshold on all folds but one; nothing when they are empty. Going down the ranks, a candidate is
// judged once its whole tie is accepted.
std::optional<float> best_threshold(const std::vector<RankedPair>& ranked, std::size_t held_out) {
  std::int64_t gain = 0, best_gain = 0;  // beyond calling every pair different
  std::vector<float> best;               // all candidates with best_gain, falling
  float tied_score = 0;
  const auto judge = [&] {
    if (gain > best_gain) {
      best_gain = gain;
      best.clear();
    }
    if (gain == best_gain) best.push_back(tied_score);
  };
  bool is_first = true;
  for (const RankedPair& pair : ranked) {
    if (pair.fold == held_out) continue;
    if (is_first) {
      best.push_back(std::nextafter(pair.score, std::numeric_limits<float>::infinity()));  // accepts nothing
    } else if (pair.score != tied_score) {
      judge();
    }
    is_first = false;
    tied_score = pair.score;
    gain += pair.gain;
  }
  if (is_first) return std::nullopt;
  judge();
  return best[(best.size() - 1) / 2];
}

}  // namespace

std::vector<FoldResult> exact_folds(const FoldedPairs& pairs) {
  const std::vector<RankedPair> ranked = rank_pairs(pairs);
  std::vector<FoldResult> results;
  for (std::size_t fold = 0; fold < static_cast<std::size_t>(pairs.folds); ++fold) {
    const std::optional<float> threshold = best_threshold(ranked, fold);
    std::int64_t right = 0, all = 0;
    for (const RankedPair& pair : ranked) {
      if (pair.fold != fold) continue;
      all += std::abs(pair.gain);
      if (threshold && (pair.score >= *threshold) == (pair.gain > 0)) right += std::abs(pair.gain);
    }
    const bool is_empty = !threshold || all == 0;
    results.push_back({is_empty ? kNaN : static_cast<double>(right) / static_cast<double>(all),
                       threshold ? static_cast<double>(*threshold) : kNaN});
  }
  return results;
}

}  // namespace aface
