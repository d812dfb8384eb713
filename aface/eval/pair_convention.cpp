#include "aface/eval/pair_convention.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "aface/core/error.h"
#include "aface/eval/exact_folds.h"

namespace aface {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kLargestDistance = 4;  // squared, of opposite unit vectors

// Weights of genuine and impostor pairs.
struct Counts {
  std::uint64_t genuine = 0;
  std::uint64_t impostor = 0;

  void add(bool is_genuine, std::uint64_t weight) { (is_genuine ? genuine : impostor) += weight; }
  std::uint64_t all() const { return genuine + impostor; }
};
Counts operator+(Counts a, Counts b) { return {a.genuine + b.genuine, a.impostor + b.impostor}; }
Counts operator-(Counts a, Counts b) { return {a.genuine - b.genuine, a.impostor - b.impostor}; }

double share(std::uint64_t part, std::uint64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

// The number of the first threshold k * step, k = 0 .. steps - 1, that is above the distance; `steps` if none
// is.
std::size_t first_above(double distance, double step, std::size_t steps) {
  auto k = static_cast<std::size_t>(std::clamp(distance / step, 0.0, static_cast<double>(steps)));
  while (k > 0 && distance < static_cast<double>(k - 1) * step) --k;
  while (k < steps && !(distance < static_cast<double>(k) * step)) ++k;
  return k;
}

// accepted[fold][k]: the pairs of a fold whose squared distance is below threshold k * step; all[fold]: all
// its pairs.
struct DistanceGrid {
  std::vector<std::vector<Counts>> accepted;
  std::vector<Counts> all;

  DistanceGrid(const FoldedPairs& pairs, double step) {
    const auto steps = static_cast<std::size_t>(std::lround(kLargestDistance / step));
    const auto folds = static_cast<std::size_t>(pairs.folds);
    accepted.assign(folds, std::vector<Counts>(steps + 1));
    all.resize(folds);
    for (std::size_t i = 0; i < folds * pairs.fold_size(); ++i) {
      const std::size_t fold = i / pairs.fold_size();
      const double distance = std::max(0.0, 2 - 2 * static_cast<double>(pairs.scores[i]));
      accepted[fold][first_above(distance, step, steps)].add(pairs.same[i] != 0, pairs.weight(i));
      all[fold].add(pairs.same[i] != 0, pairs.weight(i));
    }
    for (std::vector<Counts>& row : accepted) {
      for (std::size_t k = 1; k < row.size(); ++k) row[k] = row[k - 1] + row[k];
      row.pop_back();  // beyond the last threshold
    }
  }
  std::vector<Counts> accepted_by_all() const {
    std::vector<Counts> sum(accepted.front().size());
    for (const std::vector<Counts>& row : accepted) {
      for (std::size_t k = 0; k < row.size(); ++k) sum[k] = sum[k] + row[k];
    }
    return sum;
  }
  Counts whole() const { return std::accumulate(all.begin(), all.end(), Counts(), std::plus<>()); }
};

std::uint64_t right_decisions(Counts accepted, Counts all) {
  return accepted.genuine + (all.impostor - accepted.impostor);
}

std::vector<FoldResult> insightface_folds(const FoldedPairs& pairs) {
  constexpr double kStep = 0.01;
  const DistanceGrid grid(pairs, kStep);
  const std::vector<Counts> sum = grid.accepted_by_all();
  const Counts whole = grid.whole();
  std::vector<FoldResult> results;
  for (std::size_t fold = 0; fold < grid.all.size(); ++fold) {
    const Counts others = whole - grid.all[fold];
    std::size_t best = 0;
    std::uint64_t most = 0;
    for (std::size_t k = 0; k < sum.size(); ++k) {
      const std::uint64_t right = right_decisions(sum[k] - grid.accepted[fold][k], others);
      if (k == 0 || right > most) {
        most = right;
        best = k;
      }
    }
    const bool is_empty = others.all() == 0 || grid.all[fold].all() == 0;
    results.push_back(
        {is_empty ? kNaN
                  : share(right_decisions(grid.accepted[fold][best], grid.all[fold]), grid.all[fold].all()),
         static_cast<double>(best) * kStep});
  }
  return results;
}

// The threshold of the held-out fold; NaN when the others lack a kind of pairs.
double facexzoo_threshold(const FoldedPairs& pairs, std::size_t held_out) {
  constexpr std::size_t kSteps = 1000;
  const auto for_each_other = [&](auto visit) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(pairs.folds) * pairs.fold_size(); ++i) {
      if (i / pairs.fold_size() != held_out && pairs.weight(i) > 0) visit(i);
    }
  };
  float low = std::numeric_limits<float>::infinity(), high = -low;
  Counts all;
  for_each_other([&](std::size_t i) {
    low = std::min(low, pairs.scores[i]);
    high = std::max(high, pairs.scores[i]);
    all.add(pairs.same[i] != 0, pairs.weight(i));
  });
  if (all.genuine == 0 || all.impostor == 0) return kNaN;

  const double step = static_cast<double>(high - low) / kSteps;
  const auto threshold = [&](std::size_t k) { return low + step * static_cast<double>(k); };
  std::vector<Counts> above(kSteps + 1);  // [k]: pairs whose score is above threshold k and not above k + 1
  for_each_other([&](std::size_t i) {
    const double score = pairs.scores[i];
    std::size_t k =
        step > 0 ? static_cast<std::size_t>(std::clamp((score - low) / step, 0.0, double{kSteps})) : 0;
    while (k > 0 && !(score > threshold(k))) --k;
    while (k < kSteps && score > threshold(k + 1)) ++k;
    above[k].add(pairs.same[i] != 0, pairs.weight(i));
  });
  for (std::size_t k = kSteps; k-- > 0;) above[k] = above[k] + above[k + 1];

  std::size_t best = 1;
  double most = -2;
  for (std::size_t k = 1; k <= kSteps; ++k) {
    const double gain = share(above[k].genuine, all.genuine) - share(above[k].impostor, all.impostor);
    if (gain > most) {
      most = gain;
      best = k;
    }
  }
  return threshold(best);
}

std::vector<FoldResult> facexzoo_folds(const FoldedPairs& pairs) {
  std::vector<FoldResult> results;
  for (std::size_t fold = 0; fold < static_cast<std::size_t>(pairs.folds); ++fold) {
    const double threshold = facexzoo_threshold(pairs, fold);
    std::uint64_t right = 0, all = 0;
    for (std::size_t i = fold * pairs.fold_size(); i < (fold + 1) * pairs.fold_size(); ++i) {
      all += pairs.weight(i);
      const bool is_right = pairs.same[i] ? pairs.scores[i] > threshold : pairs.scores[i] < threshold;
      if (is_right) right += pairs.weight(i);
    }
    results.push_back({all == 0 || std::isnan(threshold) ? kNaN : share(right, all), threshold});
  }
  return results;
}

// FAR rises with k. The point where the line through (far[k], k) passes the target, in steps.
double passing_point(const std::vector<double>& far, double target) {
  if (far.back() < target) return 0;
  const auto next = std::upper_bound(far.begin(), far.end(), target);
  if (next == far.end()) return static_cast<double>(far.size() - 1);
  const auto k = static_cast<std::size_t>(next - far.begin());
  if (k == 0) return 0;
  return static_cast<double>(k - 1) + (target - far[k - 1]) / (far[k] - far[k - 1]);
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

const std::vector<PairConvention>& pair_conventions() {
  using Spread = PairConvention::Spread;
  static const std::vector<PairConvention> table = {
      {"exact",
       "the most accurate threshold on the other folds among all their scores, the middle one of equals",
       "a score at the threshold counts as the same person", "cosine", Spread::kStandardError, &exact_folds},
      {"insightface",
       "squared distance of unit vectors, thresholds 0 to 3.99 by 0.01, the first most accurate one on the "
       "other folds",
       "a distance at the threshold counts as two persons", "squared distance", Spread::kStandardDeviation,
       &insightface_folds},
      {"facexzoo",
       "cosine, 1,000 thresholds over the scores of the other folds, the first with the highest TPR - FPR",
       "a score at the threshold counts as an error", "cosine", Spread::kStandardError, &facexzoo_folds}};
  return table;
}

const PairConvention& find_pair_convention(const std::string& name) {
  std::string known;
  for (const PairConvention& convention : pair_conventions()) {
    if (convention.name == name) return convention;
    known += (known.empty() ? "" : ", ") + convention.name;
  }
  throw Error(ErrorKind::kUsage, fmt::format("unknown convention '{}'; choose one of: {}", name, known));
}

FoldedTar insightface_tar(const FoldedPairs& pairs, double far_target) {
  constexpr double kStep = 0.001;
  const DistanceGrid grid(pairs, kStep);
  const std::vector<Counts> sum = grid.accepted_by_all();
  const Counts whole = grid.whole();
  std::vector<double> tars, fars;
  for (std::size_t fold = 0; fold < grid.all.size(); ++fold) {
    const Counts others = whole - grid.all[fold];
    if (others.impostor == 0 || grid.all[fold].genuine == 0 || grid.all[fold].impostor == 0) continue;
    std::vector<double> far;
    for (std::size_t k = 0; k < sum.size(); ++k) {
      far.push_back(share((sum[k] - grid.accepted[fold][k]).impostor, others.impostor));
    }
    const double threshold = passing_point(far, far_target) * kStep;
    Counts accepted;
    for (std::size_t i = fold * pairs.fold_size(); i < (fold + 1) * pairs.fold_size(); ++i) {
      const double distance = std::max(0.0, 2 - 2 * static_cast<double>(pairs.scores[i]));
      if (distance < threshold) accepted.add(pairs.same[i] != 0, pairs.weight(i));
    }
    tars.push_back(share(accepted.genuine, grid.all[fold].genuine));
    fars.push_back(share(accepted.impostor, grid.all[fold].impostor));
  }
  FoldedTar result{far_target, kNaN, kNaN, kNaN};
  if (tars.empty()) return result;
  result.tar_mean = mean_of(tars);
  result.tar_deviation = 0;
  result.far_mean = mean_of(fars);
  for (const double tar : tars) result.tar_deviation += std::pow(tar - result.tar_mean, 2);
  result.tar_deviation = std::sqrt(result.tar_deviation / static_cast<double>(tars.size()));
  return result;
}

}  // namespace aface
