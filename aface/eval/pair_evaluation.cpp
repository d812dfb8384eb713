#include "aface/eval/pair_evaluation.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "aface/core/error.h"
#include "aface/eval/far_targets.h"
#include "aface/eval/pair_figures.h"
#include "aface/eval/scores.h"
#include "aface/eval/weighted_roc.h"

namespace aface {
namespace {

// The columns that pair_figures.h takes.
struct PairColumns {
  std::vector<std::uint8_t> same;
  std::vector<std::uint32_t> first, second;

  PairColumns(const PairList& list, const PairIdentities& people) : same(same_flags(list)) {
    for (const Pair& pair : list.pairs) {
      first.push_back(static_cast<std::uint32_t>(people.of_path[static_cast<std::size_t>(pair.first)]));
      second.push_back(static_cast<std::uint32_t>(people.of_path[static_cast<std::size_t>(pair.second)]));
    }
  }
};

// The mean over the folds that a draw leaves with a result.
PairStatistic accuracy_by(const PairConvention& convention, const IdentifiedPairs& pairs,
                          std::int64_t folds) {
  return [&convention, pairs, folds](Span<const std::uint64_t> weights) {
    double sum = 0;
    int measured = 0;
    for (const FoldResult& fold : convention.judge({pairs.scores, pairs.same, weights, folds})) {
      if (std::isnan(fold.accuracy)) continue;
      sum += fold.accuracy;
      ++measured;
    }
    return measured > 0 ? sum / measured : std::numeric_limits<double>::quiet_NaN();
  };
}

std::vector<Figure> all_figures(const IdentifiedPairs& pairs, const VerificationReport& report,
                                std::int64_t folds, const std::vector<double>& targets,
                                const BootstrapOptions& bootstrap) {
  std::vector<Figure> figures;
  const PairConvention& convention = find_pair_convention(report.convention);
  figures.push_back(pair_figure("accuracy", pairs, accuracy_by(convention, pairs, folds), bootstrap));
  for (Figure& figure : pair_figures(pairs, targets, bootstrap)) figures.push_back(std::move(figure));
  if (report.folded_tar) {
    const double target = report.folded_tar->far_target;
    const auto folded_tar = [&](Span<const std::uint64_t> weights) {
      return insightface_tar({pairs.scores, pairs.same, weights, folds}, target).tar_mean;
    };
    figures.push_back(
        pair_figure(far_figure_name("folded_tar_at_far", target), pairs, folded_tar, bootstrap));
  }
  return figures;
}

// Where one more impostor pair would be accepted: the highest TAR within each FAR, as tar_at_far gives it. At
// every impostor pair while they are few, then about 30 points a decade; ends at (1, 1).
void fill_roc(PairEvaluation& evaluation, Span<const float> scores, Span<const std::uint8_t> same) {
  constexpr double kGrowth = 1.08;
  std::vector<float> genuine, impostor;
  for (std::size_t i = 0; i < scores.size(); ++i) (same[i] ? genuine : impostor).push_back(scores[i]);
  std::sort(genuine.begin(), genuine.end(), std::greater<>());
  std::sort(impostor.begin(), impostor.end(), std::greater<>());
  const auto share_above = [](const std::vector<float>& falling, float bound) {
    const auto end = std::lower_bound(falling.begin(), falling.end(), bound, std::greater<>());
    return static_cast<double>(end - falling.begin()) / static_cast<double>(falling.size());
  };
  for (std::size_t k = 0; k < impostor.size();
       k = std::max(k + 1, static_cast<std::size_t>(static_cast<double>(k) * kGrowth))) {
    const double far = share_above(impostor, impostor[k]);  // less than k / N where scores tie
    if (!evaluation.roc_far.empty() && evaluation.roc_far.back() == far) continue;
    evaluation.roc_far.push_back(far);
    evaluation.roc_tar.push_back(share_above(genuine, impostor[k]));
  }
  evaluation.roc_far.push_back(1);
  evaluation.roc_tar.push_back(1);
}

// The first ones in the order of `is_before`, pairs with equal scores in file order.
template <class Before>
std::vector<NamedScore> worst(const PairList& list, Span<const float> scores,
                              const std::vector<std::string>& names, bool same, Before is_before) {
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < list.pairs.size(); ++i) {
    if (list.pairs[i].same_identity == same) chosen.push_back(i);
  }
  const std::size_t count = std::min(kWorstPairs, chosen.size());
  std::partial_sort(chosen.begin(), chosen.begin() + static_cast<std::ptrdiff_t>(count), chosen.end(),
                    [&](std::size_t a, std::size_t b) {
                      return scores[a] != scores[b] ? is_before(scores[a], scores[b]) : a < b;
                    });
  std::vector<NamedScore> pairs;
  for (std::size_t i = 0; i < count; ++i) {
    const Pair& pair = list.pairs[chosen[i]];
    pairs.push_back({names[static_cast<std::size_t>(pair.first)],
                     names[static_cast<std::size_t>(pair.second)], scores[chosen[i]]});
  }
  return pairs;
}

std::string digest_of(const PairList& list) {
  std::vector<std::string> names;
  for (const Pair& pair : list.pairs) {
    names.push_back(list.paths[static_cast<std::size_t>(pair.first)]);
    names.push_back(list.paths[static_cast<std::size_t>(pair.second)]);
    names.emplace_back(pair.same_identity ? "1" : "0");
  }
  return names_digest(names);
}

}  // namespace

PairEvaluation evaluate_pairs(const PairList& list, Span<const float> scores,
                              const std::vector<std::string>& names, const PairEvaluationOptions& options) {
  if (names.size() != list.paths.size()) {
    throw Error(ErrorKind::kData,
                fmt::format("pairs: {} names for {} images", names.size(), list.paths.size()));
  }
  const std::vector<double> targets = checked_targets(options.far_targets);
  const PairIdentities people = identities_of(list);
  const PairColumns columns(list, people);
  VerificationOptions verification;
  verification.convention = options.convention;
  verification.far_targets = targets;

  PairEvaluation evaluation;
  evaluation.report = verify_pairs(scores, columns.same, list.folds, verification);
  evaluation.bootstrap = options.bootstrap;
  evaluation.people = static_cast<std::int64_t>(people.names.size());
  evaluation.people_from = people.source;
  evaluation.people_digest = names_digest(people.names);
  evaluation.test_set_digest = digest_of(list);

  IdentifiedPairs pairs;
  pairs.scores = scores;
  pairs.same = columns.same;
  pairs.first = columns.first;
  pairs.second = columns.second;
  pairs.people = evaluation.people;
  evaluation.figures = all_figures(pairs, evaluation.report, list.folds, targets, options.bootstrap);

  for (std::size_t i = 0; i < scores.size(); ++i) {
    ++(columns.same[i] ? evaluation.genuine : evaluation.impostor);
    ++(columns.same[i] ? evaluation.histogram.genuine
                       : evaluation.histogram.impostor)[static_cast<std::size_t>(score_bin(scores[i]))];
  }
  fill_roc(evaluation, scores, columns.same);
  evaluation.worst_genuine = worst(list, scores, names, true, std::less<>());
  evaluation.worst_impostor = worst(list, scores, names, false, std::greater<>());
  return evaluation;
}

}  // namespace aface
