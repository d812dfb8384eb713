#include "aface/eval/blufr.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "aface/core/error.h"
#include "aface/eval/blufr_identification.h"
#include "aface/eval/blufr_rule.h"
#include "aface/eval/blufr_verification.h"
#include "aface/eval/far_targets.h"

namespace aface {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// A person is called after the first image.
std::vector<std::string> names_of_people(const BlufrLists& lists) {
  std::vector<std::string> names(at(lists.identity_count));
  for (std::size_t i = lists.names.size(); i-- > 0;) names[at(lists.identities[i])] = lists.names[i];
  return names;
}

std::string digest_of(const BlufrLists& lists) {
  std::vector<std::string> names = lists.names;
  for (const BlufrTrial& trial : lists.trials) {
    names.emplace_back("gallery");
    for (const std::int32_t image : trial.gallery) names.push_back(std::to_string(image));
    names.emplace_back("probe");
    for (const std::int32_t image : trial.probe) names.push_back(std::to_string(image));
  }
  return names_digest(names);
}

std::vector<double> joined(std::vector<double> grid, const std::vector<double>& targets) {
  grid.insert(grid.end(), targets.begin(), targets.end());
  return grid;
}

// The highest target whose figure can be drawn; 0 when there is none or nobody is drawn.
double highest_drawn(const std::vector<double>& targets, const BootstrapOptions& bootstrap) {
  double highest = 0;
  for (const double far : targets) {
    if (far <= BlufrVerification::kHighestDrawnFar) highest = std::max(highest, far);
  }
  return bootstrap.replicates > 0 ? highest : 0;
}

std::vector<BlufrTrialCounts> count_trials(const BlufrLists& lists, const BlufrVerification& verification,
                                           const BlufrIdentification& identification) {
  std::vector<BlufrTrialCounts> counts;
  for (std::size_t t = 0; t < lists.trials.size(); ++t) {
    BlufrTrialCounts& trial = counts.emplace_back();
    trial.test_images = static_cast<std::int64_t>(lists.trials[t].test.size());
    trial.gallery_images = static_cast<std::int64_t>(lists.trials[t].gallery.size());
    trial.probe_images = static_cast<std::int64_t>(lists.trials[t].probe.size());
    trial.genuine_pairs = verification.genuine_pairs(t);
    trial.impostor_pairs = verification.impostor_pairs(t);
    trial.mated_probes = identification.mated_probes(t);
    trial.non_mated_probes = identification.non_mated_probes(t);
  }
  return counts;
}

// Mean and mean - std over the trials, with their values under the draws.
class TrialFigures {
 public:
  TrialFigures(const std::string& name, const OverTrials& value, std::int64_t replicates) {
    mean_.name = name + "/mean";
    mean_.value = value.mean;
    mean_.replicates.resize(at(replicates));
    fused_.name = name + "/mean_minus_std";
    fused_.value = value.mean_minus_std();
    fused_.replicates.resize(at(replicates));
  }
  void set(std::int64_t replicate, const OverTrials& drawn) {
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

void add_figures_of(const BlufrLists& lists, const BlufrVerification& verification,
                    const BlufrIdentification& identification, BlufrReport& report) {
  const std::int64_t replicates = report.bootstrap.replicates;
  std::vector<TrialFigures> vr, dir;
  std::vector<double> drawn_far;      // targets of VR that draws can answer
  std::vector<std::size_t> drawn_vr;  // and their figures
  for (const auto& [far, value] : report.vr_at_far) {
    const bool is_drawn = far <= BlufrVerification::kHighestDrawnFar;
    if (is_drawn) {
      drawn_far.push_back(far);
      drawn_vr.push_back(vr.size());
    }
    vr.emplace_back(far_figure_name("vr_at_far", far), value, is_drawn ? replicates : 0);
  }
  for (const auto& [far, value] : report.dir_at_far_rank1) {
    dir.emplace_back(far_figure_name("dir_at_far_rank1", far), value, replicates);
  }
  for_each_draw(
      lists.identity_count, report.bootstrap, [&](std::int64_t replicate, Span<const std::uint16_t> drawn) {
        const std::vector<OverTrials> rates = verification.drawn_vr(drawn, drawn_far);
        for (std::size_t f = 0; f < rates.size(); ++f) vr[drawn_vr[f]].set(replicate, rates[f]);
        for (std::size_t f = 0; f < dir.size(); ++f) {
          dir[f].set(replicate, identification.drawn_dir(drawn, report.dir_at_far_rank1[f].first, 1));
        }
      });
  for (auto* figures : {&vr, &dir}) {
    for (TrialFigures& figure : *figures) figure.append_to(report.figures);
  }
}

// Reported targets with their values; those that the fewest impostors of a trial cannot measure are named
// instead.
template <class ValueAt>
std::vector<std::pair<double, OverTrials>> reported_points(const std::vector<double>& targets,
                                                           std::int64_t fewest, const std::string& figure,
                                                           const std::string& what, ValueAt value_at,
                                                           std::vector<std::string>& unmeasurable) {
  std::vector<std::pair<double, OverTrials>> points;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const std::string why = unmeasurable_far(targets[i], static_cast<std::uint64_t>(fewest), what);
    if (why.empty()) {
      points.emplace_back(targets[i], value_at(i));
    } else {
      unmeasurable.push_back(fmt::format("{}: {}", far_figure_name(figure, targets[i]), why));
    }
  }
  return points;
}

void add_pictures(const BlufrLists& lists, const BlufrVerification& verification, BlufrReport& report) {
  const auto named = [&](const TrialPair& pair) {
    return NamedScore{lists.names[at(pair.a)], lists.names[at(pair.b)], pair.score};
  };
  const std::vector<TrialPair>& genuine = verification.pairs().genuine();
  const std::vector<TrialPair>& impostor = verification.highest_impostors();
  for (std::size_t i = 0; i < std::min(kWorstPairs, genuine.size()); ++i) {
    report.worst_genuine.push_back(named(genuine[genuine.size() - 1 - i]));
  }
  for (std::size_t i = 0; i < std::min(kWorstPairs, impostor.size()); ++i) {
    report.worst_impostor.push_back(named(impostor[i]));
  }
  for (const TrialPair& pair : genuine) ++report.histogram.genuine[at(score_bin(pair.score))];
  constexpr std::size_t kBinsInOne = TrialPairs::kBins / ScoreHistogram::kBins;
  for (std::size_t bin = 0; bin < TrialPairs::kBins; ++bin) {
    report.histogram.impostor[bin / kBinsInOne] += verification.pairs().impostor_histogram()[bin];
  }
}

}  // namespace

BlufrReport evaluate_blufr(const UnitRows& rows, const BlufrLists& lists, const BlufrOptions& options) {
  if (rows.rows.rows != lists.names.size()) {
    throw Error(ErrorKind::kData, fmt::format("BLUFR: {} embeddings for {} images (expected one each)",
                                              rows.rows.rows, lists.names.size()));
  }
  BlufrReport report;
  report.bootstrap = options.bootstrap;
  report.people = names_digest(names_of_people(lists));
  report.test_set = digest_of(lists);
  report.verification_grid = blufr_far_grid(-8);
  report.identification_grid = blufr_far_grid(-4);
  report.ranks = blufr_ranks();  // rank 1 is the first

  // The reported targets stand behind the grid.
  const std::vector<double> vr_targets = checked_targets(options.verification_far),
                            dir_targets = checked_targets(options.identification_far);
  const BlufrVerification verification(rows, lists, joined(report.verification_grid, vr_targets),
                                       highest_drawn(vr_targets, options.bootstrap), options.threads);
  const BlufrIdentification identification(rows, lists, joined(report.identification_grid, dir_targets),
                                           report.ranks, options.threads);
  report.trials = count_trials(lists, verification, identification);
  for (std::size_t f = 0; f < report.verification_grid.size(); ++f) report.vr.push_back(verification.vr(f));
  for (std::size_t rank = 0; rank < report.ranks.size(); ++rank) {
    std::vector<OverTrials>& row = report.dir.emplace_back();
    for (std::size_t f = 0; f < report.identification_grid.size(); ++f)
      row.push_back(identification.dir(rank, f));
  }
  report.vr_at_far = reported_points(
      vr_targets, verification.fewest_impostor_pairs(), "vr_at_far", "impostor pairs",
      [&](std::size_t i) { return verification.vr(report.verification_grid.size() + i); },
      report.unmeasurable);
  report.dir_at_far_rank1 = reported_points(
      dir_targets, identification.fewest_non_mated_probes(), "dir_at_far_rank1", "probes without a mate",
      [&](std::size_t i) { return identification.dir(0, report.identification_grid.size() + i); },
      report.unmeasurable);
  add_figures_of(lists, verification, identification, report);
  add_pictures(lists, verification, report);
  return report;
}

}  // namespace aface
