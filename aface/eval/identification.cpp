#include "aface/eval/identification.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "aface/eval/gallery_search.h"
#include "aface/eval/open_set.h"
#include "aface/eval/weighted_roc.h"

namespace aface {
namespace {

constexpr std::size_t kWorstPairs = 20;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// 1, 2, ... 9 x 10^-k as far as the probes allow, and 1.
std::vector<double> fpir_grid(std::int64_t non_mated) {
  std::vector<double> grid;
  double unit = 1e9;
  for (int exponent = -9; exponent < 0; ++exponent, unit /= 10) {
    for (int digit = 1; digit <= 9; ++digit) {
      const double fpir = digit / unit;
      if (unmeasurable_far(fpir, static_cast<std::uint64_t>(non_mated)).empty()) grid.push_back(fpir);
    }
  }
  grid.push_back(1);
  return grid;
}

std::vector<DirAtFpir> points_at(const std::vector<ProbeOutcome>& outcomes, const std::vector<double>& fpir) {
  if (fpir.empty()) return {};
  const OpenSetTable table = open_set_table(outcomes, fpir, {1});
  std::vector<DirAtFpir> points;
  for (std::size_t f = 0; f < fpir.size(); ++f)
    points.push_back({fpir[f], table.dir[0][f], table.threshold[f]});
  return points;
}

void add_open_set(const std::vector<ProbeOutcome>& outcomes, const IdentificationOptions& options,
                  IdentificationReport& report) {
  std::vector<double> measurable;
  for (const double fpir : options.fpir) {
    const std::string why = unmeasurable_far(fpir, static_cast<std::uint64_t>(report.non_mated_probes),
                                             "probes of people who are not enrolled");
    if (why.empty()) {
      measurable.push_back(fpir);
      continue;
    }
    Figure figure;
    figure.name = far_figure_name("dir_at_fpir", fpir);
    figure.value = std::nan("");
    figure.unmeasurable = why;
    report.figures.push_back(std::move(figure));
  }
  if (report.non_mated_probes == 0) return;
  report.dir_at_fpir = points_at(outcomes, measurable);
  report.curve = points_at(outcomes, fpir_grid(report.non_mated_probes));
  for (const DirAtFpir& point : report.dir_at_fpir) {
    Figure dir, threshold;
    dir.name = far_figure_name("dir_at_fpir", point.fpir);
    dir.value = point.dir;
    threshold.name = far_figure_name("threshold_at_fpir", point.fpir);
    threshold.value = point.threshold;
    report.figures.push_back(std::move(dir));
    report.figures.push_back(std::move(threshold));
  }
}

// Fills the replicates of the figures by their names' meaning, in the order in which they were made.
void draw_figures(const std::vector<ProbeOutcome>& outcomes, const NamedRows& probes, std::int64_t people,
                  const std::vector<std::int32_t>& rank_figures, const IdentificationOptions& options,
                  IdentificationReport& report) {
  if (options.bootstrap.replicates == 0) return;
  for (Figure& figure : report.figures) {
    if (figure.unmeasurable.empty()) figure.replicates.resize(at(options.bootstrap.replicates));
  }
  const std::size_t first_open = report.figures.size() - 2 * report.dir_at_fpir.size();
  const DrawnOpenSet drawn_set(outcomes, probes.identities);
  for_each_draw(people, options.bootstrap, [&](std::int64_t replicate, Span<const std::uint16_t> drawn) {
    const auto set = [&](std::size_t figure, double value) {
      report.figures[figure].replicates[at(replicate)] = static_cast<float>(value);
    };
    for (std::size_t r = 0; r < rank_figures.size(); ++r) set(r, drawn_set.rank_rate(drawn, rank_figures[r]));
    for (std::size_t f = 0; f < report.dir_at_fpir.size(); ++f) {
      set(first_open + 2 * f, drawn_set.dir(drawn, report.dir_at_fpir[f].fpir, 1));
      set(first_open + 2 * f + 1, drawn_set.threshold(drawn, report.dir_at_fpir[f].fpir));
    }
  });
}

void add_pictures(const std::vector<ProbeOutcome>& outcomes, const NamedRows& probes,
                  const NamedRows& gallery, IdentificationReport& report) {
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const ProbeOutcome& probe = outcomes[i];
    if (probe.is_mated()) {
      report.worst_genuine.push_back({probes.paths[i], gallery.paths[at(probe.mate)], probe.mate_score});
      ++report.histogram.genuine[at(score_bin(probe.mate_score))];
    } else {
      ++report.histogram.impostor[at(score_bin(probe.best_other_score))];
    }
    if (probe.best_other != ProbeOutcome::kNone) {
      report.worst_impostor.push_back(
          {probes.paths[i], gallery.paths[at(probe.best_other)], probe.best_other_score});
    }
  }
  std::stable_sort(report.worst_genuine.begin(), report.worst_genuine.end(),
                   [](const NamedScore& x, const NamedScore& y) { return x.score < y.score; });
  std::stable_sort(report.worst_impostor.begin(), report.worst_impostor.end(),
                   [](const NamedScore& x, const NamedScore& y) { return x.score > y.score; });
  for (auto* list : {&report.worst_genuine, &report.worst_impostor})
    list->resize(std::min(list->size(), kWorstPairs));
}

}  // namespace

IdentificationReport evaluate_identification(const NamedRows& probes, const NamedRows& gallery,
                                             const std::vector<std::string>& identity_names,
                                             const IdentificationOptions& options) {
  const std::vector<ProbeOutcome> outcomes =
      search_gallery(probes.rows, probes.identities, gallery.rows, gallery.identities, TieRule::kAgainstMate,
                     options.threads);
  IdentificationReport report;
  report.bootstrap = options.bootstrap;
  report.people = people_digest(identity_names);
  report.gallery_images = static_cast<std::int64_t>(gallery.identities.size());
  report.enrolled = static_cast<std::int64_t>(
      std::set<std::int32_t>(gallery.identities.begin(), gallery.identities.end()).size());
  report.mated_probes = std::count_if(outcomes.begin(), outcomes.end(),
                                      [](const ProbeOutcome& probe) { return probe.is_mated(); });
  report.non_mated_probes = static_cast<std::int64_t>(outcomes.size()) - report.mated_probes;
  report.cmc =
      cmc(outcomes, static_cast<std::int32_t>(std::min<std::int64_t>(options.ranks, report.enrolled)));

  std::vector<std::int32_t> rank_figures;
  for (const std::int32_t rank : {1, 5, 10}) {
    if (rank > static_cast<std::int32_t>(report.cmc.size())) continue;
    Figure figure;
    figure.name = "rank" + std::to_string(rank);
    figure.value = report.cmc[at(rank - 1)];
    report.figures.push_back(std::move(figure));
    rank_figures.push_back(rank);
  }
  add_open_set(outcomes, options, report);
  draw_figures(outcomes, probes, static_cast<std::int64_t>(identity_names.size()), rank_figures, options,
               report);
  add_pictures(outcomes, probes, gallery, report);
  return report;
}

}  // namespace aface
