#include "aface/eval/blufr.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "aface/core/error.h"
#include "aface/eval/blufr_rule.h"
#include "aface/eval/gallery_search.h"
#include "aface/eval/open_set.h"
#include "aface/eval/trial_pairs.h"
#include "aface/eval/weighted_roc.h"

namespace aface {
namespace {

constexpr std::size_t kWorstPairs = 20;
constexpr double kTailFactor = 4;  // a draw may need more impostors than the sample does

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// The rows of one set of images.
struct Subset {
  std::vector<float> values;
  std::vector<std::uint8_t> no_match;
  std::vector<std::int32_t> identities;
  std::size_t dim = 0;

  Subset(const UnitRows& rows, const BlufrLists& lists, const std::vector<std::int32_t>& images)
      : dim(rows.rows.dim) {
    for (const std::int32_t image : images) {
      values.insert(values.end(), rows.rows.row(at(image)), rows.rows.row(at(image)) + dim);
      identities.push_back(lists.identities[at(image)]);
      if (!rows.no_match.empty()) no_match.push_back(rows.no_match[at(image)]);
    }
  }
  UnitRows view() const { return {{values.data(), identities.size(), dim}, no_match}; }
};

void require_valid(const UnitRows& rows, const BlufrLists& lists) {
  if (rows.rows.rows != lists.names.size()) {
    throw Error(ErrorKind::kData, fmt::format("BLUFR: {} embeddings for {} images (expected one each)",
                                              rows.rows.rows, lists.names.size()));
  }
}

// A person is called after the first image.
std::vector<std::string> names_of_people(const BlufrLists& lists) {
  std::vector<std::string> names(at(lists.identity_count));
  for (std::size_t i = lists.names.size(); i-- > 0;) names[at(lists.identities[i])] = lists.names[i];
  return names;
}

std::vector<std::uint16_t> memberships(const BlufrLists& lists) {
  std::vector<std::uint16_t> trials(lists.names.size(), 0);
  for (std::size_t t = 0; t < lists.trials.size(); ++t) {
    for (const std::int32_t image : lists.trials[t].test)
      trials[at(image)] |= static_cast<std::uint16_t>(1U << t);
  }
  return trials;
}

// The weight of all impostor pairs of a trial under a draw: with w images of each person drawn, half of the
// square of the sum less the sum of squares.
WeightedRoc::ImpostorWeight impostor_weight(const BlufrLists& lists, const BlufrTrial& trial) {
  std::vector<std::uint64_t> images(at(lists.identity_count), 0);
  for (const std::int32_t image : trial.test) ++images[at(lists.identities[at(image)])];
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

// Everything that is known of the ten trials before numbers are drawn from it.
struct Scores {
  std::vector<std::vector<float>> genuine;      // [trial], falling
  std::vector<std::vector<double>> thresholds;  // [trial][verification far: grid, then reported]
  std::vector<TrialPair> tail;
  std::vector<std::vector<ProbeOutcome>> outcomes;  // [trial][probe]
};

// Every k that blufr_threshold() may ask for.
std::vector<TrialPairs::Wanted> wanted_impostors(const TrialPairs& pairs, int trials,
                                                 const std::vector<double>& far) {
  std::vector<TrialPairs::Wanted> wanted;
  for (int t = 0; t < trials; ++t) {
    for (const double target : far) {
      const std::int64_t k = accepted_impostors(target, pairs.impostors(t));
      wanted.push_back({t, std::max<std::int64_t>(k, 1)});
    }
  }
  return wanted;
}

void require_both_kinds(const TrialPairs& pairs, const std::vector<std::vector<float>>& genuine) {
  for (std::size_t t = 0; t < genuine.size(); ++t) {
    if (!genuine[t].empty() && pairs.impostors(static_cast<int>(t)) > 0) continue;
    throw Error(
        ErrorKind::kData,
        fmt::format(
            "BLUFR: trial {} has {} genuine and {} impostor pairs (expected some of each); check the lists",
            t + 1, genuine[t].size(), pairs.impostors(static_cast<int>(t))));
  }
}

double vr_at(const std::vector<float>& genuine, double threshold) {
  return static_cast<double>(count_at_or_above(genuine, threshold)) / static_cast<double>(genuine.size());
}

// Mean and mean - std over trials, drawn anew for each replicate by `value(trial, drawn)`.
class DrawnOverTrials {
 public:
  DrawnOverTrials(const std::string& name, const OverTrials& value) {
    mean_.name = name + "/mean";
    mean_.value = value.mean;
    fused_.name = name + "/mean_minus_std";
    fused_.value = value.mean_minus_std();
  }
  void resize(std::int64_t replicates) {
    mean_.replicates.resize(at(replicates));
    fused_.replicates.resize(at(replicates));
  }
  void set(std::int64_t replicate, std::vector<double> trials) {
    const OverTrials drawn = over_trials(std::move(trials));
    mean_.replicates[at(replicate)] = static_cast<float>(drawn.mean);
    fused_.replicates[at(replicate)] = static_cast<float>(drawn.mean_minus_std());
  }
  void append_to(std::vector<Figure>& figures) {
    figures.push_back(std::move(mean_));
    figures.push_back(std::move(fused_));
  }

 private:
  Figure mean_, fused_;
};

void draw_figures(const BlufrLists& lists, const Scores& scores, const TrialPairs& pairs,
                  const BlufrOptions& options, BlufrReport& report) {
  std::vector<DrawnOverTrials> verification, identification;
  for (const auto& [far, value] : report.vr_at_far)
    verification.emplace_back(far_figure_name("vr_at_far", far), value);
  for (const auto& [far, value] : report.dir_at_far_rank1) {
    identification.emplace_back(far_figure_name("dir_at_far_rank1", far), value);
  }
  const std::int64_t replicates = options.bootstrap.replicates;
  for (auto* figures : {&verification, &identification}) {
    for (DrawnOverTrials& figure : *figures) figure.resize(replicates);
  }

  if (replicates > 0) {
    std::vector<WeightedRoc> rocs;
    std::vector<DrawnOpenSet> open_sets;
    for (std::size_t t = 0; t < lists.trials.size(); ++t) {
      const auto of_trial = [&](const std::vector<TrialPair>& all) {
        std::vector<PairScore> mine;
        for (const TrialPair& pair : all) {
          if ((pair.trials >> t & 1) == 0) continue;
          mine.push_back({pair.score,
                          {static_cast<std::uint32_t>(lists.identities[at(pair.a)]),
                           static_cast<std::uint32_t>(lists.identities[at(pair.b)])}});
        }
        return mine;
      };
      rocs.emplace_back(of_trial(pairs.genuine()), of_trial(scores.tail), lists.identity_count,
                        ThresholdRule::kKthImpostor, impostor_weight(lists, lists.trials[t]));
      std::vector<std::int32_t> people;
      for (const std::int32_t image : lists.trials[t].probe) people.push_back(lists.identities[at(image)]);
      open_sets.emplace_back(scores.outcomes[t], people);
    }
    std::vector<double> far;
    for (const auto& [target, value] : report.vr_at_far) far.push_back(target);
    for_each_draw(lists.identity_count, options.bootstrap,
                  [&](std::int64_t replicate, Span<const std::uint16_t> drawn) {
                    std::vector<std::vector<double>> vr(far.size());
                    for (const WeightedRoc& roc : rocs) {
                      const std::vector<TarAtFar> points = roc.at(drawn, far);
                      for (std::size_t f = 0; f < far.size(); ++f) vr[f].push_back(points[f].tar);
                    }
                    for (std::size_t f = 0; f < far.size(); ++f)
                      verification[f].set(replicate, std::move(vr[f]));
                    for (std::size_t f = 0; f < identification.size(); ++f) {
                      std::vector<double> dir;
                      for (const DrawnOpenSet& set : open_sets) {
                        dir.push_back(set.dir(drawn, report.dir_at_far_rank1[f].first, 1));
                      }
                      identification[f].set(replicate, std::move(dir));
                    }
                  });
  }
  for (auto* figures : {&verification, &identification}) {
    for (DrawnOverTrials& figure : *figures) figure.append_to(report.figures);
  }
}

void add_worst_pairs_of(const BlufrLists& lists, const TrialPairs& pairs, const std::vector<TrialPair>& tail,
                        BlufrReport& report) {
  const auto named = [&](const TrialPair& pair) {
    return NamedScore{lists.names[at(pair.a)], lists.names[at(pair.b)], pair.score};
  };
  for (std::size_t i = 0; i < std::min(kWorstPairs, pairs.genuine().size()); ++i) {
    report.worst_genuine.push_back(named(pairs.genuine()[pairs.genuine().size() - 1 - i]));
  }
  for (std::size_t i = 0; i < std::min(kWorstPairs, tail.size()); ++i)
    report.worst_impostor.push_back(named(tail[i]));
}

}  // namespace

OverTrials over_trials(std::vector<double> values) {
  OverTrials result;
  const auto n = static_cast<double>(values.size());
  result.mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double value : values) squares += (value - result.mean) * (value - result.mean);
  result.std = values.size() > 1 ? std::sqrt(squares / (n - 1)) : 0;
  result.trials = std::move(values);
  return result;
}

BlufrReport evaluate_blufr(const UnitRows& rows, const BlufrLists& lists, const BlufrOptions& options) {
  require_valid(rows, lists);
  const int trials = static_cast<int>(lists.trials.size());
  BlufrReport report;
  report.bootstrap = options.bootstrap;
  report.people = people_digest(names_of_people(lists));
  report.verification_grid = blufr_far_grid(-8);
  report.identification_grid = blufr_far_grid(-4);
  report.ranks = blufr_ranks();

  const std::vector<std::uint16_t> trials_of_row = memberships(lists);
  const TrialPairs pairs(rows, lists.identities, trials_of_row, options.threads);
  Scores scores;
  scores.genuine.resize(at(trials));
  for (const TrialPair& pair : pairs.genuine()) {
    for (int t = 0; t < trials; ++t) {
      if ((pair.trials >> t & 1) != 0) scores.genuine[at(t)].push_back(pair.score);
    }
  }
  require_both_kinds(pairs, scores.genuine);

  // Reported targets are looked up together with the grid.
  std::vector<double> far = report.verification_grid;
  far.insert(far.end(), options.verification_far.begin(), options.verification_far.end());
  std::int64_t fewest = std::numeric_limits<std::int64_t>::max(), most = 0;
  for (int t = 0; t < trials; ++t) {
    fewest = std::min(fewest, pairs.impostors(t));
    most = std::max(most, pairs.impostors(t));
  }
  double highest_far = 0;
  for (const double target : options.verification_far) highest_far = std::max(highest_far, target);
  const auto tail_pairs = static_cast<std::int64_t>(
      options.bootstrap.replicates > 0 ? std::ceil(kTailFactor * highest_far * static_cast<double>(most))
                                       : 0);
  std::vector<TrialPairs::Wanted> wanted = wanted_impostors(pairs, trials, far);
  TrialPairs::Answer answer = pairs.look_up(wanted, std::max<std::int64_t>(tail_pairs, kWorstPairs));
  scores.tail = std::move(answer.tail);
  scores.thresholds.resize(at(trials));
  for (int t = 0; t < trials; ++t) {
    for (std::size_t f = 0; f < far.size(); ++f) {
      const float kth = answer.kth[at(t) * far.size() + f];
      scores.thresholds[at(t)].push_back(blufr_threshold(
          far[f], pairs.impostors(t), [&](std::int64_t) { return kth; }, scores.genuine[at(t)]));
    }
  }

  std::vector<OpenSetTable> tables;
  std::vector<double> identification_far = report.identification_grid;
  identification_far.insert(identification_far.end(), options.identification_far.begin(),
                            options.identification_far.end());
  std::int64_t fewest_non_mated = std::numeric_limits<std::int64_t>::max();
  for (int t = 0; t < trials; ++t) {
    const BlufrTrial& trial = lists.trials[at(t)];
    const Subset gallery(rows, lists, trial.gallery), probes(rows, lists, trial.probe);
    scores.outcomes.push_back(search_gallery(probes.view(), probes.identities, gallery.view(),
                                             gallery.identities, TieRule::kGalleryOrder, options.threads));
    tables.push_back(open_set_table(scores.outcomes.back(), identification_far, report.ranks));
    fewest_non_mated = std::min(fewest_non_mated, tables.back().non_mated_probes);

    BlufrTrialCounts counts;
    counts.test_images = static_cast<std::int64_t>(trial.test.size());
    counts.gallery_images = static_cast<std::int64_t>(trial.gallery.size());
    counts.probe_images = static_cast<std::int64_t>(trial.probe.size());
    counts.genuine_pairs = static_cast<std::int64_t>(scores.genuine[at(t)].size());
    counts.impostor_pairs = pairs.impostors(t);
    counts.mated_probes = tables.back().mated_probes;
    counts.non_mated_probes = tables.back().non_mated_probes;
    report.trials.push_back(counts);
  }

  const auto vr_over_trials = [&](std::size_t f) {
    std::vector<double> values;
    for (int t = 0; t < trials; ++t)
      values.push_back(vr_at(scores.genuine[at(t)], scores.thresholds[at(t)][f]));
    return over_trials(std::move(values));
  };
  const auto dir_over_trials = [&](std::size_t rank, std::size_t f) {
    std::vector<double> values;
    for (const OpenSetTable& table : tables) values.push_back(table.dir[rank][f]);
    return over_trials(std::move(values));
  };
  for (std::size_t f = 0; f < report.verification_grid.size(); ++f) report.vr.push_back(vr_over_trials(f));
  for (std::size_t rank = 0; rank < report.ranks.size(); ++rank) {
    std::vector<OverTrials>& row = report.dir.emplace_back();
    for (std::size_t f = 0; f < report.identification_grid.size(); ++f)
      row.push_back(dir_over_trials(rank, f));
  }
  const auto report_points = [&](const std::vector<double>& targets, std::int64_t impostors,
                                 const std::string& name, const std::string& what, auto value_at,
                                 auto& points) {
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const std::string why = unmeasurable_far(targets[i], static_cast<std::uint64_t>(impostors), what);
      if (why.empty()) {
        points.push_back({targets[i], value_at(i)});
      } else {
        report.unmeasurable.push_back(fmt::format("{}: {}", far_figure_name(name, targets[i]), why));
      }
    }
  };
  report_points(
      options.verification_far, fewest, "vr_at_far", "impostor pairs",
      [&](std::size_t i) { return vr_over_trials(report.verification_grid.size() + i); }, report.vr_at_far);
  report_points(
      options.identification_far, fewest_non_mated, "dir_at_far_rank1", "probes without a mate",
      [&](std::size_t i) { return dir_over_trials(0, report.identification_grid.size() + i); },
      report.dir_at_far_rank1);
  draw_figures(lists, scores, pairs, options, report);

  for (std::size_t bin = 0; bin < TrialPairs::kBins; ++bin) {
    report.histogram.impostor[bin / (TrialPairs::kBins / ScoreHistogram::kBins)] +=
        pairs.impostor_histogram()[bin];
  }
  for (const TrialPair& pair : pairs.genuine()) ++report.histogram.genuine[at(score_bin(pair.score))];
  add_worst_pairs_of(lists, pairs, scores.tail, report);
  return report;
}

}  // namespace aface
