#include "aface/eval/blufr_verification.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "aface/core/error.h"
#include "aface/eval/blufr_rule.h"
#include "aface/eval/score_summary.h"

namespace aface {
namespace {

constexpr double kTailFactor = 4;  // a draw may need more impostors than the sample does

bool is_of(const TrialPair& pair, std::size_t trial) { return (pair.trials >> trial & 1) != 0; }

std::vector<std::uint16_t> memberships(const BlufrLists& lists) {
  std::vector<std::uint16_t> trials(lists.names.size(), 0);
  for (std::size_t t = 0; t < lists.trials.size(); ++t) {
    for (const std::int32_t image : lists.trials[t].test) {
      trials[static_cast<std::size_t>(image)] |= static_cast<std::uint16_t>(1U << t);
    }
  }
  return trials;
}

// The weight of all impostor pairs of a trial under a draw: with w images of each person drawn, half of the
// square of the sum less the sum of squares.
WeightedRoc::ImpostorWeight impostor_weight(const BlufrLists& lists, const BlufrTrial& trial) {
  std::vector<std::uint64_t> images(static_cast<std::size_t>(lists.identity_count), 0);
  for (const std::int32_t image : trial.test) {
    ++images[static_cast<std::size_t>(lists.identities[static_cast<std::size_t>(image)])];
  }
  return [images = std::move(images)](Span<const std::uint16_t> drawn) {
    std::uint64_t sum = 0, squares = 0;
    for (std::size_t person = 0; person < images.size(); ++person) {
      const std::uint64_t weight = images[person] * drawn[person];
      sum += weight;
      squares += weight * weight;
    }
    return (sum * sum - squares) / 2;
  };
}

std::vector<PairScore> pairs_of_trial(const std::vector<TrialPair>& all, std::size_t trial,
                                      const BlufrLists& lists) {
  const auto person = [&](std::int32_t image) {
    return static_cast<std::uint32_t>(lists.identities[static_cast<std::size_t>(image)]);
  };
  std::vector<PairScore> pairs;
  for (const TrialPair& pair : all) {
    if (is_of(pair, trial)) pairs.push_back({pair.score, {person(pair.a), person(pair.b)}});
  }
  return pairs;
}

}  // namespace

BlufrVerification::BlufrVerification(const UnitRows& rows, const BlufrLists& lists, std::vector<double> far,
                                     double drawn_far, int threads)
    : far_(std::move(far)),
      pairs_(rows, lists.identities, memberships(lists), threads),
      genuine_(lists.trials.size()),
      thresholds_(lists.trials.size()) {
  for (const TrialPair& pair : pairs_.genuine()) {
    for (std::size_t t = 0; t < genuine_.size(); ++t) {
      if (is_of(pair, t)) genuine_[t].push_back(pair.score);
    }
  }
  require_both_kinds();

  std::int64_t most = 0;
  std::vector<TrialPairs::Wanted> wanted;  // for each trial and FAR what blufr_threshold() asks for
  for (std::size_t t = 0; t < genuine_.size(); ++t) {
    most = std::max(most, impostor_pairs(t));
    for (const double target : far_) {
      wanted.push_back(
          {static_cast<int>(t), std::max<std::int64_t>(1, accepted_impostors(target, impostor_pairs(t)))});
    }
  }
  const double tail =
      std::ceil(kTailFactor * std::min(drawn_far, kHighestDrawnFar) * static_cast<double>(most));
  TrialPairs::Answer answer =
      pairs_.look_up(wanted, std::max<std::int64_t>(static_cast<std::int64_t>(tail), kWorstPairs));
  for (std::size_t t = 0; t < genuine_.size(); ++t) {
    for (std::size_t f = 0; f < far_.size(); ++f) {
      const float kth = answer.kth[t * far_.size() + f];
      thresholds_[t].push_back(blufr_threshold(
          far_[f], impostor_pairs(t), [&](std::int64_t) { return kth; }, genuine_[t]));
    }
  }
  highest_ = std::move(answer.tail);
  if (drawn_far > 0) make_drawable(lists);
}

void BlufrVerification::require_both_kinds() const {
  for (std::size_t t = 0; t < genuine_.size(); ++t) {
    if (!genuine_[t].empty() && impostor_pairs(t) > 0) continue;
    throw Error(
        ErrorKind::kData,
        fmt::format(
            "BLUFR: trial {} has {} genuine and {} impostor pairs (expected some of each); check the lists",
            t + 1, genuine_pairs(t), impostor_pairs(t)));
  }
}

void BlufrVerification::make_drawable(const BlufrLists& lists) {
  for (std::size_t t = 0; t < genuine_.size(); ++t) {
    drawable_.emplace_back(pairs_of_trial(pairs_.genuine(), t, lists), pairs_of_trial(highest_, t, lists),
                           lists.identity_count, ThresholdRule::kKthImpostor,
                           impostor_weight(lists, lists.trials[t]));
  }
}

OverTrials BlufrVerification::vr(std::size_t far_index) const {
  std::vector<double> rates;
  for (std::size_t t = 0; t < genuine_.size(); ++t) {
    rates.push_back(static_cast<double>(count_at_or_above(genuine_[t], thresholds_[t][far_index])) /
                    static_cast<double>(genuine_[t].size()));
  }
  return over_trials(std::move(rates));
}

std::vector<OverTrials> BlufrVerification::drawn_vr(Span<const std::uint16_t> drawn,
                                                    const std::vector<double>& far) const {
  std::vector<std::vector<double>> rates(far.size());
  for (const WeightedRoc& trial : drawable_) {
    const std::vector<TarAtFar> points = trial.at(drawn, far);
    for (std::size_t f = 0; f < far.size(); ++f) rates[f].push_back(points[f].tar);
  }
  std::vector<OverTrials> result;
  for (std::vector<double>& one : rates) result.push_back(over_trials(std::move(one)));
  return result;
}

std::int64_t BlufrVerification::fewest_impostor_pairs() const {
  std::int64_t fewest = impostor_pairs(0);
  for (std::size_t t = 1; t < genuine_.size(); ++t) fewest = std::min(fewest, impostor_pairs(t));
  return fewest;
}

}  // namespace aface
