#include "aface/eval/weighted_roc.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>
#include <utility>

#include "aface/core/check.h"
#include "aface/core/error.h"
#include "aface/eval/far_targets.h"

namespace aface {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

void require_scores(const std::vector<PairScore>& pairs, const char* kind) {
  if (pairs.empty()) {
    throw Error(ErrorKind::kData,
                fmt::format("TAR at FAR: no {} pairs (expected some of each kind); check the lists", kind));
  }
  for (const PairScore& pair : pairs) {
    if (!std::isfinite(pair.score)) {
      throw Error(ErrorKind::kData, fmt::format("TAR at FAR: the score of a {} pair is not finite; look for "
                                                "zero or NaN embeddings",
                                                kind));
    }
  }
}

// Sorts falling and splits.
std::pair<std::vector<float>, PairWeights> rank(std::vector<PairScore> pairs, std::int64_t people) {
  std::sort(pairs.begin(), pairs.end(),
            [](const PairScore& left, const PairScore& right) { return left.score > right.score; });
  std::vector<float> scores;
  std::vector<PairPeople> owners;
  scores.reserve(pairs.size());
  owners.reserve(pairs.size());
  for (const PairScore& pair : pairs) {
    scores.push_back(pair.score);
    owners.push_back(pair.people);
  }
  return {std::move(scores), PairWeights(owners, people)};
}

// How many of the falling scores are above the bound.
std::size_t count_above(const std::vector<float>& falling, float bound) {
  const auto end =
      std::partition_point(falling.begin(), falling.end(), [&](float score) { return score > bound; });
  return static_cast<std::size_t>(end - falling.begin());
}

// The smallest score above the bound that a pair with weight has; infinity if there is none.
float next_score(const std::vector<float>& falling, const PairWeights& weights,
                 const std::vector<std::uint32_t>& table, float bound) {
  for (std::size_t i = count_above(falling, bound); i-- > 0;) {
    if (weights.weight(i, table) != 0) return falling[i];
  }
  return kInfinity;
}

// Weights of the first n pairs for several n, each summed from the nearest place whose sum is known.
class PrefixSums {
 public:
  PrefixSums(const PairWeights& weights, const std::vector<std::uint32_t>& table)
      : weights_(weights), table_(table), known_{{0, 0}, {weights.size(), weights.total(table)}} {}

  std::uint64_t total() const { return known_[1].second; }

  std::uint64_t first(std::size_t n) {
    const auto distance = [n](std::size_t place) { return n > place ? n - place : place - n; };
    const auto [place, sum] = *std::min_element(
        known_.begin(), known_.end(),
        [&](const auto& left, const auto& right) { return distance(left.first) < distance(right.first); });
    const std::uint64_t result =
        n >= place ? sum + weights_.sum(place, n, table_) : sum - weights_.sum(n, place, table_);
    known_.emplace_back(n, result);
    return result;
  }

 private:
  const PairWeights& weights_;
  const std::vector<std::uint32_t>& table_;
  std::vector<std::pair<std::size_t, std::uint64_t>> known_;
};

}  // namespace

// The impostor pairs counted so far, from the highest score down.
struct WeightedRoc::Walk {
  std::size_t next = 0;
  std::uint64_t accepted = 0;  // weight of those before `next`
};

WeightedRoc::WeightedRoc(std::vector<PairScore> genuine, std::vector<PairScore> impostor, std::int64_t people,
                         ThresholdRule rule, ImpostorWeight all_impostors)
    : rule_(rule), people_(people), all_impostors_(std::move(all_impostors)) {
  require_scores(genuine, "genuine");
  require_scores(impostor, "impostor");
  std::tie(genuine_, genuine_weights_) = rank(std::move(genuine), people);
  std::tie(impostor_, impostor_weights_) = rank(std::move(impostor), people);
}

// Moves `walk` to the pair with which the accepted weight passes `allowed`; false when there is none.
bool WeightedRoc::walk_past(std::uint64_t allowed, const std::vector<std::uint32_t>& table,
                            Walk& walk) const {
  constexpr std::size_t kBlock = 64;  // summed without looking at each pair
  while (walk.next < impostor_.size()) {
    const std::size_t end = std::min(impostor_.size(), walk.next + kBlock);
    const std::uint64_t block = impostor_weights_.sum(walk.next, end, table);
    if (walk.accepted + block <= allowed) {
      walk.accepted += block;
      walk.next = end;
      continue;
    }
    while (true) {
      const std::uint64_t weight = impostor_weights_.weight(walk.next, table);
      if (walk.accepted + weight > allowed) return true;
      walk.accepted += weight;
      ++walk.next;
    }
  }
  return false;
}

// The smallest score above `bound`, or the next float where no pair of this draw has one.
float WeightedRoc::threshold_above(float bound, const std::vector<std::uint32_t>& table) const {
  const float next = std::min(next_score(genuine_, genuine_weights_, table, bound),
                              next_score(impostor_, impostor_weights_, table, bound));
  return std::isinf(next) ? std::nextafter(bound, kInfinity) : next;
}

float WeightedRoc::threshold_at(double far, std::uint64_t total, const std::vector<std::uint32_t>& table,
                                Walk& walk) const {
  if (rule_ == ThresholdRule::kKthImpostor) {
    const auto k = static_cast<std::uint64_t>(std::round(far * static_cast<double>(total)));
    return k > 0 && walk_past(k - 1, table, walk) ? impostor_[walk.next] : kNaN;
  }
  if (walk_past(allowed_accepts(far, total), table, walk)) {
    return threshold_above(impostor_[walk.next], table);
  }
  AFACE_CHECK(walk.accepted <= total, "{} impostor pairs in all, {} given", total, walk.accepted);
  return walk.accepted == total ? threshold_above(-kInfinity, table) : kNaN;
}

std::vector<TarAtFar> WeightedRoc::at(Span<const std::uint16_t> drawn,
                                      const std::vector<double>& targets) const {
  AFACE_CHECK(static_cast<std::int64_t>(drawn.size()) == people_, "{} weights for {} people", drawn.size(),
              people_);
  for (const double far : targets) {
    if (!(far >= 0 && far <= 1)) {
      throw Error(ErrorKind::kData, fmt::format("TAR at FAR: target {} (expected 0 to 1)", far));
    }
  }
  const std::vector<std::uint32_t> table = weight_table(drawn);
  const std::uint64_t total = all_impostors_ ? all_impostors_(drawn) : impostor_weights_.total(table);
  PrefixSums genuine(genuine_weights_, table);

  std::vector<std::size_t> rising(targets.size());
  std::iota(rising.begin(), rising.end(), std::size_t{0});
  std::sort(rising.begin(), rising.end(),
            [&](std::size_t left, std::size_t right) { return targets[left] < targets[right]; });

  std::vector<TarAtFar> points(targets.size());
  Walk walk;  // goes on from target to target
  for (const std::size_t i : rising) {
    TarAtFar& point = points[i];
    point.far = targets[i];
    const bool has_both = total > 0 && genuine.total() > 0;
    const float threshold = has_both ? threshold_at(point.far, total, table, walk) : kNaN;
    point.threshold = threshold;
    point.tar = kNaN;
    if (std::isnan(threshold)) continue;
    const std::size_t accepted =
        count_above(genuine_, std::nextafter(threshold, -kInfinity));  // scores >= the threshold
    point.tar = static_cast<double>(genuine.first(accepted)) / static_cast<double>(genuine.total());
  }
  return points;
}

std::vector<TarAtFar> WeightedRoc::at(const std::vector<double>& targets) const {
  return at(std::vector<std::uint16_t>(static_cast<std::size_t>(people_), 1), targets);
}

std::uint64_t WeightedRoc::impostor_pairs() const {
  const std::vector<std::uint16_t> once(static_cast<std::size_t>(people_), 1);
  return all_impostors_ ? all_impostors_(once) : impostor_.size();
}

std::vector<Figure> far_figures(const WeightedRoc& roc, const std::vector<double>& targets,
                                const BootstrapOptions& options) {
  std::vector<Figure> figures;
  const std::vector<TarAtFar> points = roc.at(targets);
  const auto replicates = static_cast<std::size_t>(options.replicates);
  std::vector<double> measured;  // two figures for each: TAR, then threshold
  std::vector<std::size_t> places;
  for (const TarAtFar& point : points) {
    std::string reason = unmeasurable_far(point.far, roc.impostor_pairs());
    if (reason.empty() && std::isnan(point.tar))
      reason = "needs more of the highest impostor pairs than were kept";
    const auto add = [&](const std::string& name, double value) {
      Figure figure;
      figure.name = far_figure_name(name, point.far);
      figure.value = reason.empty() ? value : kNaN;
      figure.unmeasurable = reason;
      if (reason.empty()) figure.replicates.resize(replicates);
      figures.push_back(std::move(figure));
    };
    if (reason.empty()) {
      measured.push_back(point.far);
      places.push_back(figures.size());
    }
    add("tar_at_far", point.tar);
    add("threshold_at_far", point.threshold);
  }
  for_each_draw(roc.people(), options, [&](std::int64_t replicate, Span<const std::uint16_t> drawn) {
    const std::vector<TarAtFar> drawn_points = roc.at(drawn, measured);
    for (std::size_t i = 0; i < places.size(); ++i) {
      const auto r = static_cast<std::size_t>(replicate);
      figures[places[i]].replicates[r] = static_cast<float>(drawn_points[i].tar);
      figures[places[i] + 1].replicates[r] = static_cast<float>(drawn_points[i].threshold);
    }
  });
  return figures;
}

}  // namespace aface
